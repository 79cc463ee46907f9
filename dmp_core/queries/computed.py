"""The body mass index, computed from each weight and the latest height known then."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from dmp_core.categories import BMI, BODY_HEIGHT, BODY_WEIGHT, KINDS
from dmp_core.models.measures import MeasureRow
from dmp_core.queries.statements import SHOWN, VALID, bounds, but
from dmp_core.rules.observations import UCUM, VITAL_SIGNS
from platform_core.database import run
from platform_core.fhir import wire
from platform_core.fhir.search import ANY_TIME, Span

PREFIX = f"{BMI}-"
SOURCE = "urn:ens:computed"
AUTHOR = "Calculé à partir du poids et de la taille"
_LEAST_HEIGHT = 10  # centimetres: below, it is no height of a person

# Kilograms and centimetres; half a tenth is rounded up.
_INDEX = "round(w.value * 10000 / (h.value * h.value), 1)"
_OWN = "%(every)s OR (w.hidden_at IS NULL AND w.id <> ALL(%(excluded)s::uuid[]))"
_COMPUTED = f"""
  FROM dmp_measure w CROSS JOIN LATERAL (
    SELECT value, updated_at FROM dmp_measure
     WHERE patient_id = %(patient)s AND kind = '{BODY_HEIGHT}' AND effective_at <= w.effective_at AND {VALID}
       AND (%(every)s OR ({SHOWN}))
     ORDER BY effective_at DESC, id DESC LIMIT 1) h
 WHERE w.patient_id = %(patient)s AND w.kind = '{BODY_WEIGHT}' AND w.{VALID} AND ({_OWN}) AND h.value >= {_LEAST_HEIGHT}
   AND w.effective_at >= %(first)s::timestamptz AND w.effective_at < %(last)s::timestamptz
   AND greatest(w.updated_at, h.updated_at) >= %(since)s::timestamptz
   AND greatest(w.updated_at, h.updated_at) < %(until)s::timestamptz"""  # noqa: S608 - constants only
_SELECT = f"""
SELECT w.id, w.effective_at, greatest(w.updated_at, h.updated_at) AS changed_at, {_INDEX} AS value,
       w.body->>'effectiveDateTime' AS written {_COMPUTED}"""
READINGS = f"""
    SELECT w.id, w.effective_at, {_INDEX} AS value, NULL::numeric AS value2, w.author_id, '{AUTHOR}' AS author_name,
           w.device_id, w.hidden_at IS NOT NULL AS hidden {_COMPUTED}"""
"""The indexes as readings of a course, with the source of each weight; its parameters are `parameters`."""
_ORDER = {
    "date": "2 ASC, 1 ASC",
    "-date": "2 DESC, 1 DESC",
    "_lastUpdated": "3 ASC, 1 ASC",
    "-_lastUpdated": "3 DESC, 1 DESC",
}


def list_computed(
    *,
    patient_id: UUID,
    span: Span,
    updated: Span = ANY_TIME,
    sort: str = "-date",
    limit: int,
    excluded: Collection[UUID] = (),
) -> Sequence[MeasureRow]:
    """Computed measures in the shape of the stored ones; the id of each is made from that of its weight."""
    asked = {**parameters(patient_id, span, updated, excluded), "limit": limit}
    return [_row(found) for found in run(f"{_SELECT} ORDER BY {_ORDER[sort]} LIMIT %(limit)s", asked)]


def count_computed(*, patient_id: UUID, span: Span, updated: Span, excluded: Collection[UUID] = ()) -> int:
    """How many of them there are."""
    statement = f"SELECT count(*) FROM ({_SELECT}) c"  # noqa: S608 - constants only
    return int(run(statement, parameters(patient_id, span, updated, excluded))[0][0])


def find_computed(*, patient_id: UUID, weight_id: UUID, excluded: Collection[UUID] = ()) -> MeasureRow | None:
    """The body mass index of that weight, or None without a height."""
    asked = {**parameters(patient_id, ANY_TIME, ANY_TIME, excluded), "id": weight_id}
    found = next(iter(run(f"{_SELECT} AND w.id = %(id)s", asked)), None)
    return _row(found) if found else None


def parameters(patient_id: UUID, span: Span, updated: Span, excluded: Collection[UUID] = ()) -> dict[str, Any]:
    """What a statement on computed measures needs; `every` also counts what the patient hides."""
    spans = {**bounds(span, "first", "last"), **bounds(updated, "since", "until")}
    return {"patient": patient_id, "every": False, **spans, **but(excluded)}


def _row(found: Any) -> MeasureRow:
    weight_id, effective_at, updated_at, index, effective = found
    kind = KINDS[BMI]
    body = {
        "status": "final",
        "category": [{"coding": [dict(zip(("system", "code"), VITAL_SIGNS, strict=True))]}],
        "code": {"coding": [{"system": kind.coding[0], "code": kind.coding[1], "display": kind.label}]},
        "effectiveDateTime": effective,
        "valueQuantity": {"value": index, "unit": kind.unit, "system": UCUM, "code": kind.unit},
        "note": [{"text": "Calculé à partir du poids et de la taille."}],
    }
    return MeasureRow(
        f"{PREFIX}{weight_id}",
        BMI,
        effective_at,
        1,
        updated_at,
        None,
        SOURCE,
        wire.write({"profile": [kind.profile]}),
        wire.write(body),
        None,
        None,
    )
