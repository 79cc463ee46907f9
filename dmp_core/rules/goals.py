"""What a measure is compared with: bounds that are themselves within, set for one person or told of everybody."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from dmp_core.categories import Kind
from platform_core.errors import Fault


@dataclass(frozen=True, slots=True)
class Bounds:
    """From `low` to `high`, both included, in the unit of the kind; None leaves a side open."""

    low: Decimal | None = None
    high: Decimal | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing is bounded."""
        return self.low is None and self.high is None

    def hold(self, value: Decimal) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


Parts = tuple[Bounds, ...]
"""One for each number of a measure: the systolic then the diastolic pressure."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What is aimed at for a kind of measure, by whom it was set and the last day that it holds (None: no end)."""

    kind: str
    parts: Parts
    until: date | None
    author_name: str
    by_professional: bool
    set_at: datetime


def within(parts: Parts, values: Sequence[Decimal]) -> bool:
    """Whether each number of a measure is within its bounds."""
    return all(bounds.hold(value) for bounds, value in zip(parts, values, strict=True))


def goal_faults(kind: Kind, parts: Parts) -> Iterator[Fault]:
    """Why these cannot be the goal of a kind: nothing is bounded, crossed bounds, beyond what is plausible."""
    if all(bounds.is_open for bounds in parts):
        yield Fault("low", "must be given, or the upper bound.", "required")
    for bounds, suffix in zip(parts, ("", "2"), strict=False):
        for name, value in (("low", bounds.low), ("high", bounds.high)):
            if value is not None and not kind.low <= value <= kind.high:
                yield Fault(f"{name}{suffix}", f"must be from {kind.low} to {kind.high} {kind.unit}.", "value")
        if bounds.low is not None and bounds.high is not None and bounds.low > bounds.high:
            yield Fault(f"high{suffix}", "must not be less than the lower bound.", "value")
