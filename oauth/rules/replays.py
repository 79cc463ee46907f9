"""Where a value that may be seen once is written: a ring of hourly slots, each emptied whole when it is idle.

A value is written in the slot of the moment and in that of its last acceptable moment. Whoever shows it again in
between writes in one of these two, so that the unique key of one slot refuses it, whatever the hour does meanwhile.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

SLOT = timedelta(hours=1)
SLOTS = 4
LONGEST = timedelta(minutes=10)
"""How long ahead a value may be remembered. It must stay under a slot, else a third one could lie in between."""


def slots_of(now: datetime, until: datetime) -> Sequence[int]:
    """The slots to write a value in, so that it is refused from `now` to `until`. Raises `ValueError` when too long."""
    if until - now > LONGEST:
        raise ValueError(f"A value is remembered {LONGEST} at most.")
    first, last = _number(now), _number(max(now, until))
    return (first % SLOTS,) if first == last else (first % SLOTS, last % SLOTS)


def idle_slot(now: datetime) -> int:
    """The slot that nobody reads or writes in this hour, the one before or the next, whatever clocks disagree."""
    return (_number(now) + 2) % SLOTS


def _number(instant: datetime) -> int:
    return int(instant.timestamp() // SLOT.total_seconds())
