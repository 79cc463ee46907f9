"""What the search of a record goes by: the words of each document and entry, and one function that ranks them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

PARTITIONS = 16
BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"
TABLES = ("dmp_search", "dmp_search_word")

# `@@` is not leakproof: under a policy it would read every row of the patient. The function reads past the policy, and
# keeps to the patient of the transaction by itself. Who sees what it finds is for its caller to say, under the policy.
_SEARCH = """
CREATE FUNCTION ens_search_record(p_query tsquery, p_parts tsquery[], p_now timestamptz, p_most integer)
RETURNS TABLE (id uuid, source text, rank real)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET plan_cache_mode = force_custom_plan SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_patient uuid := nullif(current_setting('ens.patient', true), '')::uuid;
BEGIN
    RETURN QUERY
    SELECT c.id, c.source,
           (c.parts + ts_rank_cd(c.lexemes, p_query, 32)
            + 0.15 * exp(-greatest(0, extract(epoch FROM p_now - c.effective_at)) / 126230400))::real
      FROM (SELECT s.id, s.source, s.lexemes, s.effective_at,
                   (SELECT count(*) FROM unnest(p_parts) AS part WHERE s.lexemes @@ part) AS parts
              FROM dmp_search s
             WHERE s.patient_id = v_patient AND s.lexemes @@ p_query
             ORDER BY parts DESC, s.effective_at DESC, s.id DESC
             LIMIT p_most) AS c;
END
$$
"""


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_table(
        "dmp_search",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("lexemes", TSVECTOR, nullable=False),
        sa.CheckConstraint("source IN ('document', 'entry')", name="ck_dmp_search_source"),
        sa.CheckConstraint("state IN ('waiting', 'whole', 'cut', 'wordless', 'unread')", name="ck_dmp_search_state"),
        postgresql_partition_by="HASH (patient_id)",
    )
    # What waits in the list of fast updates is read whole by every search.
    op.create_index(
        "ix_dmp_search_lexemes",
        "dmp_search",
        ["patient_id", "lexemes"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_table(
        "dmp_search_word",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("word", sa.Text(collation="C"), primary_key=True),
        sa.Column("learnt_from", sa.Uuid, primary_key=True),
        postgresql_partition_by="HASH (patient_id)",
    )
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY bound ON {table} TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")
        for number in range(PARTITIONS):
            part = f"{table}_p{number:02}"
            op.execute(
                f"CREATE TABLE {part} PARTITION OF {table} FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
            )
            # The policy of the parent does not hold on a partition that is named directly: nobody may.
            op.execute(f"ALTER TABLE {part} ENABLE ROW LEVEL SECURITY")
            op.execute(f"REVOKE ALL ON {part} FROM ens_app")
    op.execute(_SEARCH)
    op.execute("REVOKE ALL ON FUNCTION ens_search_record(tsquery, tsquery[], timestamptz, integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ens_search_record(tsquery, tsquery[], timestamptz, integer) TO ens_app")
    # Reading every record again begins with whose there are.
    op.execute("GRANT SELECT (patient_id) ON dmp_document, dmp_entry TO ens_batch")
    op.execute("CREATE POLICY batch ON dmp_entry FOR SELECT TO ens_batch USING (true)")


def downgrade() -> None:
    op.execute("DROP POLICY batch ON dmp_entry")
    op.execute("REVOKE SELECT (patient_id) ON dmp_document, dmp_entry FROM ens_batch")
    op.execute("DROP FUNCTION ens_search_record(tsquery, tsquery[], timestamptz, integer)")
    for table in reversed(TABLES):
        op.drop_table(table)
