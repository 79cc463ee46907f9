"""What the search of a record goes by beside words: a vector of the meaning of each document and entry.

pgvector is an extension that a PostgreSQL may not have. The table is made all the same, of plain numbers, and stays
empty: the search goes by words alone until the extension is there and the column is of its type (docs/operations.md).
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

PARTITIONS = 16
BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"
TABLE = "dmp_search_vector"
_AVAILABLE = "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"
_KNOWN = "SELECT to_regtype('halfvec') IS NOT NULL"  # from pgvector 0.7


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("embedding", sa.ARRAY(sa.REAL), nullable=False),
        postgresql_partition_by="HASH (patient_id)",
    )
    if op.get_bind().execute(sa.text(_AVAILABLE)).scalar():
        op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    if op.get_bind().execute(sa.text(_KNOWN)).scalar():
        op.execute(f"ALTER TABLE {TABLE} ALTER embedding TYPE halfvec(384) USING embedding::vector::halfvec")
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY bound ON {TABLE} TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")
    for number in range(PARTITIONS):
        part = f"{TABLE}_p{number:02}"
        op.execute(
            f"CREATE TABLE {part} PARTITION OF {TABLE} FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
        )
        # The policy of the parent does not hold on a partition that is named directly: nobody may.
        op.execute(f"ALTER TABLE {part} ENABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {part} FROM ens_app")


def downgrade() -> None:
    op.drop_table(TABLE)
