"""What the decision looks at: a consent, its items and their usage, as plain values read in one row."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from consent.rules.calendar import period_start
from consent.workflow import Status
from platform_core.access import Access, DatePeriod
from platform_core.permission import Periodicity, PeriodicityKind, Unit

Key = tuple[str, Access]
WINDOW = timedelta(minutes=15)
ONCE_WINDOW = timedelta(minutes=60)


@dataclass(frozen=True, slots=True)
class Counter:
    """How many windows opened in the calendar unit that began at `start`."""

    start: datetime
    used: int


@dataclass(frozen=True, slots=True)
class Usage:
    """The windows of one (consent, category, access): one counter for each calendar unit, whatever the periodicity
    is now, so that an amendment that changes the unit keeps exact counts."""

    window_until: datetime | None = None
    once_until: datetime | None = None
    counters: Mapping[Unit, Counter] = field(default_factory=dict)
    last_opened_at: datetime | None = None

    def used_in(self, unit: Unit, now: datetime) -> int:
        """Windows opened in the present unit. A counter ahead of `now` (clocks of two machines) still counts."""
        counter = self.counters.get(unit)
        return counter.used if counter and counter.start >= period_start(unit, now) else 0


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """One granted (category, access)."""

    category: str
    access: Access
    data: DatePeriod
    periodicity: Periodicity
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class ConsentFacts:
    """A consent as stored. `valid_until` is excluded; `presence_until` ends a « Synchroniser maintenant »."""

    id: UUID
    patient_id: UUID
    status: Status
    valid_until: datetime
    presence_until: datetime | None
    items: Mapping[Key, ItemFacts]


class Items(Mapping[Key, ItemFacts]):
    """The items of a consent, each read from its row when it is first looked at: a call looks at few of them."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._rows = {(row["category"], Access(row["access"])): row for row in rows}
        self._read: dict[Key, ItemFacts] = {}

    def __getitem__(self, key: Key) -> ItemFacts:
        found = self._read.get(key)
        if found is None:
            found = self._read[key] = read_item(self._rows[key])
        return found

    def __iter__(self) -> Iterator[Key]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def read_items(rows: Iterable[Mapping[str, Any]]) -> Items:
    """Items from rows that hold the columns of `consent_item` and `consent_usage` under their own names.

    Dates and instants may be ISO text, as `jsonb` gives them.
    """
    return Items(rows)


def read_item(row: Mapping[str, Any]) -> ItemFacts:
    """One item from such a row; the columns of `consent_usage` may be absent or null: nothing was used."""
    unit = row.get("periodicity_unit")
    return ItemFacts(
        row["category"],
        Access(row["access"]),
        DatePeriod(_day(row["data_from"]), _day(row["data_to"])),
        Periodicity(PeriodicityKind(row["periodicity_kind"]), row.get("periodicity_max"), Unit(unit) if unit else None),
        Usage(
            _instant(row.get("window_until")),
            _instant(row.get("once_until")),
            {
                unit: Counter(start, row[f"{unit}_used"])
                for unit in Unit
                if (start := _instant(row.get(f"{unit}_start"))) is not None
            },
            _instant(row.get("last_opened_at")),
        ),
    )


def _day(value: date | str | None) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _instant(value: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
