"""What is new or unusual in a record, by plain arithmetic: it points at lines to read, and diagnoses nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from statistics import median
from typing import NamedTuple, Protocol
from uuid import UUID

RECENT = timedelta(days=90)
LATEST = timedelta(days=365)
_LEAST_EARLIER = 6
_FAR = Decimal("3.5")  # Iglewicz and Hoaglin, « How to detect and handle outliers », 1993
_AS_DEVIATION = Decimal("1.4826")  # from a median absolute deviation to the standard one of a normal law
_LEAST_DEVIATION = Decimal("0.02")
_STOPPED = frozenset({"stopped", "completed", "on-hold"})


class NoticeKind(StrEnum):
    """Why a line is shown."""

    OUT_OF_RANGE = "out-of-range"
    UNUSUAL = "unusual"
    NEW_SPECIALTY = "new-specialty"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Notice:
    """One line of a category of data, and where it comes from: a document, or the course of a kind of measure.

    `low` and `high` are the range that the laboratory printed, `usual` the person's own median.
    """

    kind: NoticeKind
    category: str
    label: str
    at: datetime
    value: Decimal | None = None
    unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    usual: Decimal | None = None
    document_id: UUID | None = None
    measure: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A value among others of the same name and unit: a result of a laboratory, or a measure."""

    category: str
    label: str
    at: datetime
    value: Decimal
    unit: str
    low: Decimal | None = None
    high: Decimal | None = None
    document_id: UUID | None = None
    measure: str = ""


class Treatment(Protocol):
    """What an entry says of a treatment."""

    @property
    def category(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def ends_at(self) -> datetime | None: ...
    @property
    def updated_at(self) -> datetime: ...
    @property
    def document_id(self) -> UUID | None: ...


def notice_readings(readings: Iterable[Reading], now: datetime) -> Iterator[Notice]:
    """The latest value of each series, when it is of this year and out of its range, or of the person's habit."""
    series: dict[tuple[str, str], list[Reading]] = {}
    for reading in sorted(readings, key=lambda one: one.at, reverse=True):
        series.setdefault((reading.label, reading.unit), []).append(reading)
    for latest, *earlier in series.values():
        if latest.at < now - LATEST or latest.at > now:
            continue
        usual = habit([one.value for one in earlier])
        if _is_out(latest):
            yield _notice(NoticeKind.OUT_OF_RANGE, latest, usual)
        elif usual is not None and departs(latest.value, [one.value for one in earlier]):
            yield _notice(NoticeKind.UNUSUAL, latest, usual)


def habit(earlier: Sequence[Decimal]) -> Decimal | None:
    """The median of the earlier values; None when they are too few to make a habit."""
    return median(earlier) if len(earlier) >= _LEAST_EARLIER else None


def departs(value: Decimal, earlier: Sequence[Decimal]) -> bool:
    """Whether a value lies far from the earlier ones: 3.5 robust deviations from their median, at least 7 % of it."""
    usual = median(earlier)
    deviation = median([abs(one - usual) for one in earlier]) * _AS_DEVIATION
    return abs(value - usual) > _FAR * max(deviation, abs(usual) * _LEAST_DEVIATION)


class First(NamedTuple):
    """The first document of a specialty."""

    category: str
    at: datetime
    document_id: UUID


def notice_specialties(first_seen: Mapping[str, First], now: datetime) -> Iterator[Notice]:
    """The specialties of which the first document is recent, in a record that has older ones."""
    if not any(first.at < now - RECENT for first in first_seen.values()):
        return
    for specialty, first in first_seen.items():
        if first.at >= now - RECENT:
            kind = NoticeKind.NEW_SPECIALTY
            yield Notice(kind, first.category, specialty, first.at, document_id=first.document_id)


def notice_treatments(treatments: Iterable[Treatment], now: datetime) -> Iterator[Notice]:
    """The treatments that stopped lately, unless one of the same name goes on."""
    found = list(treatments)
    going_on = {one.label for one in found if one.status not in _STOPPED and (one.ends_at is None or one.ends_at > now)}
    for one in found:
        at = one.ends_at or one.updated_at
        ended = one.status in _STOPPED or one.ends_at is not None
        if ended and now - RECENT <= at <= now and one.label not in going_on:
            yield Notice(NoticeKind.STOPPED, one.category, one.label, at, document_id=one.document_id)


def _is_out(reading: Reading) -> bool:
    below = reading.low is not None and reading.value < reading.low
    return below or (reading.high is not None and reading.value > reading.high)


def _notice(kind: NoticeKind, found: Reading, usual: Decimal | None) -> Notice:
    return Notice(
        kind,
        found.category,
        found.label,
        found.at,
        found.value,
        found.unit,
        found.low,
        found.high,
        usual,
        found.document_id,
        found.measure,
    )
