"""The delays of an erasure asked of a publisher: a month to answer (RGPD art. 12.3), a reminder a week before."""

from datetime import datetime, timedelta

from consent.rules.calendar import end_of, months_after, paris_day
from consent.workflow import ErasureState

REMINDER = timedelta(days=7)


def due_at(asked_at: datetime) -> datetime:
    """The end of the month that the publisher has, excluded: the same day of the next month is its last."""
    return end_of(months_after(paris_day(asked_at), 1))


def is_overdue(state: ErasureState, due: datetime, now: datetime) -> bool:
    """Whether the publisher has let the month pass; it may still answer."""
    return state in {ErasureState.ASKED, ErasureState.ACKNOWLEDGED} and now >= due
