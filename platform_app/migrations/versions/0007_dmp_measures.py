"""Measures and devices of the record, and the keys of repeated requests; each bound to its patient."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSON

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

PARTITIONS = 16
BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"
TABLES = ("dmp_measure", "dmp_device", "core_idempotency")


def upgrade() -> None:
    _measures()
    _devices()
    _idempotency()
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY bound ON {table} TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")
    op.execute("GRANT SELECT, DELETE ON core_idempotency TO ens_batch")
    op.execute("CREATE POLICY batch ON core_idempotency TO ens_batch USING (true)")


def _measures() -> None:
    op.create_table(
        "dmp_measure",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value", sa.Numeric, nullable=False),
        sa.Column("value2", sa.Numeric),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("device_id", sa.Uuid),
        sa.Column("device_details", JSON),
        sa.Column("author_id", sa.Uuid),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("meta", JSON, nullable=False),
        sa.Column("body", JSON, nullable=False),
        postgresql_partition_by="HASH (patient_id)",
    )
    newest = [sa.text("effective_at DESC"), sa.text("id DESC")]
    op.create_index("ix_dmp_measure_kind_time", "dmp_measure", ["patient_id", "kind", *newest])
    op.create_index("ix_dmp_measure_patient_id_updated_at_id", "dmp_measure", ["patient_id", "updated_at", "id"])
    for number in range(PARTITIONS):
        name = f"dmp_measure_p{number:02}"
        op.execute(
            f"CREATE TABLE {name} PARTITION OF dmp_measure FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
        )
        # The policy of the parent does not hold on a partition that is named directly: nobody may.
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {name} FROM ens_app")


def _devices() -> None:
    op.create_table(
        "dmp_device",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("identifier_system", sa.Text, nullable=False),
        sa.Column("identifier_value", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("meta", JSON, nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.UniqueConstraint(
            "patient_id",
            "identifier_system",
            "identifier_value",
            name="uq_dmp_device_patient_id_identifier_system_identifier_value",
        ),
    )


def _idempotency() -> None:
    op.create_table(
        "core_idempotency",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("caller", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("request_hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("categories", ARRAY(sa.Text)),
        sa.Column("location", sa.Text),
        sa.Column("version", sa.Integer),
        sa.Column("answer", sa.Text),
    )
    op.create_index("ix_core_idempotency_created_at", "core_idempotency", ["created_at"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
