"""Professionals in the record: agreements, one-off codes, blocked professionals, choices; each bound to its patient."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"
INSTANT = sa.DateTime(timezone=True)
TABLES = ("dmp_agreement", "dmp_block", "dmp_access_choice")
# Two questions that come before the patient is known. Each gives ids alone, and only to the one whom they concern:
# who holds the eight digits, or the professional signed in.
FUNCTIONS = """
CREATE FUNCTION dmp_patients_of(p_professional uuid, p_now timestamptz) RETURNS TABLE (patient_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT DISTINCT a.patient_id FROM dmp_agreement a
     WHERE a.professional_id = p_professional AND a.state = 'active' AND (a.ends_at IS NULL OR a.ends_at > p_now)
       AND NOT EXISTS (SELECT 1 FROM dmp_block b
                        WHERE b.patient_id = a.patient_id AND b.professional_id = a.professional_id)
     LIMIT 500
$$;
CREATE FUNCTION dmp_patients_of_code(p_hash bytea, p_now timestamptz) RETURNS TABLE (patient_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT c.patient_id FROM dmp_access_choice c WHERE c.code_hash = p_hash AND c.code_until > p_now LIMIT 20
$$;
"""


def upgrade() -> None:
    op.create_table(
        "dmp_agreement",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("professional_id", sa.Uuid, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("ends_at", INSTANT),
        sa.Column("motive", sa.LargeBinary),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("state_changed_at", INSTANT, nullable=False),
        sa.CheckConstraint("mode IN ('treating-doctor', 'care-team', 'code', 'emergency')", name="mode"),
        sa.CheckConstraint("state IN ('proposed', 'active', 'refused', 'ended')", name="state"),
        sa.CheckConstraint("(mode = 'emergency') = (motive IS NOT NULL)", name="motive"),
        sa.CheckConstraint("(mode = 'treating-doctor') = (ends_at IS NULL)", name="end"),
    )
    op.create_index(
        "uq_dmp_agreement_treating_doctor",
        "dmp_agreement",
        ["patient_id"],
        unique=True,
        postgresql_where=sa.text("mode = 'treating-doctor' AND state = 'active'"),
    )
    op.create_index(
        "ix_dmp_agreement_professional",
        "dmp_agreement",
        ["professional_id"],
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "dmp_block",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("professional_id", sa.Uuid, primary_key=True),
        sa.Column("blocked_at", INSTANT, nullable=False),
    )
    op.create_table(
        "dmp_access_choice",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("emergency", sa.Boolean, nullable=False),
        sa.Column("writing", sa.Boolean, nullable=False),
        sa.Column("code_hash", sa.LargeBinary),
        sa.Column("code_until", INSTANT),
    )
    op.create_index("ix_dmp_access_choice_code_hash", "dmp_access_choice", ["code_hash"])
    op.create_table(
        "dmp_failed_attempt",
        sa.Column("professional_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
    )
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY bound ON {table} TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")
    op.execute("REVOKE DELETE ON dmp_agreement FROM ens_app")
    op.execute(FUNCTIONS)
    for function in ("dmp_patients_of(uuid, timestamptz)", "dmp_patients_of_code(bytea, timestamptz)"):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO ens_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION dmp_patients_of(uuid, timestamptz), dmp_patients_of_code(bytea, timestamptz)")
    for table in ("dmp_failed_attempt", *reversed(TABLES)):
        op.drop_table(table)
