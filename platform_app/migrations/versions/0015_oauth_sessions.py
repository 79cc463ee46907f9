"""Devices without a browser; where a question to a patient comes from, and what it does with their consent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_devices()
    _describe_requests()
    _follow_logins()
    _describe_questions()


def _create_devices() -> None:
    op.create_table(
        "oauth_device",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("client_pk", sa.Uuid, sa.ForeignKey("oauth_client.id"), nullable=False),
        sa.Column("device_code_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("user_code_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("jkt", sa.Text),
        sa.Column("asked", JSONB, nullable=False),
        sa.Column("origin_hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False, index=True),
        sa.Column("seconds_between", sa.Integer, nullable=False),
        sa.Column("polled_at", _TIME),
        sa.Column("person_id", sa.Uuid),
        sa.Column("consent_request_id", sa.Uuid),
        sa.Column("finished_at", _TIME),
    )
    op.create_table(
        "oauth_device_guess",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("guessed_at", _TIME, nullable=False, index=True),
    )
    op.execute("REVOKE UPDATE ON oauth_device_guess FROM ens_app")


def _describe_requests() -> None:
    op.add_column("oauth_authorization_request", sa.Column("grant_action", sa.Text))
    op.add_column("oauth_authorization_request", sa.Column("grant_id", sa.Uuid))
    op.add_column("oauth_authorization_request", sa.Column("demand", JSONB))
    op.execute("UPDATE oauth_authorization_request SET demand = '{}'")
    op.alter_column("oauth_authorization_request", "demand", nullable=False)
    actions = "grant_action IN ('create', 'replace', 'merge')"
    op.create_check_constraint("grant_action", "oauth_authorization_request", actions)


def _follow_logins() -> None:
    op.add_column("oauth_client", sa.Column("post_logout_redirect_uris", JSONB))
    op.execute("UPDATE oauth_client SET post_logout_redirect_uris = '[]'")
    op.alter_column("oauth_client", "post_logout_redirect_uris", nullable=False)
    op.add_column("oauth_client", sa.Column("backchannel_logout_uri", sa.Text))
    op.add_column("oauth_code", sa.Column("session_id", sa.Uuid))
    op.create_table(
        "oauth_login",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("session_id", sa.Uuid, nullable=False),
        sa.Column("client_pk", sa.Uuid, sa.ForeignKey("oauth_client.id"), nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("sid", sa.Text, nullable=False),
        sa.Column("started_at", _TIME, nullable=False, index=True),
        sa.Column("ended_at", _TIME),
        sa.UniqueConstraint("session_id", "client_pk", "person_id"),
    )


def _describe_questions() -> None:
    op.add_column("consent_request", sa.Column("merges", sa.Boolean))
    op.execute("UPDATE consent_request SET merges = false")
    op.alter_column("consent_request", "merges", nullable=False)
    op.add_column("consent_request", sa.Column("origin", sa.Text))
    op.execute("UPDATE consent_request SET origin = 'application'")
    op.alter_column("consent_request", "origin", nullable=False)
    op.create_check_constraint("origin", "consent_request", "origin IN ('application', 'device')")


def downgrade() -> None:
    op.drop_constraint("origin", "consent_request", type_="check")
    op.drop_column("consent_request", "origin")
    op.drop_column("consent_request", "merges")
    op.drop_table("oauth_login")
    op.drop_column("oauth_code", "session_id")
    op.drop_column("oauth_client", "backchannel_logout_uri")
    op.drop_column("oauth_client", "post_logout_redirect_uris")
    op.drop_constraint("grant_action", "oauth_authorization_request", type_="check")
    op.drop_column("oauth_authorization_request", "demand")
    op.drop_column("oauth_authorization_request", "grant_id")
    op.drop_column("oauth_authorization_request", "grant_action")
    op.drop_table("oauth_device_guess")
    op.drop_table("oauth_device")
