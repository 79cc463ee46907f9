"""Questions with a life of their own: those that stand in the patient's space, those left alone, apps kept silent."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"
STATUSES = "'requested', 'granted', 'refused', 'postponed', 'expired'"
STANDING = "status IN ('requested', 'postponed')"


def upgrade() -> None:
    _replace_check("ck_consent_request_status", "status", f"status IN ({STATUSES}, 'abandoned')")
    _replace_check("origin", "origin", "origin IN ('application', 'device', 'dashboard')")
    op.alter_column("consent_request", "browser_hash", nullable=True)
    op.add_column("consent_request", sa.Column("silent", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("consent_request", sa.Column("closed_at", INSTANT))
    closed = f"UPDATE consent_request SET closed_at = coalesce(decided_at, expires_at) WHERE NOT ({STANDING})"  # noqa: S608
    op.execute(closed)
    op.alter_column("consent_request", "silent", server_default=None)
    _replace_index("due", ["expires_at"], STANDING)
    op.create_index(
        "ix_consent_request_standing", "consent_request", ["patient_id", "app_id"], postgresql_where=sa.text(STANDING)
    )
    op.create_index(
        "ix_consent_request_closed", "consent_request", ["closed_at"], postgresql_where=sa.text("closed_at IS NOT NULL")
    )
    _silence()


def _silence() -> None:
    op.create_table(
        "consent_silence",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("app_id", sa.Uuid, primary_key=True),
        sa.Column("app_name", sa.Text, nullable=False),
        sa.Column("refusals", sa.SmallInteger, nullable=False),
        sa.Column("refused_at", INSTANT, nullable=False),
        sa.Column("silent_until", INSTANT),
        sa.CheckConstraint("refusals IN (1, 2) AND (refusals = 2) = (silent_until IS NOT NULL)", name="counted"),
    )
    op.create_index("ix_consent_silence_refused_at", "consent_silence", ["refused_at"])
    op.execute("ALTER TABLE consent_silence ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY bound ON consent_silence TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")
    op.execute("GRANT SELECT, DELETE ON consent_silence TO ens_batch")
    op.execute("CREATE POLICY batch ON consent_silence TO ens_batch USING (true)")


def _replace_check(old: str, new: str, condition: str) -> None:
    """The names are those before the naming convention."""
    op.drop_constraint(old, "consent_request", type_="check")
    op.create_check_constraint(new, "consent_request", condition)


def _replace_index(name: str, columns: list[str], where: str) -> None:
    op.drop_index(f"ix_consent_request_{name}", "consent_request")
    op.create_index(f"ix_consent_request_{name}", "consent_request", columns, postgresql_where=sa.text(where))


def downgrade() -> None:
    op.drop_table("consent_silence")
    op.drop_index("ix_consent_request_closed", "consent_request")
    op.drop_index("ix_consent_request_standing", "consent_request")
    op.execute("DELETE FROM consent_request WHERE origin = 'dashboard' OR status = 'abandoned'")
    _replace_index("due", ["expires_at"], "status = 'requested'")
    op.drop_column("consent_request", "closed_at")
    op.drop_column("consent_request", "silent")
    op.alter_column("consent_request", "browser_hash", nullable=False)
    _replace_check("origin", "origin", "origin IN ('application', 'device')")
    _replace_check("status", "ck_consent_request_status", f"status IN ({STATUSES})")
