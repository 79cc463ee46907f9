"""When people are reminded of what they allowed: in days of Europe/Paris, from nine in the morning. Pure.

A reminder that could not be sent on its day is still sent on the days that follow, then dropped.
"""

from datetime import date, datetime, timedelta

from platform_core.clock import PARIS

MORNING = 9
DEADLINES = (30, 7)
"""Days before the end of a consent."""
CATCH_UP = 7
UNUSED_AFTER = 90
EACH_DIGEST = 30
"""The number of days between two digests is a multiple of this."""


def reminding_day(now: datetime) -> date:
    """The day whose reminders are due: reminders wake nobody up, whatever daylight saving does to the night."""
    local = now.astimezone(PARIS)
    return local.date() if local.hour >= MORNING else local.date() - timedelta(days=1)


def find_deadline(last_day: date, decided_on: date, today: date) -> int | None:
    """The days left that a reminder speaks of, when one is due. None for an end so near that it was just chosen."""
    for days in DEADLINES:
        due_on = last_day - timedelta(days=days)
        if decided_on < due_on <= today < due_on + timedelta(days=CATCH_UP):
            return days
    return None


def ending_between(today: date) -> list[tuple[date, date]]:
    """The last days, first and last included, of the consents that a deadline may be due for."""
    return [(today + timedelta(days=days - CATCH_UP + 1), today + timedelta(days=days)) for days in DEADLINES]


def is_unused(since: date, today: date) -> bool:
    """Whether nothing happened for so long that the patient is asked if the access is still of use."""
    return (today - since).days >= UNUSED_AFTER


def find_digest(since: date, every_days: int, today: date) -> date | None:
    """The day of the digest that is due, when accesses have gone on since a day and one comes every so many days."""
    number, late = divmod((today - since).days, every_days)
    return today - timedelta(days=late) if number > 0 and late < CATCH_UP else None
