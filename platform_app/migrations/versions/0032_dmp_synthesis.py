"""The medical summaries that doctors are writing, and the last that each signed, bound to their patient."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "dmp_synthesis_draft",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("professional_id", sa.Uuid, primary_key=True),
        sa.Column("content", sa.LargeBinary),
        sa.Column("changed_at", INSTANT),
        sa.Column("lapses_at", INSTANT),
        sa.Column("signed", sa.LargeBinary),
        sa.Column("document_id", sa.Uuid),
        sa.CheckConstraint("(content IS NULL) = (changed_at IS NULL)", name="changed"),
        sa.CheckConstraint("(content IS NULL) = (lapses_at IS NULL)", name="lapses"),
        sa.CheckConstraint("(signed IS NULL) = (document_id IS NULL)", name="signed"),
    )
    op.create_index("ix_dmp_synthesis_draft_lapses_at", "dmp_synthesis_draft", ["lapses_at"])
    op.execute("ALTER TABLE dmp_synthesis_draft ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY bound ON dmp_synthesis_draft TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")
    op.execute("GRANT SELECT (lapses_at), UPDATE (content, changed_at, lapses_at) ON dmp_synthesis_draft TO ens_batch")
    op.execute("CREATE POLICY batch ON dmp_synthesis_draft TO ens_batch USING (true)")


def downgrade() -> None:
    op.drop_table("dmp_synthesis_draft")
