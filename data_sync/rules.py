"""Rules of the usage pages: what may be told of small numbers, sums by week and by code. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

LEAST = 5


class Day(Protocol):
    """One day of use."""

    @property
    def day(self) -> date: ...

    @property
    def calls(self) -> Mapping[str, int]: ...

    @property
    def granted(self) -> int: ...

    @property
    def revoked(self) -> int: ...

    @property
    def ended(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Week:
    """What became of the consents in one ISO week; numbers as `told` gives them."""

    monday: date
    granted: int | None
    revoked: int | None
    ended: int | None


def told(people: int) -> int | None:
    """A number of people that may be told: None for fewer than five, lest one be recognised; zero is nobody."""
    return people if people == 0 or people >= LEAST else None


def by_week(days: Iterable[Day]) -> Sequence[Week]:
    """The consents of each ISO week, the newest first."""
    sums: dict[date, list[int]] = {}
    for one in days:
        week = sums.setdefault(one.day - timedelta(days=one.day.weekday()), [0, 0, 0])
        for index, number in enumerate((one.granted, one.revoked, one.ended)):
            week[index] += number
    return [Week(monday, *map(told, numbers)) for monday, numbers in sorted(sums.items(), reverse=True)]


def by_code(days: Iterable[Day]) -> Sequence[tuple[str, int]]:
    """The refused calls by code, the most frequent first."""
    counted: Counter[str] = Counter()
    for one in days:
        counted.update({code: count for code, count in one.calls.items() if code})
    return sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
