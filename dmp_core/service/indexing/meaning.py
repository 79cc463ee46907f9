"""The meaning of what a record holds, as vectors: what still waits for one, and keeping those that were made.

Documents have one, and what a person or a professional said of health. Results and reimbursements are found by their
names: there are thousands, and their figures mean nothing to a model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dmp_core import gateway
from dmp_core.categories import DOCUMENT_TYPES
from dmp_core.queries.search_texts import unseal
from dmp_core.queries.search_vectors import holds_vectors
from dmp_core.rules.entries.kinds import KINDS, REIMBURSEMENTS, RESULTS
from dmp_core.rules.search.meaning import Meaning, tell
from dmp_core.rules.search.sources import TextState
from platform_core import crypto, outbox
from platform_core.database import run

EMBED = "dmp.embed_record"
_CATEGORIES = sorted(KINDS.keys() - {RESULTS.category, REIMBURSEMENTS.category})
_WITHOUT = """
  FROM dmp_search s
  LEFT JOIN dmp_document d ON s.source = 'document' AND d.patient_id = s.patient_id AND d.id = s.id
  LEFT JOIN dmp_entry e ON s.source = 'entry' AND e.patient_id = s.patient_id AND e.id = s.id
 WHERE s.patient_id = %(patient)s AND s.state <> %(unread)s
   AND (d.state <> 'deleted' OR e.category = ANY (%(categories)s))
   AND NOT EXISTS (SELECT 1 FROM dmp_search_vector v
                    WHERE v.patient_id = s.patient_id AND v.id = s.id AND v.model = %(model)s)"""
_WAITING = f"""
SELECT s.id, s.body, coalesce(d.title, e.label) AS title, coalesce(d.author_specialty, '') AS specialty,
       coalesce(d.type_code, '') AS type_code {_WITHOUT}
 ORDER BY s.effective_at DESC, s.id LIMIT %(limit)s"""
_COUNT = f"SELECT count(*) {_WITHOUT}"
# The text is sealed anew each time that it is kept: the same bytes are the text that was read.
_KEEP = """
INSERT INTO dmp_search_vector (patient_id, id, model, embedding)
SELECT s.patient_id, s.id, %(model)s, %(embedding)s::text::halfvec FROM dmp_search s
 WHERE s.patient_id = %(patient)s AND s.id = %(id)s AND s.body = %(body)s
ON CONFLICT (patient_id, id) DO UPDATE SET model = excluded.model, embedding = excluded.embedding"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A document or an entry without a vector: the passage that tells its meaning, and the text as it was kept."""

    id: UUID
    passage: str
    body: bytes


def ask_vectors(*, patient_id: UUID) -> None:
    """Have a task make the vectors that a record waits for, where there is a model and a place for them."""
    if gateway.is_on() and holds_vectors():
        outbox.enqueue_once(EMBED, patient_id)


def list_waiting(*, patient_id: UUID, limit: int) -> list[Waiting]:
    """What waits for a vector of the present model, the latest care first; nothing where PostgreSQL has no pgvector."""
    if not holds_vectors():
        return []
    rows = run(_WAITING, {**_parameters(patient_id), "limit": limit})
    if not rows:
        return []
    key = crypto.patient_key(patient_id, create=False)
    return [Waiting(row.id, tell(_about(row), unseal(row.body, patient_id, row.id, key=key)), row.body) for row in rows]


def count_waiting(*, patient_id: UUID) -> int:
    """How many documents and entries of a record wait for a vector."""
    return int(run(_COUNT, _parameters(patient_id))[0][0]) if holds_vectors() else 0


def keep_vectors(*, patient_id: UUID, made: Sequence[tuple[Waiting, Meaning]]) -> None:
    """Keep the vectors of texts that did not change meanwhile."""
    for one, meaning in made:
        row = {"patient": patient_id, "id": one.id, "body": one.body}
        run(_KEEP, {**row, "model": meaning.model, "embedding": meaning.numbers})


def _about(row: Any) -> list[str]:
    kind = DOCUMENT_TYPES.get(row.type_code)
    return [row.title, row.specialty, kind.label if kind else ""]


def _parameters(patient_id: UUID) -> Mapping[str, object]:
    model = gateway.model_name()
    return {"patient": patient_id, "model": model, "categories": _CATEGORIES, "unread": TextState.WAITING}
