"""Files made in the background for one person about one patient, bound to that patient."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "core_download",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("asked_by", sa.Uuid, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("kind", "asker_kind", "asker_name")),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("done", "total")),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("asked_at", "expires_at")),
        sa.Column("ready_at", INSTANT),
        sa.Column("blob_name", sa.Text),
        sa.Column("size", sa.BigInteger),
        sa.Column("sha256", sa.LargeBinary),
    )
    op.create_index("ix_core_download_expires_at", "core_download", ["expires_at"])
    op.create_index("ix_core_download_blob_name", "core_download", ["blob_name"])
    op.execute("ALTER TABLE core_download ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY bound ON core_download TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")
    op.execute("REVOKE DELETE ON core_download FROM ens_app")
    op.execute("GRANT SELECT (blob_name, expires_at), DELETE ON core_download TO ens_batch")
    op.execute("CREATE POLICY batch ON core_download TO ens_batch USING (true)")


def downgrade() -> None:
    op.drop_table("core_download")
