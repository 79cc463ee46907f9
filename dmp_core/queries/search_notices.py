"""What is new or unusual in a record, among what the viewer may see."""

from collections.abc import Sequence
from uuid import UUID

from dmp_core.categories import BMI, KINDS
from dmp_core.models.entries import EntryRow
from dmp_core.queries.entries import list_entries
from dmp_core.queries.search import EVERYTHING, Within
from dmp_core.queries.statements import VALID
from dmp_core.rules.documents.visibility import SEEN, Viewer, ViewerKind
from dmp_core.rules.entries.kinds import RESULTS, TREATMENTS
from dmp_core.rules.search.noticing import (
    First,
    Notice,
    Reading,
    notice_readings,
    notice_specialties,
    notice_treatments,
)
from platform_core import clock
from platform_core.database import run

MOST = 12
_MOST_RESULTS, _MOST_ENTRIES = 2000, 500
_SERIES = f"""
SELECT m.* FROM unnest(%(kinds)s::text[]) AS asked(kind) CROSS JOIN LATERAL (
    SELECT kind, effective_at, value, value2 FROM dmp_measure
     WHERE patient_id = %(patient)s AND kind = asked.kind AND {VALID} AND (%(every)s OR hidden_at IS NULL)
     ORDER BY effective_at DESC, id DESC LIMIT 60) m"""  # noqa: S608 - constants only
_SPECIALTIES = """
SELECT DISTINCT ON (d.author_specialty) d.author_specialty, 'documents.' || d.kind, d.effective_at, d.id
  FROM dmp_document d
 WHERE d.patient_id = %(patient)s AND d.author_specialty <> '' AND d.state = 'current' AND {seen}
   AND (%(types)s::text[] IS NULL OR d.type_code = ANY (%(types)s::text[]))
 ORDER BY d.author_specialty, d.effective_at, d.id"""


def list_notices(*, patient_id: UUID, viewer: Viewer, within: Within = EVERYTHING) -> Sequence[Notice]:
    """The lines worth a look, the latest first; `MOST` at the most. The transaction is bound to the patient."""
    now = clock.now()
    results = _entries(patient_id, viewer, within, RESULTS.category, _MOST_RESULTS)
    readings = [
        Reading(row.category, row.label, row.effective_at, row.value, row.unit, row.low, row.high, row.document_id)
        for row in results
        if row.value is not None
    ]
    treatments = _entries(patient_id, viewer, within, TREATMENTS.category)
    found = [
        *notice_readings(readings + _measures(patient_id, viewer, within), now),
        *notice_specialties(_specialties(patient_id, viewer, within), now),
        *notice_treatments(treatments, now),
    ]
    return sorted(found, key=lambda notice: notice.at, reverse=True)[:MOST]


def _entries(
    patient_id: UUID, viewer: Viewer, within: Within, category: str, limit: int = _MOST_ENTRIES
) -> Sequence[EntryRow]:
    if within.categories is not None and category not in within.categories:
        return []
    return list_entries(patient_id=patient_id, viewer=viewer, categories=[category], limit=limit)


def _measures(patient_id: UUID, viewer: Viewer, within: Within) -> list[Reading]:
    kinds = [kind for kind in KINDS if kind != BMI]
    if within.categories is not None:
        kinds = [kind for kind in kinds if KINDS[kind].category in within.categories]
    rows = run(_SERIES, {"patient": patient_id, "kinds": kinds, "every": viewer.kind is not ViewerKind.PROFESSIONAL})
    return [
        Reading(KINDS[row.kind].category, label, row.effective_at, value, KINDS[row.kind].shown_unit, measure=row.kind)
        for row in rows
        for label, value in zip(_parts(row.kind), (row.value, row.value2), strict=False)
        if value is not None
    ]


def _parts(kind: str) -> tuple[str, ...]:
    label = KINDS[kind].label
    return (f"{label} (haute)", f"{label} (basse)") if KINDS[kind].components else (label,)


def _specialties(patient_id: UUID, viewer: Viewer, within: Within) -> dict[str, First]:
    statement = _SPECIALTIES.format(seen=SEEN[viewer.kind])
    rows = run(statement, {"patient": patient_id, "types": within.types, **viewer.parameters})
    return {specialty: First(*first) for specialty, *first in rows}
