"""What is new or unusual in a record, among what the viewer may see."""

from collections.abc import Sequence
from uuid import UUID

from dmp_core.categories import BMI, KINDS
from dmp_core.queries.entries import list_entries
from dmp_core.queries.statements import VALID
from dmp_core.rules.documents.visibility import SEEN, Viewer
from dmp_core.rules.entries.kinds import RESULTS, TREATMENTS
from dmp_core.rules.search.noticing import (
    Notice,
    Reading,
    notice_readings,
    notice_specialties,
    notice_treatments,
)
from platform_core import clock
from platform_core.database import run

MOST = 12
_MOST_RESULTS = 2000
_SERIES = f"""
SELECT m.* FROM unnest(%(kinds)s::text[]) AS asked(kind) CROSS JOIN LATERAL (
    SELECT kind, effective_at, value, value2 FROM dmp_measure
     WHERE patient_id = %(patient)s AND kind = asked.kind AND {VALID}
     ORDER BY effective_at DESC, id DESC LIMIT 60) m"""  # noqa: S608 - constants only
_SPECIALTIES = """
SELECT DISTINCT ON (d.author_specialty) d.author_specialty, d.effective_at, d.id FROM dmp_document d
 WHERE d.patient_id = %(patient)s AND d.author_specialty <> '' AND d.state = 'current' AND {seen}
 ORDER BY d.author_specialty, d.effective_at, d.id"""


def list_notices(*, patient_id: UUID, viewer: Viewer) -> Sequence[Notice]:
    """The lines worth a look, the latest first; `MOST` at the most. The transaction is bound to the patient."""
    now = clock.now()
    results = list_entries(patient_id=patient_id, viewer=viewer, categories=[RESULTS.category], limit=_MOST_RESULTS)
    readings = [
        Reading(row.label, row.effective_at, row.value, row.unit, row.low, row.high, row.document_id)
        for row in results
        if row.value is not None
    ]
    treatments = list_entries(patient_id=patient_id, viewer=viewer, categories=[TREATMENTS.category])
    found = [
        *notice_readings(readings + _measures(patient_id), now),
        *notice_specialties(_specialties(patient_id, viewer), now),
        *notice_treatments(treatments, now),
    ]
    return sorted(found, key=lambda notice: notice.at, reverse=True)[:MOST]


def _measures(patient_id: UUID) -> list[Reading]:
    rows = run(_SERIES, {"patient": patient_id, "kinds": [kind for kind in KINDS if kind != BMI]})
    return [
        Reading(label, row.effective_at, value, KINDS[row.kind].shown_unit, measure=row.kind)
        for row in rows
        for label, value in zip(_parts(row.kind), (row.value, row.value2), strict=False)
        if value is not None
    ]


def _parts(kind: str) -> tuple[str, ...]:
    label = KINDS[kind].label
    return (f"{label} (haute)", f"{label} (basse)") if KINDS[kind].components else (label,)


def _specialties(patient_id: UUID, viewer: Viewer) -> dict[str, tuple]:
    statement = _SPECIALTIES.format(seen=SEEN[viewer.kind])
    return {row[0]: (row[1], row[2]) for row in run(statement, {"patient": patient_id, **viewer.parameters})}
