"""Calendar of the periodicities: an hour is a UTC hour; day, ISO week and month are read in Europe/Paris."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta

from platform_core.clock import PARIS
from platform_core.permission import Unit


def midnight(day: date) -> datetime:
    """The UTC instant at which a Paris day begins; daylight saving never removes it (it moves at 02:00 or 03:00)."""
    return datetime.combine(day, time(), PARIS).astimezone(UTC)


def paris_day(instant: datetime) -> date:
    return instant.astimezone(PARIS).date()


def period_start(unit: Unit, instant: datetime) -> datetime:
    """The UTC instant at which the calendar unit that holds `instant` began."""
    if unit is Unit.HOUR:
        return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return midnight(_first_day(unit, paris_day(instant)))


def period_end(unit: Unit, instant: datetime) -> datetime:
    """The UTC instant at which the next calendar unit begins (excluded from this one)."""
    if unit is Unit.HOUR:
        return period_start(unit, instant) + timedelta(hours=1)
    first = _first_day(unit, paris_day(instant))
    if unit is Unit.MONTH:
        return midnight(months_after(first, 1))
    return midnight(first + timedelta(days=7 if unit is Unit.WEEK else 1))


def _first_day(unit: Unit, day: date) -> date:
    if unit is Unit.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit is Unit.MONTH else day


def months_after(day: date, months: int) -> date:
    """The same day of the month `months` later (earlier when negative), or the last one of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def end_of(last_day: date) -> datetime:
    """The instant up to which something valid until `last_day` included is valid (excluded)."""
    return midnight(last_day + timedelta(days=1))


def last_day(until: datetime) -> date:
    """The last Paris day that ends at or before `until`, or that `until` cuts: the inverse of `end_of`."""
    return paris_day(until - timedelta(microseconds=1))
