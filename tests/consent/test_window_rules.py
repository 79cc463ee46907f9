"""What a patient and an app are told of the windows: used, left, next, reset; read from a database row."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from consent.rules import windows
from consent.rules.calendar import period_end, period_start
from consent.rules.decision import decide
from consent.rules.facts import WINDOW, Counter, Usage, read_item
from consent.workflow import Status
from platform_core.access import Access, DatePeriod
from platform_core.errors import TooManyRequests
from platform_core.permission import CONTINUOUS, ON_DEMAND, ONCE, Periodicity, Unit
from tests.consent.builders import DAILY, NOW, WEIGHT, facts, item, used

FAR = NOW + timedelta(days=400)


def test_two_used_of_four_and_the_next_after_the_open_window() -> None:
    four = Periodicity.recurring(4, Unit.DAY)
    seen = item(periodicity=four, usage=used(Unit.DAY, 2, window_until=NOW + timedelta(minutes=5)))
    assert (windows.used(seen, NOW), windows.remaining(seen, NOW)) == (2, 2)
    assert windows.next_window_at(seen, NOW, FAR) == NOW + timedelta(minutes=5)
    assert windows.reset_at(seen, NOW) == datetime(2026, 11, 21, 23, tzinfo=UTC)


def test_the_next_window_of_an_item_never_used_is_now() -> None:
    assert windows.next_window_at(item(), NOW, FAR) == NOW


def test_a_window_that_runs_over_midnight_belongs_to_the_day_in_which_it_opened() -> None:
    opened_at = datetime(2026, 11, 21, 22, 55, tzinfo=UTC)
    seen = item(usage=used(Unit.DAY, 1, at=opened_at, window_until=opened_at + WINDOW))
    after_midnight = opened_at + timedelta(minutes=10)
    assert decide(facts(seen), [WEIGHT], Access.READ, now=after_midnight).to_open == ()
    assert windows.remaining(seen, after_midnight) == 1
    assert windows.next_window_at(seen, after_midnight, FAR) == opened_at + WINDOW


def test_nothing_is_counted_on_continuous_and_on_demand_items() -> None:
    assert windows.remaining(item(periodicity=CONTINUOUS), NOW) is None
    assert windows.remaining(item(periodicity=ON_DEMAND), NOW) is None
    assert windows.next_window_at(item(periodicity=ON_DEMAND), NOW, FAR) is None
    assert windows.next_window_at(item(periodicity=CONTINUOUS), NOW, FAR) == NOW


def test_a_single_window_is_spent_as_soon_as_it_opens() -> None:
    spent = item(periodicity=ONCE, usage=Usage(once_until=NOW + WINDOW))
    assert (windows.used(spent, NOW), windows.remaining(spent, NOW)) == (1, 0)
    assert windows.next_window_at(spent, NOW, FAR) is None


def test_a_consent_whose_every_item_is_exhausted_is_expired() -> None:
    spent = item(periodicity=ONCE, usage=Usage(once_until=NOW))
    assert windows.present_status(facts(spent), NOW) is Status.EXPIRED
    assert windows.present_status(facts(spent, item("vaccinations")), NOW) is Status.ACTIVE
    assert windows.present_status(facts(spent, status=Status.REVOKED), NOW) is Status.REVOKED


def test_a_change_of_unit_keeps_exact_counts() -> None:
    """Three windows this week, one of them today: a weekly limit of three is reached, a daily one of two is not."""
    counters = {
        Unit.DAY: Counter(period_start(Unit.DAY, NOW), 1),
        Unit.WEEK: Counter(period_start(Unit.WEEK, NOW), 3),
    }
    usage = Usage(counters=counters)
    assert windows.remaining(item(periodicity=Periodicity.recurring(2, Unit.DAY), usage=usage), NOW) == 1
    assert windows.remaining(item(periodicity=Periodicity.recurring(3, Unit.WEEK), usage=usage), NOW) == 0


def test_an_item_is_read_from_the_columns_of_the_database_as_json_gives_them() -> None:
    row = {
        "category": WEIGHT,
        "access": "read",
        "data_from": "2026-01-01",
        "data_to": None,
        "periodicity_kind": "recurring",
        "periodicity_max": 1,
        "periodicity_unit": "day",
        "window_until": "2026-11-21T09:05:00.25+00:00",
        "once_until": None,
        **{f"{unit}_start": "2026-11-20T23:00:00+00:00" for unit in Unit},
        **{f"{unit}_used": 1 for unit in Unit},
        "last_opened_at": "2026-11-21T08:50:00.25+00:00",
    }
    seen = read_item(row)
    assert (seen.data, seen.periodicity) == (DatePeriod(date(2026, 1, 1)), DAILY)
    assert windows.open_until(seen, NOW) == datetime(2026, 11, 21, 9, 5, 0, 250000, UTC)
    assert windows.used(seen, NOW) == 1


def test_an_item_never_used_is_read_from_a_row_without_usage() -> None:
    row = {"category": WEIGHT, "access": "write", "data_from": None, "data_to": None, "periodicity_kind": "continuous"}
    assert read_item(row) == item(access=Access.WRITE, periodicity=CONTINUOUS)


starts = st.sampled_from(
    [
        datetime(2026, 3, 28, 20, tzinfo=UTC),
        datetime(2026, 10, 24, 20, tzinfo=UTC),
        datetime(2028, 2, 28, 20, tzinfo=UTC),
        datetime(2026, 12, 31, 20, tzinfo=UTC),
        datetime(2026, 11, 29, 20, tzinfo=UTC),
    ]
)


@given(
    start=starts,
    gaps=st.lists(st.integers(1, 900), min_size=1, max_size=60),
    unit=st.sampled_from(Unit),
    most=st.integers(1, 4),
)
def test_no_calendar_unit_ever_holds_more_windows_than_granted(
    start: datetime, gaps: list[int], unit: Unit, most: int
) -> None:
    """Calls at random minutes over nights that change the clock; each refusal names an instant that is then served."""
    periodicity, now, usage, opened = Periodicity.recurring(most, unit), start, Usage(), []
    for gap in gaps:
        now += timedelta(minutes=gap)
        try:
            seen = facts(item(periodicity=periodicity, usage=usage), valid_until=NOW + timedelta(days=9000))
            decision = decide(seen, [WEIGHT], Access.READ, now=now)
        except TooManyRequests as refusal:
            assert refusal.retry_at == period_end(unit, now)
            continue
        if decision.to_open:
            opened.append(now)
            count = usage.used_in(unit, now) + 1
            usage = Usage(window_until=now + WINDOW, counters={unit: Counter(period_start(unit, now), count)})
        else:
            assert opened and now < opened[-1] + WINDOW
    for instant in opened:
        same = [other for other in opened if period_start(unit, other) == period_start(unit, instant)]
        assert len(same) <= most
