"""Plain builders for the tests of the consent: facts, items, permissions, each with sound defaults."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from consent.rules.calendar import period_start
from consent.rules.facts import ConsentFacts, Counter, ItemFacts, Usage
from consent.workflow import Status
from platform_core.access import ALWAYS, Access, DatePeriod
from platform_core.permission import Periodicity, PermissionItem, Unit

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
PATIENT = UUID("00000000-0000-7000-8000-00000000aaaa")
GRANT = UUID("00000000-0000-7000-8000-00000000cccc")
WEIGHT, PRESSURE = "measures.body-weight", "measures.blood-pressure"
READ, WRITE = Access.READ, Access.WRITE
DAILY = Periodicity.recurring(1, Unit.DAY)


def used(unit: Unit, count: int, *, at: datetime = NOW, window_until: datetime | None = None) -> Usage:
    """A usage whose counter of one unit stands at `count` in the period of `at`."""
    return Usage(window_until=window_until, counters={unit: Counter(period_start(unit, at), count)})


def item(
    category: str = WEIGHT,
    access: Access = READ,
    *,
    data: DatePeriod = ALWAYS,
    periodicity: Periodicity = DAILY,
    usage: Usage | None = None,
) -> ItemFacts:
    return ItemFacts(category, access, data, periodicity, usage or Usage())


def facts(
    *items: ItemFacts,
    status: Status = Status.ACTIVE,
    valid_until: datetime = NOW + timedelta(days=30),
    presence_until: datetime | None = None,
) -> ConsentFacts:
    granted = items or (item(),)
    return ConsentFacts(
        GRANT, PATIENT, status, valid_until, presence_until, {(i.category, i.access): i for i in granted}
    )


def permission(
    category: str = WEIGHT,
    access: Access = READ,
    *,
    data: DatePeriod = ALWAYS,
    periodicity: Periodicity = DAILY,
) -> PermissionItem:
    return PermissionItem(category, access, data, periodicity)


def since(year: int, month: int, day: int) -> DatePeriod:
    return DatePeriod(date(year, month, day))
