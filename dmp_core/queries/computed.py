"""The body mass index, computed from each weight and the latest height known then."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from dmp_core.categories import BMI, BODY_HEIGHT, BODY_WEIGHT, KINDS
from dmp_core.models.measures import MeasureRow
from dmp_core.queries.statements import SHOWN, VALID, bounds, but
from dmp_core.rules.bmi import body_mass_index
from dmp_core.rules.observations import UCUM, VITAL_SIGNS
from platform_core.database import run
from platform_core.fhir import wire
from platform_core.fhir.search import ANY_TIME, Span

PREFIX = f"{BMI}-"
SOURCE = "urn:ens:computed"
AUTHOR = "Calculé à partir du poids et de la taille"
_LEAST_HEIGHT = 10  # centimetres: below, it is no height of a person

_OWN = "%(every)s OR (w.hidden_at IS NULL AND w.id <> ALL(%(excluded)s::uuid[]))"
_SELECT = f"""
SELECT w.id, w.effective_at, greatest(w.updated_at, h.updated_at) AS changed_at, w.value AS weight, h.value AS height,
       w.body->>'effectiveDateTime' AS written
  FROM dmp_measure w CROSS JOIN LATERAL (
    SELECT value, updated_at FROM dmp_measure
     WHERE patient_id = %(patient)s AND kind = '{BODY_HEIGHT}' AND effective_at <= w.effective_at AND {VALID}
       AND (%(every)s OR ({SHOWN}))
     ORDER BY effective_at DESC, id DESC LIMIT 1) h
 WHERE w.patient_id = %(patient)s AND w.kind = '{BODY_WEIGHT}' AND w.{VALID} AND ({_OWN}) AND h.value >= {_LEAST_HEIGHT}
   AND w.effective_at >= %(first)s::timestamptz AND w.effective_at < %(last)s::timestamptz
   AND greatest(w.updated_at, h.updated_at) >= %(since)s::timestamptz
   AND greatest(w.updated_at, h.updated_at) < %(until)s::timestamptz"""  # noqa: S608 - constants only
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
    parameters = {**_parameters(patient_id, span, updated, excluded), "limit": limit}
    return [_row(found) for found in run(f"{_SELECT} ORDER BY {_ORDER[sort]} LIMIT %(limit)s", parameters)]


def list_indexes(*, patient_id: UUID, span: Span, limit: int, own: bool = True) -> Sequence[tuple[Any, Decimal]]:
    """The (instant, kg/m²) pairs of the latest computed measures; unless the record is one's `own`, without what its
    patient hides."""
    parameters = {**_parameters(patient_id, span, ANY_TIME), "limit": limit, "every": own}
    found = run(f"{_SELECT} ORDER BY {_ORDER['-date']} LIMIT %(limit)s", parameters)
    return [(row[1], _index(row)) for row in found]


def count_computed(*, patient_id: UUID, span: Span, updated: Span, excluded: Collection[UUID] = ()) -> int:
    """How many of them there are."""
    statement = f"SELECT count(*) FROM ({_SELECT}) c"  # noqa: S608 - constants only
    return int(run(statement, _parameters(patient_id, span, updated, excluded))[0][0])


def find_computed(*, patient_id: UUID, weight_id: UUID, excluded: Collection[UUID] = ()) -> MeasureRow | None:
    """The body mass index of that weight, or None without a height."""
    parameters = {**_parameters(patient_id, ANY_TIME, ANY_TIME, excluded), "id": weight_id}
    found = next(iter(run(f"{_SELECT} AND w.id = %(id)s", parameters)), None)
    return _row(found) if found else None


def _parameters(patient_id: UUID, span: Span, updated: Span, excluded: Collection[UUID] = ()) -> dict[str, Any]:
    spans = {**bounds(span, "first", "last"), **bounds(updated, "since", "until")}
    return {"patient": patient_id, "every": False, **spans, **but(excluded)}


def _index(row: Any) -> Decimal:
    return body_mass_index(weight=row[3], height=row[4])


def _row(found: Any) -> MeasureRow:
    weight_id, effective_at, updated_at, _, _, effective = found
    kind = KINDS[BMI]
    body = {
        "status": "final",
        "category": [{"coding": [dict(zip(("system", "code"), VITAL_SIGNS, strict=True))]}],
        "code": {"coding": [{"system": kind.coding[0], "code": kind.coding[1], "display": kind.label}]},
        "effectiveDateTime": effective,
        "valueQuantity": {"value": _index(found), "unit": kind.unit, "system": UCUM, "code": kind.unit},
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
