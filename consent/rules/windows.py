"""The synchronisation windows of one item: open, exhausted, how many are used and left, when the next may open."""

from dataclasses import replace
from datetime import datetime

from consent.rules.calendar import period_end, period_start
from consent.rules.facts import ConsentFacts, Counter, ItemFacts, Usage
from consent.workflow import FINAL, LIVE, Status
from platform_core.permission import PeriodicityKind, Unit

_ONCE, _RECURRING = PeriodicityKind.ONCE, PeriodicityKind.RECURRING


def open_until(item: ItemFacts, now: datetime) -> datetime | None:
    """The end of the item's own window when one is open now."""
    usage = item.usage
    until = {_ONCE: usage.once_until, _RECURRING: usage.window_until}.get(item.periodicity.kind)
    return until if until and until > now else None


def is_exhausted(item: ItemFacts, now: datetime) -> bool:
    """Whether this is a `once` item whose single window has ended."""
    until = item.usage.once_until
    return item.periodicity.kind is _ONCE and until is not None and until <= now


def is_free(item: ItemFacts, presence_until: datetime | None, now: datetime) -> bool:
    """Whether a call is served without opening a window: none is counted, one is open, or the patient is present."""
    if item.periodicity.kind is PeriodicityKind.CONTINUOUS or open_until(item, now):
        return True
    return presence_until is not None and presence_until > now


def used(item: ItemFacts, now: datetime) -> int:
    """Windows used in the present calendar unit; for `once`, 0 or 1."""
    if item.periodicity.unit:
        return item.usage.used_in(item.periodicity.unit, now)
    return int(item.periodicity.kind is _ONCE and item.usage.once_until is not None)


def remaining(item: ItemFacts, now: datetime) -> int | None:
    """Windows that may still open in the present calendar unit; None where windows are not counted."""
    if item.periodicity.kind is _RECURRING:
        return max((item.periodicity.most or 0) - used(item, now), 0)
    return 1 - used(item, now) if item.periodicity.kind is _ONCE else None


def reset_at(item: ItemFacts, now: datetime) -> datetime | None:
    """When the counter of a recurring item starts again from zero."""
    return period_end(item.periodicity.unit or Unit.DAY, now) if item.periodicity.kind is _RECURRING else None


def next_window_at(item: ItemFacts, now: datetime, valid_until: datetime) -> datetime | None:
    """The next instant at which a new window may open: after the one that is open, if any.

    None when none will: exhausted, opened by the patient alone, or past the end of the consent.
    """
    kind = item.periodicity.kind
    if kind is PeriodicityKind.ON_DEMAND or (kind is _ONCE and item.usage.once_until):
        return None
    earliest = open_until(item, now) or now
    reset = reset_at(item, now)
    if reset and not remaining(item, now):
        earliest = max(earliest, reset)
    return earliest if earliest < valid_until else None


def used_up(item: ItemFacts, now: datetime) -> ItemFacts:
    """The item as it stands once parallel calls have taken every window of the present calendar unit."""
    unit, most = item.periodicity.unit, item.periodicity.most
    if unit is None or most is None:
        return replace(item, usage=Usage(once_until=now))
    return replace(item, usage=Usage(counters={unit: Counter(period_start(unit, now), most)}))


def present_status(facts: ConsentFacts, now: datetime) -> Status:
    """The status in force at `now`: past its end or with every item exhausted, a live consent is expired."""
    if facts.status in FINAL:
        return facts.status
    over = now >= facts.valid_until or all(is_exhausted(item, now) for item in facts.items.values())
    return Status.EXPIRED if over else facts.status


def is_live(facts: ConsentFacts, now: datetime) -> bool:
    return present_status(facts, now) in LIVE
