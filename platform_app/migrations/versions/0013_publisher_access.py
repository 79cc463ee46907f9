"""The publisher's account: levels of members, invitations, personal access tokens, usage of applications."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
_ROLES = "'publisher', 'reviewer', 'decider', 'commission'"
_NAME = "ck_identity_member_role"
_FORMER_NAME = "ck_identity_member_ck_identity_member_role"  # as the migration 0002 really named it


def upgrade() -> None:
    _allow_roles(f"'administrator', 'viewer', {_ROLES}", was=_FORMER_NAME, name=_NAME)
    # Who published first for an organisation becomes its administrator: none is left without.
    op.execute(
        "INSERT INTO identity_member (organisation_id, agent_id, role, created_at)"
        " SELECT DISTINCT ON (organisation_id) organisation_id, agent_id, 'administrator', created_at"
        " FROM identity_member WHERE role = 'publisher' ORDER BY organisation_id, created_at, agent_id"
    )
    _invitations()
    _tokens()
    op.add_column("oauth_client", sa.Column("last_used_at", TIME))
    _usage()


def _allow_roles(roles: str, *, was: str, name: str) -> None:
    op.execute(f"ALTER TABLE identity_member DROP CONSTRAINT {was}, ADD CONSTRAINT {name} CHECK (role IN ({roles}))")


def _invitations() -> None:
    op.create_table(
        "identity_invitation",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("organisation_id", sa.Uuid, sa.ForeignKey("identity_organisation.id"), nullable=False),
        sa.Column("email_lookup", sa.LargeBinary, nullable=False, index=True),
        sa.Column("email_sealed", sa.LargeBinary, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("invited_by_name", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("accepted_at", TIME),
        sa.Column("cancelled_at", TIME),
        sa.CheckConstraint("level IN ('viewer', 'editor', 'administrator')", name="level"),
    )
    op.create_index(
        "uq_identity_invitation_open",
        "identity_invitation",
        ["organisation_id", "email_lookup"],
        unique=True,
        postgresql_where=sa.text("accepted_at IS NULL AND cancelled_at IS NULL"),
    )
    op.execute("REVOKE DELETE ON identity_invitation FROM ens_app")


def _tokens() -> None:
    op.create_table(
        "identity_access_token",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("organisation_id", sa.Uuid, sa.ForeignKey("identity_organisation.id"), nullable=False, index=True),
        sa.Column("agent_id", sa.Uuid, sa.ForeignKey("identity_agent.id"), nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("ending", sa.Text, nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("last_used_at", TIME),
        sa.Column("revoked_at", TIME),
        sa.CheckConstraint("expires_at > created_at", name="life"),
    )
    op.execute("REVOKE DELETE ON identity_access_token FROM ens_app")


def _usage() -> None:
    op.create_table(
        "data_sync_call_count",
        sa.Column("app_id", sa.Uuid, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("synchronisations", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "data_sync_consent_count",
        sa.Column("app_id", sa.Uuid, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("live", sa.BigInteger, nullable=False),
        sa.Column("paused", sa.BigInteger, nullable=False),
        sa.Column("granted", sa.BigInteger, nullable=False),
        sa.Column("revoked", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "data_sync_cursor",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("batch", sa.BigInteger, nullable=False),
        sa.Column("moved_at", TIME, nullable=False),
    )
    for table in ("data_sync_call_count", "data_sync_consent_count", "data_sync_cursor"):
        op.execute(f"REVOKE INSERT, UPDATE, DELETE ON {table} FROM ens_app")
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO ens_batch")


def downgrade() -> None:
    for table in ("data_sync_cursor", "data_sync_consent_count", "data_sync_call_count"):
        op.drop_table(table)
    op.drop_column("oauth_client", "last_used_at")
    op.drop_table("identity_access_token")
    op.drop_table("identity_invitation")
    op.execute("DELETE FROM identity_member WHERE role IN ('administrator', 'viewer')")
    _allow_roles(_ROLES, was=_NAME, name=_FORMER_NAME)
