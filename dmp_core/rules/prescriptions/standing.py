"""What was handed over of a line and what is left: counted when the documents say enough, else said to be unknown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum

from dmp_core.rules.prescriptions.limits import first_by, later, longest
from dmp_core.rules.prescriptions.lines import Line
from dmp_core.rules.prescriptions.matching import Given


class State(StrEnum):
    """Where a line stands."""

    NEVER = "never"
    PARTLY = "partly"
    RENEWABLE = "renewable"
    SERVED = "served"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


class Limit(StrEnum):
    """Where a last day comes from."""

    WRITTEN = "written"
    """The length and the renewals written on the prescription, from the first handing over."""
    FIRST = "first"
    """The three months within which a prescription is first presented."""
    LONGEST = "longest"
    """The twelve months beyond which no prescription goes: it says no length itself."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a line stands. What the documents do not let one say is None.

    `left` is in the unit of the line, renewals included; `owed` what the last handing over lacks; `until` the last day
    on which something may be handed over, by `limit`; `covers` the last day that what was handed over lasts.
    """

    state: State
    given: Sequence[Given]
    left: Decimal | None
    owed: Decimal | None
    renewals: int | None
    until: date
    limit: Limit
    covers: date | None

    def lasts(self, today: date) -> bool:
        """Whether the line is in use, or may still be handed over."""
        if self.state in (State.EXPIRED, State.SERVED):
            return self.covers is not None and self.covers >= today
        return True


def stand(line: Line, given: Sequence[Given], today: date) -> Standing:
    """Where a line stands that day, after these dispensations, oldest first."""
    delivered = _delivered(line, given)
    left = _left(line, delivered)
    owed = _owed(line, delivered)
    renewals = _renewals(line, given, delivered)
    until, limit = _until(line, given)
    state = _state(given, owed, renewals, left)
    if state is not State.SERVED and today > until:
        state = State.EXPIRED
    return Standing(state, given, left, owed, renewals, until, limit, _covers(line, given))


def _delivered(line: Line, given: Sequence[Given]) -> Decimal | None:
    """How much was handed over, in the unit of the line."""
    amounts = [one.line.quantity for one in given if one.line.unit == line.unit]
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if line.quantity and len(known) == len(given) else None


def _left(line: Line, delivered: Decimal | None) -> Decimal | None:
    if not line.quantity or line.repeats is None or delivered is None:
        return None
    return max(line.quantity * (line.repeats + 1) - delivered, Decimal(0))


def _owed(line: Line, delivered: Decimal | None) -> Decimal | None:
    """What lacks for the quantity of the present handing over; zero when it is whole."""
    if not line.quantity or delivered is None:
        return None
    return (line.quantity - delivered % line.quantity) % line.quantity


def _renewals(line: Line, given: Sequence[Given], delivered: Decimal | None) -> int | None:
    if line.repeats is None:
        return None
    if not given:
        return line.repeats
    if line.quantity and delivered is not None:
        times = int((delivered / line.quantity).to_integral_value(ROUND_CEILING))
    elif any(one.line.partial for one in given):
        return None
    else:
        times = len({one.line.written_on for one in given})
    return max(line.repeats + 1 - times, 0)


def _state(given: Sequence[Given], owed: Decimal | None, renewals: int | None, left: Decimal | None) -> State:
    if not given:
        return State.NEVER
    if left == 0:
        return State.SERVED
    if owed or (owed is None and given[-1].line.partial):
        return State.PARTLY
    if renewals is None:
        return State.UNKNOWN
    return State.RENEWABLE if renewals else State.SERVED


def _until(line: Line, given: Sequence[Given]) -> tuple[date, Limit]:
    last = longest(line.written_on)
    if not given:
        return first_by(line.written_on), Limit.FIRST
    if line.days is None or line.repeats is None:
        return last, Limit.LONGEST
    written = later(given[0].line.written_on, line.days * (line.repeats + 1) - 1)
    return min(written, last), Limit.WRITTEN


def _covers(line: Line, given: Sequence[Given]) -> date | None:
    """The last day that what was handed over lasts, each part after the one before; None when no length is written."""
    if line.days is None:
        return None
    ends = None
    for one in given:
        begins = one.line.written_on if ends is None else max(one.line.written_on, later(ends, 1))
        ends = later(begins, int(line.days * _share(line, one.line)) - 1)
    return ends


def _share(line: Line, given: Line) -> Decimal:
    """The part of one handing over that was given: all of it when the quantities do not say."""
    if line.quantity and given.quantity is not None and given.unit == line.unit:
        return given.quantity / line.quantity
    return Decimal(1)
