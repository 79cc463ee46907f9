"""The vocabulary of permission, shared by the dossier (ceiling), the consent (items) and OAuth (authorization details).

Plain values: purposes, periodicities, requested items and the ceiling that bounds them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from platform_core.access import ALWAYS, Access, DatePeriod
from platform_core.errors import Fault, Invalid


class Purpose(StrEnum):
    """The legal finalités of an exchange (CSP art. L.1111-13-1 III)."""

    PREVENTION = "prevention"
    DIAGNOSTIC = "diagnostic"
    CARE = "soins"
    FOLLOW_UP = "suivi"


class PeriodicityKind(StrEnum):
    ONCE = "once"
    RECURRING = "recurring"
    ON_DEMAND = "on_demand"
    CONTINUOUS = "continuous"


class Unit(StrEnum):
    """Calendar units of a recurring periodicity: an hour is a UTC hour, the others are read in Europe/Paris."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


MOST_PER_UNIT = {Unit.HOUR: 4, Unit.DAY: 96, Unit.WEEK: 672, Unit.MONTH: 2976}
_HOURS = {Unit.HOUR: 1, Unit.DAY: 24, Unit.WEEK: 168, Unit.MONTH: 744}


@dataclass(frozen=True, slots=True)
class Periodicity:
    """How often an app may synchronise: at most `most` windows per calendar `unit` when recurring."""

    kind: PeriodicityKind
    most: int | None = None
    unit: Unit | None = None

    @classmethod
    def recurring(cls, most: int, unit: Unit) -> "Periodicity":
        return cls(PeriodicityKind.RECURRING, most, unit)

    @classmethod
    def from_json(cls, value: object, *, where: str = "periodicity") -> "Periodicity":
        """Read `{"once": true}`, `{"max": N, "per": unit}`, `{"on_demand": true}` or `{"continuous": true}`.

        Raises `Invalid` (`invalid-periodicity`) naming the member at fault.
        """
        if isinstance(value, Mapping):
            if set(value) == {"max", "per"}:
                return cls._recurring_from(value, where)
            if len(value) == 1 and (key := next(iter(value))) in _FLAGS and value[key] is True:
                return _FLAGS[key]
        raise _invalid(where, "must be once, on_demand, continuous, or a max and a per")

    @classmethod
    def _recurring_from(cls, value: Mapping[str, Any], where: str) -> "Periodicity":
        if value["per"] not in set(Unit):
            raise _invalid(f"{where}.per", "must be hour, day, week or month")
        unit, most = Unit(value["per"]), value["max"]
        if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MOST_PER_UNIT[unit]:
            raise _invalid(f"{where}.max", f"must be between 1 and {MOST_PER_UNIT[unit]} per {unit}")
        return cls.recurring(most, unit)

    def to_json(self) -> dict[str, Any]:
        if self.kind is PeriodicityKind.RECURRING:
            return {"max": self.most, "per": self.unit}
        return {str(self.kind): True}

    def within(self, ceiling: "Periodicity") -> bool:
        """Whether this periodicity never allows more than the ceiling does.

        The patient alone opens the windows of `on_demand`, so it is within every ceiling; a single window is too.
        Between two recurring ones, no calendar unit may hold more windows than the ceiling allows in its own. One
        straddling is accepted: once a month is within once a week, though the week in which a month ends may then
        hold the window of each month.
        """
        if self.kind in {PeriodicityKind.ON_DEMAND, PeriodicityKind.ONCE} or self == ceiling:
            return True
        if ceiling.kind is PeriodicityKind.CONTINUOUS:
            return True
        if self.kind is not PeriodicityKind.RECURRING or ceiling.kind is not PeriodicityKind.RECURRING:
            return False
        return self._most_in(ceiling.unit or Unit.DAY) <= (ceiling.most or 0)

    def _most_in(self, unit: Unit) -> int:
        """The most windows this recurring periodicity can open in one calendar unit, whole own units counted."""
        own = self.unit or Unit.DAY
        if _HOURS[own] >= _HOURS[unit]:
            return self.most or 0
        units = {(Unit.DAY, Unit.MONTH): 31, (Unit.WEEK, Unit.MONTH): 6}
        return (self.most or 0) * units.get((own, unit), _HOURS[unit] // _HOURS[own] + (1 if own is Unit.HOUR else 0))


ONCE = Periodicity(PeriodicityKind.ONCE)
ON_DEMAND = Periodicity(PeriodicityKind.ON_DEMAND)
CONTINUOUS = Periodicity(PeriodicityKind.CONTINUOUS)
_FLAGS = {"once": ONCE, "on_demand": ON_DEMAND, "continuous": CONTINUOUS}


def _invalid(where: str, message: str) -> Invalid:
    return Invalid(f"{where} {message}.", code="invalid-periodicity", faults=[Fault(where, message)])


@dataclass(frozen=True, slots=True)
class PermissionItem:
    """One (category, access) asked for or granted, with the dates of the data and the periodicity."""

    category: str
    access: Access
    data: DatePeriod
    periodicity: Periodicity

    def to_json(self) -> dict[str, Any]:
        return {
            "category": self.category,
            "access": str(self.access),
            "data_period": period_to_json(self.data),
            "periodicity": self.periodicity.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "PermissionItem":
        return cls(
            value["category"],
            Access(value["access"]),
            period_from_json(value["data_period"]),
            Periodicity.from_json(value["periodicity"]),
        )


@dataclass(frozen=True, slots=True)
class CeilingItem:
    """The most that the referencing allows an app to ask on one (category, access).

    `history_days` bounds how far back the data may go (None: no bound); `required` marks what the service cannot do
    without; `why` is the approved French sentence that the patient reads.
    """

    category: str
    access: Access
    periodicity: Periodicity
    history_days: int | None = None
    required: bool = False
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "category": self.category,
            "access": str(self.access),
            "periodicity": self.periodicity.to_json(),
            "history_days": self.history_days,
            "required": self.required,
            "why": self.why,
        }


MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What bounds every later request of an app: items, purposes and the longest duration in days."""

    items: tuple[CeilingItem, ...]
    purposes: frozenset[Purpose]
    duration_days: int = MOST_DAYS

    def find(self, category: str, access: Access) -> CeilingItem | None:
        return next((i for i in self.items if i.category == category and i.access == access), None)

    def to_json(self) -> dict[str, Any]:
        return {
            "items": [item.to_json() for item in self.items],
            "purposes": sorted(self.purposes),
            "duration_days": self.duration_days,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Ceiling":
        """Read back what `to_json` wrote."""
        items = tuple(
            CeilingItem(
                item["category"],
                Access(item["access"]),
                Periodicity.from_json(item["periodicity"]),
                item["history_days"],
                item["required"],
                item["why"],
            )
            for item in value["items"]
        )
        return cls(items, frozenset(Purpose(p) for p in value["purposes"]), value["duration_days"])


def period_to_json(period: DatePeriod) -> dict[str, str | None]:
    return {
        "from": period.start.isoformat() if period.start else None,
        "to": period.end.isoformat() if period.end else None,
    }


def period_from_json(value: Mapping[str, str | None] | None) -> DatePeriod:
    """Read `{"from": day|null, "to": day|null}`. Raises `Invalid` (`invalid-period`)."""
    if not value:
        return ALWAYS
    try:
        start, end = (date.fromisoformat(v) if (v := value.get(k)) else None for k in ("from", "to"))
    except (TypeError, ValueError):
        raise Invalid("data_period must hold two ISO dates or nulls.", code="invalid-period") from None
    if start and end and start > end:
        raise Invalid("data_period.from is after data_period.to.", code="invalid-period")
    return DatePeriod(start, end)
