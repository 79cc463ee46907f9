"""Measures as people read them: the latest of each kind, those of one kind with what repeats them merged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from dmp_core.categories import BMI, KINDS, Kind
from dmp_core.queries import computed
from dmp_core.queries.repetitions import merged, reading, readings
from dmp_core.queries.statements import VALID
from platform_core.database import run
from platform_core.errors import NotFound
from platform_core.fhir.search import ANY_TIME, Span
from platform_core.french import day_in_words, number_in_words

_SOURCE = "ARRAY[id] AS ids, ARRAY[author_name] AS authors, ARRAY[device_id] AS devices"
_COLUMNS = f"kind, effective_at, value, value2, {_SOURCE}, hidden_at IS NOT NULL"
_LATEST = f"""
SELECT m.* FROM unnest(%(kinds)s::text[]) AS asked(kind) CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM dmp_measure
     WHERE patient_id = %(patient)s AND kind = asked.kind AND {VALID} AND (%(every)s OR hidden_at IS NULL)
     ORDER BY effective_at DESC, id DESC LIMIT 1) m
UNION ALL (
    SELECT '{BMI}', effective_at, value, value2, {_SOURCE}, hidden
      FROM ({computed.READINGS}) i ORDER BY effective_at DESC, id DESC LIMIT 1)"""  # noqa: S608 - constants only
_MERGED = """
SELECT %(kind)s AS kind, at, value, value2, ids, authors, devices, hidden FROM point
 ORDER BY at DESC, ids[1] DESC LIMIT %(limit)s OFFSET %(skip)s"""
_ONE = f"""
SELECT {_COLUMNS} FROM dmp_measure
 WHERE patient_id = %(patient)s AND id = %(id)s AND kind = %(kind)s AND {VALID}"""  # noqa: S608 - constants only
_THESE = f"SELECT {_COLUMNS} FROM dmp_measure WHERE id = ANY(%(ids)s::uuid[]) AND {VALID}"  # noqa: S608 - constants only
_TAKEN = f"""
SELECT {_COLUMNS} FROM dmp_measure WHERE patient_id = %(patient)s AND device_id = %(device)s AND {VALID}
 ORDER BY effective_at DESC, id DESC LIMIT %(limit)s"""  # noqa: S608 - constants only


_AFTER = f"""
SELECT %(kind)s AS kind, effective_at, value, value2, {_SOURCE}, hidden FROM reading
 WHERE (effective_at, id) > (%(at)s, %(after)s) ORDER BY effective_at, id LIMIT %(limit)s"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reading stands in the order of time."""

    at: datetime = datetime(1, 1, 1, tzinfo=UTC)
    id: UUID = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Source:
    """Who brought a measure: the name of its author, its id (of its weight when it is computed), the device."""

    author: str
    measure_id: UUID
    device_id: UUID | None


@dataclass(frozen=True, slots=True)
class Point:
    """A measure: `values` is one number, or the systolic and the diastolic pressure.

    It has several `sources` when several brought it. One that is `hidden` is read by the patient alone.
    """

    kind: Kind
    effective_at: datetime
    values: tuple[Decimal, ...]
    sources: tuple[Source, ...]
    hidden: bool = False

    @property
    def id(self) -> UUID | None:
        """The id of the measure, of the first of those that it merges; None when it is computed."""
        return None if self.kind.name == BMI else self.sources[0].measure_id

    @property
    def author(self) -> str:
        """The names of those who brought it."""
        return ", ".join(dict.fromkeys(source.author for source in self.sources))

    @property
    def is_plausible(self) -> bool:
        return all(self.kind.low <= value <= self.kind.high for value in self.values)


def list_latest(*, patient_id: UUID, own: bool = True) -> Sequence[Point]:
    """The latest valid measure of each kind, BMI included, in the order of the registry, in one statement; unless the
    record is one's `own`, without what its patient hides."""
    asked = {**computed.parameters(patient_id, ANY_TIME, ANY_TIME), "kinds": [*KINDS], "every": own}
    found = {row[0]: _point(row) for row in run(_LATEST, asked)}
    return [found[kind] for kind in KINDS if kind in found]


def list_points(
    *, patient_id: UUID, kind: str, span: Span, limit: int, skip: int = 0, own: bool = True
) -> Sequence[Point]:
    """Valid measures of one kind within some instants, newest first, those of several sources merged; `own` as in
    `list_latest`."""
    asked = {**reading(patient_id, kind, span, own=own), "limit": limit, "skip": skip}
    return [_point(row) for row in run(f"{merged(kind, sourced=True)}{_MERGED}", asked)]


def list_taken(*, patient_id: UUID, device_id: UUID, limit: int) -> Sequence[Point]:
    """The latest valid measures that a device took, of every kind, newest first."""
    asked = {"patient": patient_id, "device": device_id, "limit": limit}
    return [_point(row) for row in run(_TAKEN, asked)]


def list_readings_after(*, patient_id: UUID, kind: str, span: Span, after: Place, limit: int) -> Sequence[Point]:
    """Every valid measure of a kind as it was brought, none merged, oldest first, past a place in that order."""
    asked = {**reading(patient_id, kind, span, own=True), "at": after.at, "after": after.id, "limit": limit}
    return [_point(row) for row in run(f"{readings(kind)}{_AFTER}", asked)]


def get_point(*, patient_id: UUID, kind: str, measure_id: UUID) -> Point:
    """One valid measure of a kind. Raises `NotFound`."""
    for row in run(_ONE, {"patient": patient_id, "kind": kind, "id": measure_id}):
        return _point(row)
    raise NotFound("There is no such measure.")


def describe_measures(ids: Iterable[UUID]) -> Mapping[UUID, str]:
    """What to call these measures of the patient bound to the transaction: `72,5 kg, le 20 novembre 2026`."""
    found = [_point(row) for row in run(_THESE, {"ids": list(ids)})]
    return {point.id: name_point(point) for point in found if point.id}


def name_point(point: Point) -> str:
    """What to call a measure."""
    numbers = "/".join(number_in_words(value) for value in point.values)
    return f"{numbers} {point.kind.shown_unit}, le {day_in_words(point.effective_at)}"


def _point(row: Any) -> Point:
    kind, effective_at, value, value2, ids, authors, devices, hidden = row
    sources = tuple(map(Source, authors, ids, devices))
    return Point(KINDS[kind], effective_at, (value,) if value2 is None else (value, value2), sources, hidden)
