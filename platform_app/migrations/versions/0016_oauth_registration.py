"""Dynamic registration: tokens that open it, what a client registered, who may introspect any token."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "oauth_initial_token",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("application_id", sa.Uuid, nullable=False, index=True),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("uses_left", sa.Integer, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False, index=True),
        sa.CheckConstraint("environment IN ('production', 'sandbox')", name="environment"),
        sa.CheckConstraint("uses_left >= 0", name="uses_left"),
    )
    op.add_column("oauth_client", sa.Column("registration_hash", sa.LargeBinary))
    op.create_unique_constraint("uq_oauth_client_registration_hash", "oauth_client", ["registration_hash"])
    op.add_column("oauth_client", sa.Column("grant_types", JSONB))
    op.add_column("oauth_client", sa.Column("scope", sa.Text))
    op.add_column("oauth_client", sa.Column("may_introspect", sa.Boolean, nullable=False, server_default="false"))
    op.alter_column("oauth_client", "may_introspect", server_default=None)


def downgrade() -> None:
    for name in ("may_introspect", "scope", "grant_types"):
        op.drop_column("oauth_client", name)
    op.drop_constraint("uq_oauth_client_registration_hash", "oauth_client")
    op.drop_column("oauth_client", "registration_hash")
    op.drop_table("oauth_initial_token")
