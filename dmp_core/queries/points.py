"""Measures as people read them: the latest of each kind, the series of one kind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from dmp_core.categories import BMI, KINDS, Kind
from dmp_core.queries import computed
from dmp_core.queries.statements import VALID, bounds
from platform_core.database import run
from platform_core.errors import NotFound
from platform_core.fhir.search import ANY_TIME, Span
from platform_core.french import day_in_words, number_in_words

_COLUMNS = "kind, effective_at, value, value2, author_name, id, hidden_at IS NOT NULL"
_SEEN = "(%(own)s OR hidden_at IS NULL)"
_LATEST = f"""
SELECT m.* FROM unnest(%(kinds)s::text[]) AS asked(kind) CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM dmp_measure WHERE patient_id = %(patient)s AND kind = asked.kind AND {VALID} AND {_SEEN}
     ORDER BY effective_at DESC, id DESC LIMIT 1) m"""  # noqa: S608 - constants only
_SERIES = f"""
SELECT {_COLUMNS} FROM dmp_measure
 WHERE patient_id = %(patient)s AND kind = %(kind)s AND {VALID} AND {_SEEN}
   AND effective_at >= %(first)s::timestamptz AND effective_at < %(last)s::timestamptz
 ORDER BY effective_at DESC, id DESC LIMIT %(limit)s"""  # noqa: S608 - constants only
_ONE = f"""
SELECT {_COLUMNS} FROM dmp_measure
 WHERE patient_id = %(patient)s AND id = %(id)s AND kind = %(kind)s AND {VALID}"""  # noqa: S608 - constants only
_THESE = f"SELECT {_COLUMNS} FROM dmp_measure WHERE id = ANY(%(ids)s::uuid[]) AND {VALID}"  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class Point:
    """A measure: `values` is one number, or the systolic and the diastolic pressure; `author` is a name.

    A computed one has no `id`; one that is `hidden` is read by the patient alone.
    """

    kind: Kind
    effective_at: datetime
    values: tuple[Decimal, ...]
    author: str
    id: UUID | None = None
    hidden: bool = False

    @property
    def is_plausible(self) -> bool:
        return all(self.kind.low <= value <= self.kind.high for value in self.values)


def list_latest(*, patient_id: UUID, own: bool = True) -> Sequence[Point]:
    """The latest valid measure of each kind, BMI included, in the order of the registry; unless the record is one's
    `own`, without what its patient hides."""
    parameters = {"patient": patient_id, "kinds": [kind for kind in KINDS if kind != BMI], "own": own}
    found = {row[0]: _point(row) for row in run(_LATEST, parameters)}
    found.update((BMI, point) for point in _indexes(patient_id, ANY_TIME, 1, own))
    return [found[kind] for kind in KINDS if kind in found]


def list_points(*, patient_id: UUID, kind: str, span: Span, limit: int, own: bool = True) -> Sequence[Point]:
    """The latest valid measures of one kind within some instants, newest first; `own` as in `list_latest`."""
    if kind == BMI:
        return _indexes(patient_id, span, limit, own)
    parameters = {"patient": patient_id, "kind": kind, "limit": limit, "own": own, **bounds(span, "first", "last")}
    return [_point(row) for row in run(_SERIES, parameters)]


def get_point(*, patient_id: UUID, kind: str, measure_id: UUID) -> Point:
    """One valid measure of a kind. Raises `NotFound`."""
    for row in run(_ONE, {"patient": patient_id, "kind": kind, "id": measure_id}):
        return _point(row)
    raise NotFound("There is no such measure.")


def describe_measures(ids: Iterable[UUID]) -> Mapping[UUID, str]:
    """What to call these measures of the patient bound to the transaction: `72,5 kg, le 20 novembre 2026`."""
    found = [_point(row) for row in run(_THESE, {"ids": list(ids)})]
    return {point.id: _name(point) for point in found if point.id}


def _name(point: Point) -> str:
    numbers = "/".join(number_in_words(value) for value in point.values)
    return f"{numbers} {point.kind.shown_unit}, le {day_in_words(point.effective_at)}"


def _indexes(patient_id: UUID, span: Span, limit: int, own: bool) -> list[Point]:
    found = computed.list_indexes(patient_id=patient_id, span=span, limit=limit, own=own)
    return [Point(KINDS[BMI], at, (index,), computed.AUTHOR) for at, index in found]


def _point(row: Any) -> Point:
    kind, effective_at, value, value2, author, identifier, hidden = row
    values = (value,) if value2 is None else (value, value2)
    return Point(KINDS[kind], effective_at, values, author, identifier, hidden)
