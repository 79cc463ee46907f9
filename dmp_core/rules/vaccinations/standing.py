"""Where a person stands in the calendar: what is done, due, late, still to come, or not for them. Dates only.

It looks at the last dose that age asks for; what a late start changes is for a health professional to say.
"""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dmp_core.rules.vaccinations.calendar import TARGETS, Dose, Season, Target


class State(StrEnum):
    LATE = "late"
    DUE = "due"
    UPCOMING = "upcoming"
    DONE = "done"
    NOT_CONCERNED = "not-concerned"


@dataclass(frozen=True, slots=True)
class Given:
    """A vaccine given on a day, and the targets that it protects from."""

    on: date
    targets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person stands with a target. `since` is the day from which a dose is due, or the next will be.

    `known` counts the doses in the record, `last` is the day of the latest.
    """

    target: Target
    state: State
    since: date | None
    last: date | None
    known: int
    mandatory: bool = False


def stand(*, born: date, given: Iterable[Given], today: date) -> list[Standing]:
    """Where a person stands with each target, in the order of the calendar. Doses dated after today do not count."""
    past = sorted((one for one in given if born <= one.on <= today), key=lambda one: one.on)
    return [_stand(target, born, [one.on for one in past if target.code in one.targets], today) for target in TARGETS]


def after(day: date, months: int) -> date:
    """The same day so many months later; the last of the month where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _stand(target: Target, born: date, days: Sequence[date], today: date) -> Standing:
    last, known = (days[-1] if days else None), len(days)
    if target.born_since and born < target.born_since:
        return Standing(target, State.NOT_CONCERNED, None, last, known)
    mandatory = target.mandatory_born_since is not None and born >= target.mandatory_born_since
    if target.season:
        state, since = _in_season(target.season, born, last, today)
    else:
        state, since = _in_course(target, born, days, today)
    return Standing(target, state, since, last, known, mandatory)


def _in_course(target: Target, born: date, days: Sequence[date], today: date) -> tuple[State, date | None]:
    doses = list(_expanded(target.doses, born, today))
    reached = [dose for dose in doses if after(born, dose.start) <= today]
    following = next((after(born, dose.start) for dose in doses if after(born, dose.start) > today), None)
    wanted = len(reached) if today < after(born, target.counted_until) else min(1, len(reached))
    if len(days) >= wanted and (not reached or days[-1] >= after(born, reached[-1].start - reached[-1].early)):
        return (State.DONE if days else _waiting(following, today)), following
    if reached[-1].until and today >= after(born, reached[-1].until):
        return _waiting(following, today), following
    missing = reached[len(days)] if len(days) < wanted and wanted > 1 else reached[-1]
    return (State.LATE if today >= after(born, missing.late) else State.DUE), after(born, missing.start)


def _waiting(following: date | None, today: date) -> State:
    """A dose is still to come when it is within a year."""
    return State.UPCOMING if following and following <= after(today, 12) else State.NOT_CONCERNED


def _expanded(doses: Iterable[Dose], born: date, today: date) -> Iterable[Dose]:
    """The doses, a repeated one as often as its times have come, and once more."""
    for dose in doses:
        yield dose
        shift = dose.every or 0
        while shift and after(born, dose.start + shift - (dose.every or 0)) <= today:
            yield Dose(dose.start + shift, dose.late + shift, None, dose.early)
            shift += dose.every or 0


def _in_season(season: Season, born: date, last: date | None, today: date) -> tuple[State, date | None]:
    counts_from = date(today.year, *season.counts_from)
    if today < counts_from:
        counts_from = date(today.year - 1, *season.counts_from)
    opens = date(counts_from.year, *season.opens)
    closes = date(counts_from.year + 1, *season.closes)
    following = date(counts_from.year + 1, *season.opens)
    if after(born, season.start) > closes:
        first = after(born, season.start)
        return State.NOT_CONCERNED, first
    if last and last >= counts_from:
        return State.DONE, following
    if opens <= today <= closes:
        return State.DUE, opens
    return State.UPCOMING, opens if today < opens else following
