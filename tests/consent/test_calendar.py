"""The calendar of the periodicities, across both daylight-saving nights, leap days, week and month ends."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.rules.calendar import end_of, last_day, months_after, period_end, period_start
from platform_core.clock import PARIS
from platform_core.permission import Unit

instants = st.integers(0, 5 * 366 * 86_400).map(
    lambda seconds: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
around_the_clock_changes = st.builds(
    lambda day, minutes: datetime(*day, tzinfo=UTC) + timedelta(minutes=minutes),
    st.sampled_from([(2026, 3, 28), (2026, 10, 24), (2028, 2, 28), (2026, 12, 31)]),
    st.integers(0, 3 * 24 * 60),
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("unit", "instant", "start", "end"),
    [
        (Unit.HOUR, utc(2026, 11, 21, 9, 59, 59), utc(2026, 11, 21, 9), utc(2026, 11, 21, 10)),
        (Unit.DAY, utc(2026, 11, 21, 22, 59), utc(2026, 11, 20, 23), utc(2026, 11, 21, 23)),
        (Unit.DAY, utc(2026, 11, 21, 23, 0), utc(2026, 11, 21, 23), utc(2026, 11, 22, 23)),
        (Unit.DAY, utc(2026, 7, 14, 21, 59), utc(2026, 7, 13, 22), utc(2026, 7, 14, 22)),
        (Unit.DAY, utc(2026, 3, 29, 12), utc(2026, 3, 28, 23), utc(2026, 3, 29, 22)),
        (Unit.DAY, utc(2026, 10, 25, 12), utc(2026, 10, 24, 22), utc(2026, 10, 25, 23)),
        (Unit.HOUR, utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 0), utc(2026, 10, 25, 1)),
        (Unit.HOUR, utc(2026, 10, 25, 1, 30), utc(2026, 10, 25, 1), utc(2026, 10, 25, 2)),
        (Unit.WEEK, utc(2026, 11, 22, 22, 59), utc(2026, 11, 15, 23), utc(2026, 11, 22, 23)),
        (Unit.WEEK, utc(2026, 11, 22, 23, 0), utc(2026, 11, 22, 23), utc(2026, 11, 29, 23)),
        (Unit.WEEK, utc(2027, 1, 1, 12), utc(2026, 12, 27, 23), utc(2027, 1, 3, 23)),
        (Unit.WEEK, utc(2026, 3, 29, 12), utc(2026, 3, 22, 23), utc(2026, 3, 29, 22)),
        (Unit.MONTH, utc(2026, 10, 31, 22, 59), utc(2026, 9, 30, 22), utc(2026, 10, 31, 23)),
        (Unit.MONTH, utc(2026, 12, 31, 23, 0), utc(2026, 12, 31, 23), utc(2027, 1, 31, 23)),
        (Unit.MONTH, utc(2028, 2, 29, 12), utc(2028, 1, 31, 23), utc(2028, 2, 29, 23)),
    ],
)
def test_a_period_begins_and_ends_on_the_calendar(
    unit: Unit, instant: datetime, start: datetime, end: datetime
) -> None:
    assert (period_start(unit, instant), period_end(unit, instant)) == (start, end)


def test_the_days_of_the_clock_changes_last_23_and_25_hours() -> None:
    spring, autumn = utc(2026, 3, 29, 12), utc(2026, 10, 25, 12)
    assert period_end(Unit.DAY, spring) - period_start(Unit.DAY, spring) == timedelta(hours=23)
    assert period_end(Unit.DAY, autumn) - period_start(Unit.DAY, autumn) == timedelta(hours=25)


@given(unit=st.sampled_from(Unit), instant=instants | around_the_clock_changes)
def test_periods_tile_time_without_hole_or_overlap(unit: Unit, instant: datetime) -> None:
    start, end = period_start(unit, instant), period_end(unit, instant)
    assert start <= instant < end
    assert period_start(unit, start) == start == period_start(unit, end - timedelta(microseconds=1))
    assert period_start(unit, end) == end


@given(instant=instants | around_the_clock_changes)
def test_days_weeks_and_months_begin_at_midnight_in_paris(instant: datetime) -> None:
    for unit in (Unit.DAY, Unit.WEEK, Unit.MONTH):
        local = period_start(unit, instant).astimezone(PARIS)
        assert (local.hour, local.minute, local.second, local.microsecond) == (0, 0, 0, 0)
    assert period_start(Unit.WEEK, instant).astimezone(PARIS).weekday() == 0
    assert period_start(Unit.MONTH, instant).astimezone(PARIS).day == 1


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 11, 21), 12, date(2027, 11, 21)),
        (date(2028, 2, 29), -12, date(2027, 2, 28)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
    ],
)
def test_months_are_counted_on_the_calendar(day: date, months: int, expected: date) -> None:
    assert months_after(day, months) == expected


@given(st.dates(date(2025, 1, 1), date(2030, 1, 1)))
def test_the_last_day_is_whole(day: date) -> None:
    assert last_day(end_of(day)) == day
    assert (end_of(day) - timedelta(seconds=1)).astimezone(PARIS).date() == day
