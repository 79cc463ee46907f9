"""The goals of a person by kind of measure, and what they call their devices; each bound to its patient."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"


def upgrade() -> None:
    op.create_table(
        "dmp_measure_goal",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("low", sa.Numeric),
        sa.Column("high", sa.Numeric),
        sa.Column("low2", sa.Numeric),
        sa.Column("high2", sa.Numeric),
        sa.Column("until", sa.Date),
        sa.Column("author_kind", sa.Text, nullable=False),
        sa.Column("author_id", sa.Uuid, nullable=False),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.execute("ALTER TABLE dmp_measure_goal ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY bound ON dmp_measure_goal TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")
    op.add_column("dmp_device", sa.Column("label", sa.Text, nullable=False, server_default=""))
    op.add_column("dmp_device", sa.Column("put_aside_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("dmp_device", "put_aside_at")
    op.drop_column("dmp_device", "label")
    op.drop_table("dmp_measure_goal")
