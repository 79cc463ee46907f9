"""Signed receipts of the acts on a consent; the batch role may read what it verifies."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"
VERIFIED = ("consent_receipt", "consent_event", "consent_version")


def upgrade() -> None:
    op.create_table(
        "consent_receipt",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("consent_id", sa.Uuid, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("jws", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id", "consent_id"],
            ["consent_consent.patient_id", "consent_consent.id"],
            name="fk_consent_receipt_patient_id_consent_consent",
        ),
    )
    op.execute("REVOKE UPDATE, DELETE ON consent_receipt FROM ens_app")
    op.execute("ALTER TABLE consent_receipt ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY bound ON consent_receipt TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")
    for table in VERIFIED:
        op.execute(f"GRANT SELECT ON {table} TO ens_batch")
        op.execute(f"CREATE POLICY batch ON {table} FOR SELECT TO ens_batch USING (true)")
    op.execute(
        """
        CREATE FUNCTION consent_last_receipt(asked uuid) RETURNS integer
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
            SELECT max(receipt.number)
            FROM consent_consent AS consent
            JOIN consent_receipt AS receipt
                ON (receipt.patient_id, receipt.consent_id) = (consent.patient_id, consent.id)
            WHERE consent.id = asked
        $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION consent_last_receipt(uuid) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION consent_last_receipt(uuid) TO ens_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION consent_last_receipt(uuid)")
    for table in VERIFIED[1:]:
        op.execute(f"DROP POLICY batch ON {table}")
        op.execute(f"REVOKE ALL ON {table} FROM ens_batch")
    op.drop_table("consent_receipt")
