"""Measures as people read them: the latest of each kind, those of one kind with what repeats them merged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from dmp_core.categories import BMI, KINDS, Kind
from dmp_core.queries import computed
from dmp_core.queries.repetitions import merged, reading
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


@dataclass(frozen=True, slots=True)
class Source:
    """Who brought a measure: the name of its author, its id (None: it is computed), the device that took it."""

    author: str
    measure_id: UUID | None
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
        return self.sources[0].measure_id

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
    known = ids if kind != BMI else [None] * len(ids)
    sources = tuple(map(Source, authors, known, devices))
    return Point(KINDS[kind], effective_at, (value,) if value2 is None else (value, value2), sources, hidden)
