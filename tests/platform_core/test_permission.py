"""The vocabulary of permission: what is read, what is refused, and which periodicity stays within which."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.access import DatePeriod
from platform_core.clock import PARIS
from platform_core.errors import Invalid
from platform_core.permission import (
    CONTINUOUS,
    MOST_PER_UNIT,
    ON_DEMAND,
    ONCE,
    Periodicity,
    Unit,
    period_from_json,
    period_to_json,
)

recurring = st.sampled_from(Unit).flatmap(
    lambda unit: st.builds(Periodicity.recurring, st.integers(1, min(MOST_PER_UNIT[unit], 40)), st.just(unit))
)


@given(recurring | st.sampled_from([ONCE, ON_DEMAND, CONTINUOUS]))
def test_a_periodicity_survives_its_json(periodicity):
    assert Periodicity.from_json(periodicity.to_json()) == periodicity


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"once": False},
        {"once": True, "continuous": True},
        {"max": 0, "per": "day"},
        {"max": 5, "per": "hour"},
        {"max": 97, "per": "day"},
        {"max": 673, "per": "week"},
        {"max": 2977, "per": "month"},
        {"max": True, "per": "day"},
        {"max": 1.5, "per": "day"},
        {"max": 1, "per": "year"},
        {"max": 1},
        {"sometimes": True},
    ],
)
def test_what_is_no_periodicity_is_refused(value):
    with pytest.raises(Invalid):
        Periodicity.from_json(value)


def _key(unit, instant):
    local = instant.astimezone(PARIS)
    return {
        Unit.HOUR: instant.astimezone(UTC).strftime("%Y%m%d%H"),
        Unit.DAY: local.strftime("%Y%m%d"),
        Unit.WEEK: local.strftime("%G%V"),
        Unit.MONTH: local.strftime("%Y%m"),
    }[unit]


@given(recurring, recurring, st.integers(0, 300))
def test_within_means_that_no_unit_of_the_ceiling_is_ever_overrun(own, ceiling, day):
    """Open windows as early and as often as `own` allows, over six weeks, and count them in the ceiling's units."""
    if not own.within(ceiling):
        return
    opened, per_ceiling = {}, {}
    instant = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
    for _ in range(6 * 7 * 24):
        instant += timedelta(hours=1)
        key = _key(own.unit, instant)
        free = own.most - opened.get(key, 0)
        opened[key] = opened.get(key, 0) + free
        bucket = _key(ceiling.unit, instant)
        per_ceiling[bucket] = per_ceiling.get(bucket, 0) + free
    straddled = 2 if (own.unit, ceiling.unit) == (Unit.MONTH, Unit.WEEK) else 1
    assert max(per_ceiling.values()) <= ceiling.most * straddled


def test_once_a_month_is_within_once_a_week_and_not_the_reverse():
    month, week = Periodicity.recurring(1, Unit.MONTH), Periodicity.recurring(1, Unit.WEEK)
    assert month.within(week)
    assert not week.within(month)


@pytest.mark.parametrize("periodicity", [ONCE, ON_DEMAND])
def test_what_the_patient_opens_is_within_every_ceiling(periodicity):
    assert periodicity.within(Periodicity.recurring(1, Unit.MONTH))


def test_continuous_is_within_nothing_but_itself():
    assert CONTINUOUS.within(CONTINUOUS)
    assert not CONTINUOUS.within(Periodicity.recurring(96, Unit.DAY))


@given(st.dates() | st.none(), st.dates() | st.none())
def test_a_period_survives_its_json_or_is_refused_when_backwards(start, end):
    period = DatePeriod(start, end)
    if start and end and start > end:
        with pytest.raises(Invalid):
            period_from_json(period_to_json(period))
    else:
        assert period_from_json(period_to_json(period)) == period


@given(st.dates(), st.dates() | st.none(), st.dates() | st.none(), st.dates() | st.none(), st.dates() | st.none())
def test_a_day_is_in_an_overlap_when_it_is_in_both(day, a, b, c, d):
    one, other = DatePeriod(a, b), DatePeriod(c, d)
    common = one.overlap(other)
    assert (common is not None and day in common) == (day in one and day in other)
