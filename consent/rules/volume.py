"""What is out of the habit of one app with one patient, told from its own last four weeks. Pure.

An app is compared with itself only: what is much for a weekly report is little for a sensor. Days without any call do
not count, so that an app that comes once a week is not unusual each time it comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from statistics import median

HABIT = timedelta(days=28)
ONE_DAY = timedelta(days=1)
PROTECTED = timedelta(days=7)
"""After a first authorization an app fetches the past; after a change it reads what it did not read before."""
LEAST_DAYS = 3
TIMES = 5
DEVIATIONS = 6
_NORMAL = 1.4826
"""Makes the median absolute deviation of a normal law its standard deviation."""


class Kind(StrEnum):
    """`READ` and `WRITTEN` count resources, `NIGHT` calls, `CATEGORY` kinds of data never touched before."""

    READ = "read"
    WRITTEN = "written"
    NIGHT = "night"
    CATEGORY = "category"


LEAST = {Kind.READ: 200, Kind.WRITTEN: 200, Kind.NIGHT: 40}
"""Below this nothing is unusual, whatever the habit."""


@dataclass(frozen=True, slots=True)
class Activity:
    """What an app was served on one day (Europe/Paris): resources read and written, calls between 0:00 and 5:00."""

    day: date
    read: int
    written: int
    night: int
    categories: frozenset[str]


@dataclass(frozen=True, slots=True)
class Unusual:
    """Something out of the habit: how much of it there was, and how much there is on an ordinary day."""

    kind: Kind
    count: int
    usual: int
    categories: tuple[str, ...] = ()


def find_unusual(
    present: Activity, before: Sequence[Activity], *, granted_on: date, decided_on: date
) -> tuple[Unusual, ...]:
    """What is unusual on a day, given the days of activity `before` it.

    Nothing is during the first week of a consent, nor with fewer than `LEAST_DAYS` days of activity in `HABIT`. A new
    category is not in the week that follows `decided_on`, the last decision of the patient.
    """
    habit = [one for one in before if present.day - HABIT <= one.day < present.day]
    if present.day - granted_on < PROTECTED or len(habit) < LEAST_DAYS:
        return ()
    found = [_compare(kind, _count(present, kind), [_count(one, kind) for one in habit]) for kind in LEAST]
    if present.day - decided_on >= PROTECTED:
        found.append(_compare_categories(present, habit))
    return tuple(
        Unusual(one.kind, one.count, one.usual, one.categories or tuple(sorted(present.categories)))
        for one in found
        if one
    )


def _count(activity: Activity, kind: Kind) -> int:
    return {Kind.READ: activity.read, Kind.WRITTEN: activity.written, Kind.NIGHT: activity.night}[kind]


def _compare(kind: Kind, count: int, habit: Sequence[int]) -> Unusual | None:
    usual = median(habit)
    spread = median(abs(one - usual) for one in habit)
    limit = max(LEAST[kind], TIMES * usual, usual + DEVIATIONS * _NORMAL * spread)
    return Unusual(kind, count, round(usual)) if count > limit else None


def _compare_categories(present: Activity, habit: Sequence[Activity]) -> Unusual | None:
    new = present.categories.difference(*(one.categories for one in habit))
    return Unusual(Kind.CATEGORY, len(new), 0, tuple(sorted(new))) if new else None
