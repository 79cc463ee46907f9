"""Lines of prescriptions and of dispensations, as their documents state them; each bound to its patient."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

PARTITIONS = 16
BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"


def upgrade() -> None:
    op.create_table(
        "dmp_medicine_line",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("document_id", sa.Uuid, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("kind", "identifier", "order", "label", "unit")),
        sa.Column("author", sa.Text, nullable=False),
        *(
            sa.Column(name, ARRAY(sa.Text), nullable=False)
            for name in ("orders", "substances", "codes", "dosages", "remarks")
        ),
        sa.Column("written_on", sa.Date, nullable=False),
        sa.Column("starts_on", sa.Date),
        sa.Column("days", sa.Integer),
        sa.Column("repeats", sa.Integer),
        sa.Column("quantity", sa.Numeric),
        sa.Column("partial", sa.Boolean, nullable=False),
        sa.CheckConstraint("kind IN ('prescription', 'dispensation')", name="ck_dmp_medicine_line_kind"),
        postgresql_partition_by="HASH (patient_id)",
    )
    op.create_index("ix_dmp_medicine_line_written_on", "dmp_medicine_line", ["patient_id", sa.text("written_on DESC")])
    op.execute("ALTER TABLE dmp_medicine_line ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY bound ON dmp_medicine_line TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")
    # What a document states does not change: its lines go with the space.
    op.execute("REVOKE UPDATE ON dmp_medicine_line FROM ens_app")
    for number in range(PARTITIONS):
        name = f"dmp_medicine_line_p{number:02}"
        op.execute(
            f"CREATE TABLE {name} PARTITION OF dmp_medicine_line"
            f" FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
        )
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {name} FROM ens_app")


def downgrade() -> None:
    op.drop_table("dmp_medicine_line")
