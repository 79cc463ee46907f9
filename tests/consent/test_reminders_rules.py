"""When reminders are due, day after day, whatever the clocks do and whichever days the task missed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.rules import reminders
from platform_core.clock import PARIS

DAY = timedelta(days=1)
days = st.dates(date(2026, 1, 1), date(2028, 12, 31))


@pytest.mark.parametrize(
    ("local", "day"),
    [
        (datetime(2026, 11, 21, 8, 59, tzinfo=PARIS), date(2026, 11, 20)),
        (datetime(2026, 11, 21, 9, 0, tzinfo=PARIS), date(2026, 11, 21)),
        (datetime(2026, 11, 21, 23, 59, tzinfo=PARIS), date(2026, 11, 21)),
        (datetime(2026, 11, 22, 0, 0, tzinfo=PARIS), date(2026, 11, 21)),
        (datetime(2026, 10, 25, 9, 0, tzinfo=PARIS), date(2026, 10, 25)),
        (datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=PARIS), date(2026, 10, 24)),
        (datetime(2027, 3, 28, 8, 59, tzinfo=PARIS), date(2027, 3, 27)),
        (datetime(2027, 3, 28, 9, 0, tzinfo=PARIS), date(2027, 3, 28)),
    ],
)
def test_reminders_wait_for_nine_in_the_morning_in_paris(local: datetime, day: date) -> None:
    assert reminders.reminding_day(local.astimezone(UTC)) == day


@given(st.integers(0, 24 * 3 * 366))
def test_the_reminding_day_never_goes_back_nor_skips(half_hours: int) -> None:
    instant = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=20 * half_hours)
    before, after = (reminders.reminding_day(instant + timedelta(hours=hours)) for hours in (0, 1))
    assert after - before in (timedelta(0), DAY)


@given(days, st.integers(0, 400), st.integers(0, 6))
def test_each_deadline_is_announced_on_its_day_or_on_the_first_that_the_task_runs(
    decided_on: date, length: int, missed: int
) -> None:
    last_day = decided_on + length * DAY
    told: dict[int, date] = {}
    for number in range(missed, length + 2):
        today = decided_on + number * DAY
        found = reminders.find_deadline(last_day, decided_on, today)
        if found:
            told.setdefault(found, today)
            assert any(first <= last_day <= last for first, last in reminders.ending_between(today))
    expected = {n: max(last_day - n * DAY, decided_on + missed * DAY) for n in (30, 7) if length > n}
    assert told == expected


@given(days, st.sampled_from([30, 90, 180]), st.integers(0, 6))
def test_a_digest_comes_at_each_turn_once(since: date, every: int, missed: int) -> None:
    found = [reminders.find_digest(since, every, since + n * DAY) for n in range(missed, 400)]
    assert sorted(set(filter(None, found))) == [since + n * DAY for n in range(every, 400, every)]
    assert all(
        found[every * turn - missed + late] == since + every * turn * DAY
        for turn in (1, 2)
        for late in range(7)
        if every * turn - missed + late < len(found)
    )


@pytest.mark.parametrize(("quiet", "unused"), [(89, False), (90, True), (400, True)])
def test_an_access_is_unused_after_ninety_days(quiet: int, unused: bool) -> None:
    today = date(2026, 11, 21)
    assert reminders.is_unused(today - quiet * DAY, today) is unused
