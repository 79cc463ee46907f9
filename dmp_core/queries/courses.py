"""How one kind of measure goes over a period, however many there are: what a chart keeps, what a table groups.

Everything is counted by the database. A chart gets the lowest and the highest of each of `BUCKETS` equal stretches of
time, for each number of a measure: peaks are never lost, and 100 000 values become 200 points.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import zip_longest
from typing import Any
from uuid import UUID

from dmp_core.queries.repetitions import merged, reading
from dmp_core.rules.goals import Parts
from platform_core.database import run
from platform_core.fhir.search import Span

BUCKETS = 100
_COURSE = f"""
, dated AS MATERIALIZED (
    SELECT value, value2, extract(epoch FROM at) AS at FROM point
), extent AS MATERIALIZED (
    SELECT min(at) AS first, max(at) AS last FROM dated
)
SELECT count(*) AS count,
       count(*) FILTER (WHERE coalesce(value >= %(low)s, true) AND coalesce(value <= %(high)s, true)
                          AND coalesce(value2 >= %(low2)s, true) AND coalesce(value2 <= %(high2)s, true)) AS within,
       min(ARRAY[at, value, value2]) AS first, max(ARRAY[at, value, value2]) AS last,
       sum(value) AS total, min(ARRAY[value, at]) AS least, max(ARRAY[value, at]) AS most,
       sum(value2) AS total2, min(ARRAY[value2, at]) AS least2, max(ARRAY[value2, at]) AS most2
  FROM dated, extent
 GROUP BY floor(coalesce((at - first) / nullif(last - first, 0), 0) * ({BUCKETS} - 0.001))"""  # noqa: S608 - a constant only
_STRETCHES = """
SELECT date_trunc(%(by)s, at AT TIME ZONE 'Europe/Paris')::date AS since, count(*) AS count,
       min(value) AS least, avg(value) AS mean, max(value) AS most,
       min(value2) AS least2, avg(value2) AS mean2, max(value2) AS most2, count(*) OVER () AS stretches
  FROM point GROUP BY 1 ORDER BY 1 DESC LIMIT %(limit)s OFFSET %(skip)s"""


class By(StrEnum):
    """What the lines of a table stand for, beside single measures."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Summary:
    """One number of a measure over a period."""

    least: Decimal
    mean: Decimal
    most: Decimal


@dataclass(frozen=True, slots=True)
class Course:
    """A kind of measure over a period: how many, how many within the goal, the numbers of the first and of the last;
    then, for each number, its summary and the extremes that a chart keeps, by instant."""

    count: int
    within: int
    first: tuple[datetime, tuple[Decimal, ...]]
    last: tuple[datetime, tuple[Decimal, ...]]
    summaries: tuple[Summary, ...]
    extremes: tuple[Sequence[tuple[datetime, Decimal]], ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A day, a week or a month of measures, from its first day."""

    since: date
    count: int
    summaries: tuple[Summary, ...]


def find_course(*, patient_id: UUID, kind: str, span: Span, goal: Parts = (), own: bool = True) -> Course | None:
    """The course of a kind within some instants, those of several sources merged; None without a measure. Without a
    `goal` every measure is within; unless the record is one's `own`, what its patient hides is left out."""
    sides = [side for part in goal for side in (part.low, part.high)]
    limits = dict(zip_longest(("low", "high", "low2", "high2"), sides))
    asked = {**reading(patient_id, kind, span, own=own), **limits}
    buckets = run(f"{merged(kind)}{_COURSE}", asked)
    if not buckets:
        return None
    count = sum(row[0] for row in buckets)
    columns = [4, 7] if buckets[0][7] is not None else [4]
    return Course(
        count,
        sum(row[1] for row in buckets),
        _numbers(min(row[2] for row in buckets)),
        _numbers(max(row[3] for row in buckets)),
        tuple(_summary(buckets, column, count) for column in columns),
        tuple(_extremes(buckets, column) for column in columns),
    )


def list_stretches(
    *, patient_id: UUID, kind: str, span: Span, by: By, limit: int, skip: int = 0, own: bool = True
) -> tuple[Sequence[Stretch], int]:
    """The stretches that hold measures, newest first (days of Europe/Paris, weeks from Monday), and how many in all."""
    asked = {**reading(patient_id, kind, span, own=own), "by": by.value, "limit": limit, "skip": skip}
    found = run(f"{merged(kind)}{_STRETCHES}", asked)
    rows = [Stretch(row[0], row[1], tuple(_of(row[2:5], row[5:8]))) for row in found]
    return rows, found[0][8] if found else 0


def _of(*parts: Sequence[Decimal | None]) -> Iterable[Summary]:
    for least, mean, most in parts:
        if least is not None and mean is not None and most is not None:
            yield Summary(least, mean, most)


def _summary(buckets: Sequence[Any], column: int, count: int) -> Summary:
    total = sum(row[column] for row in buckets)
    return Summary(
        min(row[column + 1][0] for row in buckets), total / count, max(row[column + 2][0] for row in buckets)
    )


def _extremes(buckets: Sequence[Any], column: int) -> Sequence[tuple[datetime, Decimal]]:
    found = {(at, value) for row in buckets for value, at in (row[column + 1], row[column + 2])}
    return [(_instant(at), value) for at, value in sorted(found)]


def _numbers(row: Sequence[Decimal | None]) -> tuple[datetime, tuple[Decimal, ...]]:
    at, *values = row
    assert at is not None
    return _instant(at), tuple(value for value in values if value is not None)


def _instant(epoch: Decimal) -> datetime:
    return datetime.fromtimestamp(float(epoch), UTC)
