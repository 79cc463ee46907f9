"""Nearest neighbours within one record: an exact reading of its vectors, under the policy of their table.

A product of vectors is computed in the list of columns, not in a condition: row-level security leaves it alone.
"""

from uuid import UUID

from dmp_core.rules.search.meaning import Meaning
from platform_core.database import run

MOST_NEAR = 20
# The model gives all texts of a language likenesses of 0.75 to 0.92: what counts is to stand out of the record.
_LEAST_ALIKE = 0.84
_LEAST_DEVIATIONS = 2.2
_LEAST_TEXTS = 8
_CANDIDATES = 60
_HOLDS = """
SELECT count(*) FROM pg_attribute
 WHERE attrelid = 'dmp_search_vector'::regclass AND attname = 'embedding' AND atttypid = to_regtype('halfvec')"""
_SCAN = f"""
alike AS MATERIALIZED (
    SELECT v.id, -(v.embedding <#> %(meaning)s::text::halfvec) AS likeness
      FROM dmp_search_vector v WHERE v.patient_id = %(patient)s AND v.model = %(model)s),
usual AS (
    SELECT avg(likeness) + {_LEAST_DEVIATIONS} * stddev_pop(likeness) AS least FROM alike
    HAVING count(*) >= {_LEAST_TEXTS}),
near AS (
    SELECT a.id, a.likeness FROM alike a, usual u
     WHERE a.likeness >= greatest(u.least, {_LEAST_ALIKE}) ORDER BY a.likeness DESC, a.id LIMIT {_CANDIDATES})"""  # noqa: S608 - constants only
NEAR = f"""
WITH {_SCAN},
found AS MATERIALIZED (
    SELECT s.id, s.source, n.likeness::real AS rank
      FROM near n JOIN dmp_search s ON s.patient_id = %(patient)s AND s.id = n.id
     WHERE %(required)s = '' OR s.lexemes @@ nullif(%(required)s, '')::text::tsquery)"""  # noqa: S608 - constants only
_VECTOR = """
SELECT model, embedding::vector::real[] AS vector FROM dmp_search_vector
 WHERE patient_id = %(patient)s AND id = %(id)s"""


def holds_vectors() -> bool:
    """Whether the database compares vectors: pgvector was there when the table was made, or came later."""
    return bool(run(_HOLDS, {})[0][0])


def find_meaning(*, patient_id: UUID, id: UUID) -> Meaning | None:
    """The meaning of a document; None when it has no vector."""
    rows = run(_VECTOR, {"patient": patient_id, "id": id}) if holds_vectors() else []
    return Meaning(rows[0].model, rows[0].vector) if rows else None
