"""The authorization server: clients and their keys, requests, codes, tokens, values seen once."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def _client() -> sa.Column:
    return sa.Column("client_pk", sa.Uuid, sa.ForeignKey("oauth_client.id"), nullable=False)


def upgrade() -> None:
    _create_clients()
    _create_requests()
    _create_tokens()
    op.create_table(
        "oauth_replay",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("value_hash", sa.LargeBinary, primary_key=True),
        sa.Column("expires_at", _TIME, nullable=False, index=True),
    )
    op.execute("REVOKE UPDATE ON oauth_replay FROM ens_app")
    op.execute("REVOKE DELETE ON oauth_client, oauth_client_key FROM ens_app")


def _create_clients() -> None:
    op.create_table(
        "oauth_client",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("client_id", sa.Text, nullable=False, unique=True),
        sa.Column("application_id", sa.Uuid, index=True),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("is_public", sa.Boolean, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("redirect_uris", JSONB, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.CheckConstraint("environment IN ('production', 'sandbox')", name="environment"),
        sa.CheckConstraint("profile IN ('fapi2', 'smart')", name="profile"),
        sa.CheckConstraint("status IN ('active', 'disabled')", name="status"),
        sa.CheckConstraint("environment = 'sandbox' OR application_id IS NOT NULL", name="production_application"),
        sa.CheckConstraint("profile = 'smart' OR NOT is_public", name="fapi2_confidential"),
    )
    op.create_table(
        "oauth_client_key",
        sa.Column("client_pk", sa.Uuid, sa.ForeignKey("oauth_client.id"), primary_key=True),
        sa.Column("thumbprint", sa.Text, primary_key=True),
        sa.Column("jwk", JSONB, nullable=False),
        sa.Column("added_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME),
    )


def _create_requests() -> None:
    op.create_table(
        "oauth_authorization_request",
        sa.Column("id", sa.Uuid, primary_key=True),
        _client(),
        sa.Column("request_uri_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("redirect_uri", sa.Text, nullable=False),
        sa.Column("state", sa.Text),
        sa.Column("nonce", sa.Text),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("code_challenge", sa.Text, nullable=False),
        sa.Column("jkt", sa.Text),
        sa.Column("asked", JSONB, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False, index=True),
        sa.Column("opened_at", _TIME),
        sa.Column("finished_at", _TIME),
        sa.Column("consent_request_id", sa.Uuid),
    )


def _create_tokens() -> None:
    op.create_table(
        "oauth_code",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("code_hash", sa.LargeBinary, nullable=False, unique=True),
        _client(),
        sa.Column("redirect_uri", sa.Text, nullable=False),
        sa.Column("code_challenge", sa.Text, nullable=False),
        sa.Column("jkt", sa.Text),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("nonce", sa.Text),
        sa.Column("patient_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("grant_id", sa.Uuid, nullable=False),
        sa.Column("assurance", sa.Text, nullable=False),
        sa.Column("signed_in_at", _TIME, nullable=False),
        sa.Column("issued_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False, index=True),
        sa.Column("used_at", _TIME),
    )
    op.create_table(
        "oauth_token",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        _client(),
        sa.Column("patient_id", sa.Uuid),
        sa.Column("person_id", sa.Uuid),
        sa.Column("grant_id", sa.Uuid, index=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("jkt", sa.Text),
        sa.Column("family_id", sa.Uuid, nullable=False, index=True),
        sa.Column("assurance", sa.Text, nullable=False),
        sa.Column("signed_in_at", _TIME),
        sa.Column("issued_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False, index=True),
        sa.Column("revoked_at", _TIME),
        sa.Column("rotated_at", _TIME),
        sa.CheckConstraint("kind IN ('access', 'refresh')", name="kind"),
    )


def downgrade() -> None:
    for table in (
        "oauth_replay",
        "oauth_token",
        "oauth_code",
        "oauth_authorization_request",
        "oauth_client_key",
        "oauth_client",
    ):
        op.drop_table(table)
