"""Evidence of the dossiers: the files of an organisation, what they back in each submission, its data key."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "core_organisation_key",
        sa.Column("organisation_id", sa.Uuid, primary_key=True),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "store_evidence",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("organisation_id", sa.Uuid, sa.ForeignKey("identity_organisation.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("blob_name", sa.Text, nullable=False, index=True),
        sa.Column("valid_from", sa.Date),
        sa.Column("valid_until", sa.Date),
        sa.Column("added_by", sa.Uuid, nullable=False),
        sa.Column("added_by_name", sa.Text, nullable=False),
        sa.Column("added_at", _TIME, nullable=False),
        sa.Column("superseded_by", sa.Uuid, sa.ForeignKey("store_evidence.id"), unique=True),
        sa.Column("warned_days", sa.Integer),
        sa.CheckConstraint("size > 0", name="size"),
        sa.CheckConstraint("valid_until >= valid_from", name="validity"),
    )
    op.create_index("ix_store_evidence_organisation_id", "store_evidence", ["organisation_id", "added_at"])
    op.create_index(
        "ix_store_evidence_expiring",
        "store_evidence",
        ["valid_until"],
        postgresql_where=sa.text("superseded_by IS NULL"),
    )
    op.create_table(
        "store_evidence_link",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("submission_id", sa.Uuid, sa.ForeignKey("store_submission.id"), nullable=False),
        sa.Column("target_kind", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("evidence_id", sa.Uuid, sa.ForeignKey("store_evidence.id"), nullable=False, index=True),
        sa.Column("linked_by", sa.Uuid, nullable=False),
        sa.Column("linked_at", _TIME, nullable=False),
        sa.Column("unlinked_at", _TIME),
        sa.CheckConstraint("target_kind IN ('criterion', 'section')", name="target_kind"),
        sa.CheckConstraint("unlinked_at >= linked_at", name="dates"),
    )
    op.create_index(
        "uq_store_evidence_link_live",
        "store_evidence_link",
        ["submission_id", "target_kind", "target", "evidence_id"],
        unique=True,
        postgresql_where=sa.text("unlinked_at IS NULL"),
    )
    op.create_index("ix_store_evidence_link_submission_id", "store_evidence_link", ["submission_id"])
    op.execute("GRANT SELECT (blob_name) ON store_evidence TO ens_batch")


def downgrade() -> None:
    for table in ("store_evidence_link", "store_evidence", "core_organisation_key"):
        op.drop_table(table)
