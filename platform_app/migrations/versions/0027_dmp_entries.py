"""Entries of the record: vaccinations, reimbursements, health profile, results; each bound to its patient."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSON

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

PARTITIONS = 16
BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "dmp_entry",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        *_text("category", "status", "label", "unit", "interpretation", "path", "author_name", "source"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("wrong", sa.Boolean, nullable=False),
        sa.Column("codes", ARRAY(sa.Text), nullable=False),
        sa.Column("identifiers", ARRAY(sa.Text), nullable=False),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("effective_at", "created_at", "updated_at")),
        *(sa.Column(name, INSTANT) for name in ("ends_at", "hidden_at")),
        *(sa.Column(name, sa.Numeric) for name in ("value", "low", "high")),
        *(sa.Column(name, sa.Uuid) for name in ("document_id", "author_id")),
        sa.Column("meta", JSON, nullable=False),
        sa.Column("body", JSON, nullable=False),
        postgresql_partition_by="HASH (patient_id)",
    )
    newest = [sa.text("effective_at DESC"), sa.text("id DESC")]
    op.create_index("ix_dmp_entry_category_time", "dmp_entry", ["patient_id", "category", *newest])
    op.create_index("ix_dmp_entry_patient_id_updated_at_id", "dmp_entry", ["patient_id", "updated_at", "id"])
    op.create_index("ix_dmp_entry_patient_id_document_id", "dmp_entry", ["patient_id", "document_id"])
    op.execute("ALTER TABLE dmp_entry ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY bound ON dmp_entry TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")
    for number in range(PARTITIONS):
        name = f"dmp_entry_p{number:02}"
        op.execute(
            f"CREATE TABLE {name} PARTITION OF dmp_entry FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
        )
        # The policy of the parent does not hold on a partition that is named directly: nobody may.
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {name} FROM ens_app")


def downgrade() -> None:
    op.drop_table("dmp_entry")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]
