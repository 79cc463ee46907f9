"""The limits of a prescription in time: those of the law, and that of the calendar."""

from calendar import monthrange
from datetime import date, timedelta
from functools import lru_cache


def first_by(written_on: date) -> date:
    """The last day of a first handing over of a listed medicine (code de la santé publique, art. R. 5132-22)."""
    return _after(written_on, 3)


@lru_cache(maxsize=4096)
def longest(written_on: date) -> date:
    """The last day of any treatment that a prescription orders (same code, art. R. 5123-2 and R. 5132-21)."""
    return _after(written_on, 12)


def later(day: date, days: int) -> date:
    """So many days after a day, without leaving the calendar: documents may state any date."""
    return day + timedelta(days=max((date.min - day).days, min(days, (date.max - day).days)))


def _after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
