"""Prescriptions and what became of them, among what the viewer may see.

A line is seen by those who see its document. A dispensation that names a prescription kept from the viewer is kept
from them too: it would tell what the prescription says.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from dmp_core.models.entries import EntryRow
from dmp_core.queries.entries import list_entries
from dmp_core.rules.documents.visibility import SEEN, Viewer
from dmp_core.rules.entries.kinds import ALLERGIES, TREATMENTS
from dmp_core.rules.prescriptions.attention import Known
from dmp_core.rules.prescriptions.following import Course, follow
from dmp_core.rules.prescriptions.lines import Line, LineKind
from platform_core import clock
from platform_core.database import run
from platform_core.fhir import wire

_MOST = 1000
_OVER = frozenset({"inactive", "resolved", "completed", "stopped", "not-taken"})
_DENIED = frozenset({"refuted", "entered-in-error"})
_COLUMNS = (
    'l.document_id, l.number, l.kind, l.identifier, l."order", l.orders, l.label, l.substances, l.codes,'
    " l.written_on, l.starts_on, l.days, l.repeats, l.quantity, l.unit, l.partial, l.author, l.dosages, l.remarks,"
    " d.unique_id"
)
_LINES = f"""
SELECT {_COLUMNS} FROM dmp_medicine_line l
  JOIN dmp_document d ON d.patient_id = l.patient_id AND d.id = l.document_id
 WHERE l.patient_id = %(patient)s AND d.state = 'current' AND {{seen}}
   AND (%(types)s::text[] IS NULL OR d.type_code = ANY (%(types)s::text[]))
   AND NOT EXISTS (SELECT 1 FROM dmp_document o
        WHERE o.patient_id = l.patient_id AND o.unique_id = ANY (l.orders)
          AND o.state <> 'deleted' AND NOT ({{order_seen}}))
   AND NOT EXISTS (SELECT 1 FROM dmp_medicine_line p
          JOIN dmp_document o ON o.patient_id = p.patient_id AND o.id = p.document_id
        WHERE l."order" <> '' AND p.patient_id = l.patient_id AND p.identifier = l."order"
          AND o.state <> 'deleted' AND NOT ({{order_seen}}))
 ORDER BY l.written_on DESC, l.document_id DESC, l.number LIMIT %(most)s"""  # noqa: S608 - constants only


def list_lines(*, patient_id: UUID, viewer: Viewer, types: Collection[str] | None = None) -> Sequence[Line]:
    """The lines that the viewer may see, of documents of these types when given; `_MOST` of the latest."""
    seen = SEEN[viewer.kind]
    statement = _LINES.format(seen=seen, order_seen=seen.replace("d.", "o."))
    parameters = {"patient": patient_id, "most": _MOST, "types": list(types) if types is not None else None}
    return [_line(row._asdict()) for row in run(statement, {**parameters, **viewer.parameters})]


def follow_prescriptions(
    *, patient_id: UUID, viewer: Viewer, types: Collection[str] | None = None, allergies: bool = True
) -> Course:
    """What became of each prescription, and what deserves a question; allergies are left out when out of reach."""
    known = list_known(patient_id=patient_id, viewer=viewer, category=ALLERGIES.category) if allergies else []
    lines = list_lines(patient_id=patient_id, viewer=viewer, types=types)
    return follow(lines, known, clock.today())


def count_current(*, patient_id: UUID, viewer: Viewer) -> int:
    """How many prescriptions are in use, or may still be handed over."""
    return len(follow_prescriptions(patient_id=patient_id, viewer=viewer, allergies=False).current)


def list_known(*, patient_id: UUID, viewer: Viewer, category: str = TREATMENTS.category) -> Sequence[Known]:
    """The allergies or the treatments of the record that hold today: neither over, nor refuted."""
    rows = list_entries(patient_id=patient_id, viewer=viewer, categories=[category])
    return [Known(row.label, row.codes, row.document_id) for row in rows if _holds(row)]


def _holds(row: EntryRow) -> bool:
    if row.status in _OVER or (row.ends_at is not None and row.ends_at <= clock.now()):
        return False
    stated = wire.read(row.body.encode()).get("verificationStatus", {}).get("coding", ())
    return not any(one.get("code") in _DENIED for one in stated)


def _line(row: Mapping[str, Any]) -> Line:
    found: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return Line(**{**found, "kind": LineKind(row["kind"])})
