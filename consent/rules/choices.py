"""What a patient may choose before granting: never wider than what was asked, options from the narrowest on."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum

from consent.rules.calendar import months_after
from platform_core.access import Access, DatePeriod
from platform_core.errors import Fault, Invalid
from platform_core.permission import ON_DEMAND, ONCE, Ceiling, CeilingItem, Periodicity, PermissionItem, Unit

MOST_MONTHS = 12
_REGULAR = tuple(Periodicity.recurring(1, unit) for unit in (Unit.MONTH, Unit.WEEK, Unit.DAY))
_DURATIONS = (1, 3, 6, MOST_MONTHS)
_HISTORY = (0, -12)
RENEWED_WITHIN = timedelta(days=30)
"""How long before its end a consent is said to be renewed rather than amended."""


class Mark(StrEnum):
    """What a question changes of an item in force."""

    NEW = "new"
    WIDER = "wider"
    NARROWER = "narrower"
    SAME = "same"


def mark(asked: PermissionItem, present: PermissionItem | None) -> Mark:
    """How an item that is asked differs from the one in force; wider on any side is wider."""
    if present is None:
        return Mark.NEW
    if asked.periodicity == present.periodicity and asked.data == present.data:
        return Mark.SAME
    return Mark.NARROWER if _is_within(asked, present) else Mark.WIDER


def kept(asked: PermissionItem, present: PermissionItem) -> PermissionItem | None:
    """The item in force as far as it is asked still; None when its dates are asked no more."""
    data = asked.data.overlap(present.data)
    if data is None:
        return None
    return PermissionItem(asked.category, asked.access, data, at_most(present.periodicity, asked.periodicity))


def at_most(chosen: Periodicity, asked: Periodicity) -> Periodicity:
    """What was chosen where the app asked for more; else what it asked, or the most that both allow."""
    if chosen.within(asked):
        return chosen
    if asked.within(chosen):
        return asked
    return [one for one in frequencies(asked) if one.within(chosen)][-1]


def is_renewal(present_end: date, asked_until: date, today: date) -> bool:
    """Whether a question about a consent that ends in 30 days or less would have it last longer."""
    return asked_until > present_end and present_end - today <= RENEWED_WITHIN


def present_end(ends_on: date, asked_until: date, today: date) -> date:
    """The last day shown first to whoever has a consent already: its own, or to renew it the nearest one after."""
    if is_renewal(ends_on, asked_until, today):
        return next(end for end in durations(asked_until, today) if end > ends_on)
    return min(ends_on, asked_until)


def frequencies(asked: Periodicity, present: Periodicity | None = None) -> list[Periodicity]:
    """The periodicities to choose from: those without the app's own rhythm, regular ones, the one in force, then what
    was asked."""
    if asked in {ONCE, ON_DEMAND}:
        return [ONCE, ON_DEMAND]
    regular = [one for one in _REGULAR if one.within(asked) and one != asked]
    own = [at_most(present, asked)] if present else []
    return list(dict.fromkeys([ONCE, ON_DEMAND, *regular, *own, asked]))


def default_frequency(asked: Periodicity) -> Periodicity:
    """What stands first in the list before the patient chooses: the rarest rhythm that still runs by itself."""
    return asked if asked in {ONCE, ON_DEMAND} else next((p for p in _REGULAR if p.within(asked)), asked)


def histories(asked: DatePeriod, today: date) -> list[DatePeriod]:
    """How far back the app may read: from today, twelve months, then all that was asked."""
    starts = [months_after(today, months) for months in _HISTORY]
    narrower = [common for start in starts if (common := asked.overlap(DatePeriod(start))) and common != asked]
    return [*narrower, asked]


def durations(asked_until: date, today: date) -> list[date]:
    """The last days to choose from: 1, 3, 6 and 12 months ahead, as far as what was asked."""
    ends = [end for months in _DURATIONS if (end := months_after(today, months)) < asked_until]
    return [*ends, asked_until]


def longest(today: date, ceiling: Ceiling) -> date:
    """The last day that any consent of this app may have: the ceiling's duration, twelve months at most."""
    return min(today + timedelta(days=ceiling.duration_days), months_after(today, MOST_MONTHS))


def widest(ceiling: Ceiling, present: Sequence[PermissionItem], today: date) -> list[PermissionItem]:
    """All that an app may ask; an item in force keeps its dates where they go further back than the ceiling does."""
    own = {(item.category, item.access): item for item in present}
    asked = []
    for bound in ceiling.items:
        starts = [_oldest(bound, today)]
        if held := own.get((bound.category, bound.access)):
            starts.append(held.data.start)
        start = None if None in starts else min(day for day in starts if day)
        asked.append(PermissionItem(bound.category, bound.access, DatePeriod(start), bound.periodicity))
    return asked


def _oldest(bound: CeilingItem, today: date) -> date | None:
    if bound.access is Access.WRITE or bound.history_days is None:
        return None
    return today - timedelta(days=bound.history_days)


def without(kept: Sequence[PermissionItem], others: Sequence[PermissionItem]) -> list[PermissionItem]:
    """The items whose category and access none of the others has."""
    taken = {(item.category, item.access) for item in others}
    return [item for item in kept if (item.category, item.access) not in taken]


def check_within_ceiling(items: Sequence[PermissionItem], ceiling: Ceiling, today: date) -> None:
    """Raises `Invalid` (`beyond-ceiling`) naming each item that the referencing of the app does not allow."""
    faults = [
        Fault(f"{item.category}.{item.access}", reason)
        for item in items
        if (reason := _beyond_ceiling(item, ceiling, today))
    ]
    if faults:
        raise Invalid("The request goes beyond what the app is referenced for.", code="beyond-ceiling", faults=faults)


def are_allowed(items: Sequence[PermissionItem], ceiling: Ceiling) -> bool:
    """Whether an app may still ask these items, each as often: a ceiling may be lowered while a question waits."""
    bounds = ((item, ceiling.find(item.category, item.access)) for item in items)
    return all(bound is not None and item.periodicity.within(bound.periodicity) for item, bound in bounds)


def _beyond_ceiling(item: PermissionItem, ceiling: Ceiling, today: date) -> str:
    allowed = ceiling.find(item.category, item.access)
    if allowed is None:
        return "this category and access are not in the ceiling"
    if not item.periodicity.within(allowed.periodicity):
        return "the periodicity is higher than the ceiling's"
    if item.access is Access.READ and allowed.history_days is not None:
        oldest = today - timedelta(days=allowed.history_days)
        if item.data.start is None or item.data.start < oldest:
            return f"the history goes further back than {allowed.history_days} days"
    return ""


def check_narrowed(chosen: Sequence[PermissionItem], asked: Sequence[PermissionItem]) -> None:
    """Check a choice against what was asked: at least one item, none wider. Raises `Invalid`.

    Codes: `nothing-chosen`; `wider-than-asked`, with a fault for each item.
    """
    if not chosen:
        raise Invalid("Nothing was chosen.", code="nothing-chosen")
    offered: Mapping[tuple[str, Access], PermissionItem] = {(i.category, i.access): i for i in asked}
    faults = [
        Fault(f"{item.category}.{item.access}", "wider than what was asked")
        for item in chosen
        if not _is_within(item, offered.get((item.category, item.access)))
    ]
    if faults or len({(i.category, i.access) for i in chosen}) < len(chosen):
        raise Invalid("The choice is wider than what was asked.", code="wider-than-asked", faults=faults)


def _is_within(item: PermissionItem, asked: PermissionItem | None) -> bool:
    if asked is None or not item.periodicity.within(asked.periodicity):
        return False
    return asked.data.overlap(item.data) == item.data
