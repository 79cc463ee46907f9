"""Windows on the real database: one atomic statement, whatever runs in parallel."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent.rules.calendar import period_end, period_start
from consent.rules.facts import WINDOW, Counter
from consent.service.windows import open_windows
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.errors import Forbidden, TooManyRequests
from platform_core.ids import uuid7
from platform_core.permission import ONCE, Periodicity, Unit
from tests.consent.builders import PRESSURE, READ, WEIGHT, permission
from tests.consent.calls import call, in_parallel, load_facts, state_of

Grant = Callable[..., UUID]


def used(patient_id: UUID, grant_id: UUID, now: datetime) -> list[int]:
    return [item.used for item in state_of(patient_id, grant_id, now).items]


def test_fifty_parallel_first_calls_open_one_window(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    grant_id, now = grant_consent(), clock()
    outcomes = in_parallel(app, 50, lambda: call(patient_id, grant_id, now=now))
    assert all(isinstance(outcome, tuple) for outcome in outcomes)
    assert used(patient_id, grant_id, now) == [1]


@pytest.mark.parametrize("attempt", range(5))
def test_calls_in_parallel_never_take_more_windows_than_granted(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock, attempt: int
) -> None:
    """Calls twenty minutes apart cannot share a window: eight of them race, from one reading, for the last one."""
    grant_id = grant_consent(permission(periodicity=Periodicity.recurring(2, Unit.DAY)))
    call(patient_id, grant_id, now=clock())
    with transaction(patient_id=patient_id):
        stale = load_facts(patient_id, grant_id)
    instants = iter([clock() + timedelta(minutes=20 * step) for step in range(8, 0, -1)])
    lock = threading.Lock()

    def race() -> str:
        with lock:
            now = next(instants)
        with transaction(patient_id=patient_id):
            open_windows(facts=stale, categories=[WEIGHT], access=READ, now=now)
        return "served"

    outcomes = in_parallel(app, 8, race)
    assert set(outcomes) <= {"served", "consent-frequency-exceeded"}
    assert "served" in outcomes
    assert used(patient_id, grant_id, clock()) == [2]


def test_the_loser_of_a_race_is_told_when_to_come_back(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    grant_id = grant_consent()
    with transaction(patient_id=patient_id):
        stale = load_facts(patient_id, grant_id)
    call(patient_id, grant_id, now=clock())
    with pytest.raises(TooManyRequests) as refusal, transaction(patient_id=patient_id):
        open_windows(facts=stale, categories=[WEIGHT], access=READ, now=clock() + WINDOW)
    assert refusal.value.code == "consent-frequency-exceeded"
    assert refusal.value.retry_at == datetime(2026, 11, 21, 23, 0, tzinfo=UTC)


def test_a_call_that_fails_opens_no_window(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    grant_id = grant_consent(permission(WEIGHT), permission(PRESSURE))
    call(patient_id, grant_id, PRESSURE, now=clock())
    later = clock() + timedelta(minutes=20)
    with transaction(patient_id=patient_id):
        stale = load_facts(patient_id, grant_id)
    with pytest.raises(TooManyRequests), transaction(patient_id=patient_id):
        open_windows(facts=stale, categories=[PRESSURE, WEIGHT], access=READ, now=later)
    assert used(patient_id, grant_id, later) == [1, 0]


def test_a_day_has_one_window_and_the_next_day_another(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    grant_id = grant_consent()
    before_midnight = datetime(2026, 11, 21, 22, 50, tzinfo=UTC)
    assert call(patient_id, grant_id, now=before_midnight) == (WEIGHT,)
    assert call(patient_id, grant_id, now=before_midnight + timedelta(minutes=14)) == ()
    assert call(patient_id, grant_id, now=before_midnight + timedelta(minutes=15)) == (WEIGHT,)
    with pytest.raises(TooManyRequests) as refusal:
        call(patient_id, grant_id, now=before_midnight + timedelta(minutes=30))
    assert refusal.value.retry_at == datetime(2026, 11, 22, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("unit", "first", "again"),
    [
        (Unit.DAY, datetime(2026, 3, 28, 23, 1, tzinfo=UTC), datetime(2026, 3, 29, 22, 0, tzinfo=UTC)),
        (Unit.DAY, datetime(2026, 10, 24, 22, 1, tzinfo=UTC), datetime(2026, 10, 25, 23, 0, tzinfo=UTC)),
        (Unit.WEEK, datetime(2026, 3, 29, 20, 0, tzinfo=UTC), datetime(2026, 3, 29, 22, 0, tzinfo=UTC)),
        (Unit.MONTH, datetime(2028, 2, 29, 20, 0, tzinfo=UTC), datetime(2028, 2, 29, 23, 0, tzinfo=UTC)),
        (Unit.HOUR, datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 0, tzinfo=UTC)),
    ],
)
def test_the_counter_starts_again_on_the_calendar(
    app: Flask, patient_id: UUID, grant_consent: Grant, unit: Unit, first: datetime, again: datetime
) -> None:
    grant_id = grant_consent(permission(periodicity=Periodicity.recurring(1, unit)), valid_until=date(2028, 12, 31))
    assert call(patient_id, grant_id, now=first) == (WEIGHT,)
    with pytest.raises(TooManyRequests) as refusal:
        call(patient_id, grant_id, now=again - timedelta(seconds=1))
    assert refusal.value.retry_at == again
    assert call(patient_id, grant_id, now=again) == (WEIGHT,)


def test_a_single_access_lasts_an_hour_then_is_exhausted(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    grant_id, now = grant_consent(permission(periodicity=ONCE)), clock()
    outcomes = in_parallel(app, 8, lambda: call(patient_id, grant_id, now=now))
    assert all(isinstance(outcome, tuple) for outcome in outcomes)
    assert call(patient_id, grant_id, now=now + timedelta(minutes=59)) == ()
    with pytest.raises(Forbidden) as refusal:
        call(patient_id, grant_id, now=now + timedelta(minutes=60))
    assert refusal.value.code == "consent-exhausted"


def test_two_calls_on_several_categories_do_not_wait_for_each_other_for_ever(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    grant_id, now = grant_consent(permission(WEIGHT), permission(PRESSURE)), clock()
    orders = [(WEIGHT, PRESSURE), (PRESSURE, WEIGHT)]
    turn = iter(orders * 8)
    lock = threading.Lock()

    def act() -> object:
        with lock:
            wanted = next(turn)
        return call(patient_id, grant_id, *wanted, now=now)

    outcomes = in_parallel(app, 16, act)
    assert all(isinstance(outcome, tuple) for outcome in outcomes)
    assert used(patient_id, grant_id, now) == [1, 1]


STARTS = [
    datetime(2026, 3, 28, 20, tzinfo=UTC),
    datetime(2026, 10, 24, 20, tzinfo=UTC),
    datetime(2028, 2, 28, 20, tzinfo=UTC),
    datetime(2026, 12, 31, 20, tzinfo=UTC),
]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from(STARTS),
    gaps=st.lists(st.integers(1, 600), min_size=1, max_size=12),
    unit=st.sampled_from(Unit),
    most=st.integers(1, 3),
)
def test_the_database_counts_as_a_list_of_openings_would(
    app: Flask, grant_consent: Grant, start: datetime, gaps: list[int], unit: Unit, most: int
) -> None:
    """Over clock changes, a leap day and a new year: served, refused and counted as by the simplest model."""
    patient_id = uuid7()
    item = permission(periodicity=Periodicity.recurring(most, unit))
    grant_id = grant_consent(item, patient_id=patient_id, valid_until=date(2029, 1, 1))
    now, openings = start, list[datetime]()
    for gap in gaps:
        now += timedelta(minutes=gap)
        in_unit = [one for one in openings if period_start(unit, one) == period_start(unit, now)]
        try:
            opened = bool(call(patient_id, grant_id, now=now))
        except TooManyRequests as refusal:
            assert len(in_unit) == most and refusal.retry_at == period_end(unit, now)
            continue
        joined = bool(openings) and now < openings[-1] + WINDOW
        assert opened is not joined
        if opened:
            assert len(in_unit) < most
            openings.append(now)
    with transaction(patient_id=patient_id):
        usage = load_facts(patient_id, grant_id).items[WEIGHT, READ].usage
    for each in Unit:
        last = period_start(each, openings[-1])
        assert usage.counters[each] == Counter(last, sum(period_start(each, one) == last for one in openings))
