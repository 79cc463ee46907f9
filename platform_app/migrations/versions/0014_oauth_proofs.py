"""Values seen once in a ring of partitions; how a client authenticates, keys that it publishes; response modes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SLOTS = 4
_TIME = sa.DateTime(timezone=True)
_METHODS = "'private_key_jwt', 'none', 'tls_client_auth', 'self_signed_tls_client_auth'"


def upgrade() -> None:
    op.drop_table("oauth_replay")
    _create_ring()
    _describe_clients()
    op.create_table(
        "oauth_client_keyset",
        sa.Column("client_pk", sa.Uuid, sa.ForeignKey("oauth_client.id"), primary_key=True),
        sa.Column("keys", JSONB, nullable=False),
        sa.Column("fetched_at", _TIME, nullable=False),
        sa.Column("fresh_until", _TIME, nullable=False),
        sa.Column("fault", sa.Text),
    )
    op.execute("REVOKE DELETE ON oauth_client_keyset FROM ens_app")
    op.add_column("oauth_authorization_request", sa.Column("response_mode", sa.Text))
    op.execute("UPDATE oauth_authorization_request SET response_mode = 'query'")
    op.alter_column("oauth_authorization_request", "response_mode", nullable=False)


def _create_ring() -> None:
    op.create_table(
        "oauth_replay",
        sa.Column("slot", sa.SmallInteger, primary_key=True),
        sa.Column("value_hash", sa.LargeBinary, primary_key=True),
        postgresql_partition_by="LIST (slot)",
    )
    op.execute("REVOKE UPDATE, DELETE ON oauth_replay FROM ens_app")
    for slot in range(SLOTS):
        op.execute(f"CREATE TABLE oauth_replay_{slot} PARTITION OF oauth_replay FOR VALUES IN ({slot})")
        op.execute(f"REVOKE ALL ON oauth_replay_{slot} FROM ens_app")
        op.execute(f"GRANT TRUNCATE ON oauth_replay_{slot} TO ens_batch")


def _describe_clients() -> None:
    for column in (
        sa.Column("auth_method", sa.Text),
        sa.Column("jwks_uri", sa.Text),
        sa.Column("tls_subject", JSONB),
    ):
        op.add_column("oauth_client", column)
    op.execute("UPDATE oauth_client SET auth_method = CASE WHEN is_public THEN 'none' ELSE 'private_key_jwt' END")
    op.alter_column("oauth_client", "auth_method", nullable=False)
    op.create_check_constraint("auth_method", "oauth_client", f"auth_method IN ({_METHODS})")
    op.create_check_constraint("public_auth_method", "oauth_client", "is_public = (auth_method = 'none')")
    subject = "(auth_method = 'tls_client_auth') = (tls_subject IS NOT NULL)"
    op.create_check_constraint("tls_subject", "oauth_client", subject)


def downgrade() -> None:
    op.drop_column("oauth_authorization_request", "response_mode")
    op.drop_table("oauth_client_keyset")
    for name in ("tls_subject", "public_auth_method", "auth_method"):
        op.drop_constraint(name, "oauth_client", type_="check")
    for name in ("tls_subject", "jwks_uri", "auth_method"):
        op.drop_column("oauth_client", name)
    op.drop_table("oauth_replay")
    op.create_table(
        "oauth_replay",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("value_hash", sa.LargeBinary, primary_key=True),
        sa.Column("expires_at", _TIME, nullable=False, index=True),
    )
    op.execute("REVOKE UPDATE ON oauth_replay FROM ens_app")
