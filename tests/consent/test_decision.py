"""The decision of a data call: its order, its codes, its windows, all or nothing."""

from datetime import date, datetime, timedelta
from itertools import product

import pytest

from consent.rules.decision import decide
from consent.rules.facts import ConsentFacts, Usage
from consent.workflow import Status
from platform_core.access import ALWAYS, Access, DatePeriod
from platform_core.errors import DomainError, Forbidden, TooManyRequests, Unauthenticated
from platform_core.permission import CONTINUOUS, ON_DEMAND, ONCE, Periodicity, Unit
from tests.consent.builders import DAILY, NOW, PRESSURE, READ, WEIGHT, WRITE, facts, item, since, used

MINUTE = timedelta(minutes=1)
OLD = DatePeriod(date(2020, 1, 1), date(2020, 12, 31))


def code_of(wanted: ConsentFacts, *categories: str, access: Access = READ, **more: object) -> str:
    """The code of the refusal, or `served`."""
    try:
        decide(wanted, categories or [WEIGHT], access, now=NOW, **more)  # type: ignore[arg-type]
    except Unauthenticated as refusal:
        return refusal.challenge["error_description"]
    except DomainError as refusal:
        return refusal.code
    return "served"


@pytest.mark.parametrize("status", [Status.REVOKED, Status.ENDED])
def test_a_final_consent_is_unauthenticated_whatever_else_holds(status: Status) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        decide(facts(status=status, presence_until=NOW + MINUTE), [WEIGHT], READ, now=NOW)
    assert refusal.value.code == "invalid-token"
    assert refusal.value.challenge == {"error": "invalid_token", "error_description": "consent-ended"}


FAULTS = {
    "consent-ended": {"valid_until": NOW},
    "consent-paused": {"status": Status.PAUSED},
    "consent-not-given": {"category": PRESSURE},
    "outside-data-period": {"period": OLD},
    "consent-frequency-exceeded": {"usage": used(Unit.DAY, 1)},
}
ORDER = list(FAULTS)


@pytest.mark.parametrize(
    "present", [[n for n, on in zip(ORDER, mask, strict=True) if on] for mask in product((0, 1), repeat=len(ORDER))]
)
def test_the_first_fault_in_the_order_of_the_rules_is_the_one_that_is_told(present: list[str]) -> None:
    told: dict[str, object] = {}
    for fault in present:
        told |= FAULTS[fault]
    category = str(told.pop("category", WEIGHT))
    period = told.pop("period", ALWAYS)
    granted = item(data=since(2026, 1, 1), usage=told.pop("usage", None))  # type: ignore[arg-type]
    consent = facts(granted, **told)  # type: ignore[arg-type]
    assert code_of(consent, category, period=period) == (present[0] if present else "served")


@pytest.mark.parametrize("status", [Status.REVOKED, Status.EXPIRED, Status.ENDED])
def test_a_final_status_comes_before_the_pause_and_the_date(status: Status) -> None:
    assert code_of(facts(status=status, valid_until=NOW)) == "consent-ended"


def test_a_paused_consent_that_is_used_up_says_so_before_and_after_a_task_has_recorded_it() -> None:
    spent = item(periodicity=ONCE, usage=Usage(once_until=NOW))
    assert {code_of(facts(spent, status=status)) for status in (Status.PAUSED, Status.EXPIRED)} == {"consent-exhausted"}


def test_a_consent_is_valid_to_its_last_instant_and_no_further() -> None:
    assert code_of(facts(valid_until=NOW + timedelta(microseconds=1))) == "served"
    assert code_of(facts(valid_until=NOW)) == "consent-ended"


def test_reading_does_not_give_writing() -> None:
    assert code_of(facts(item(access=READ)), access=WRITE) == "consent-not-given"


def test_results_are_narrowed_to_the_dates_granted() -> None:
    consent = facts(item(data=since(2026, 1, 1)))
    decision = decide(consent, [WEIGHT], READ, now=NOW, period=DatePeriod(date(2025, 6, 1), date(2026, 6, 1)))
    assert decision.categories == {WEIGHT: DatePeriod(date(2026, 1, 1), date(2026, 6, 1))}


def test_the_bounds_of_the_dates_are_included() -> None:
    consent = facts(item(data=DatePeriod(date(2026, 1, 1), date(2026, 1, 31))))
    assert code_of(consent, period=DatePeriod(date(2026, 1, 31), date(2026, 2, 5))) == "served"
    assert code_of(consent, period=since(2026, 2, 1)) == "outside-data-period"


def test_dates_bound_reading_only() -> None:
    consent = facts(item(access=WRITE, data=since(2026, 1, 1)))
    decision = decide(consent, [WEIGHT], WRITE, now=NOW, period=OLD)
    assert decision.categories == {WEIGHT: ALWAYS}


def test_a_search_over_a_class_leaves_out_what_is_not_covered() -> None:
    consent = facts(item(WEIGHT))
    decision = decide(consent, [WEIGHT, PRESSURE], READ, now=NOW, narrow=True)
    assert decision.categories == {WEIGHT: ALWAYS}
    assert code_of(consent, WEIGHT, PRESSURE) == "consent-not-given"
    assert code_of(consent, PRESSURE, narrow=True) == "consent-not-given"


def test_a_search_over_a_class_leaves_out_what_lies_outside_its_dates() -> None:
    consent = facts(item(WEIGHT, data=since(2026, 1, 1)), item(PRESSURE))
    assert set(decide(consent, [WEIGHT, PRESSURE], READ, now=NOW, period=OLD, narrow=True).categories) == {PRESSURE}
    assert code_of(consent, WEIGHT, PRESSURE, period=OLD) == "outside-data-period"


def test_a_first_call_opens_a_window_and_the_next_ones_are_free() -> None:
    assert decide(facts(item()), [WEIGHT], READ, now=NOW).to_open == (WEIGHT,)
    opened = facts(item(usage=used(Unit.DAY, 1, window_until=NOW + MINUTE)))
    assert decide(opened, [WEIGHT], READ, now=NOW).to_open == ()


def test_a_window_ends_at_its_very_instant() -> None:
    over = facts(item(usage=used(Unit.DAY, 1, window_until=NOW)))
    assert code_of(over) == "consent-frequency-exceeded"


def test_several_categories_are_all_or_nothing() -> None:
    consent = facts(item(WEIGHT), item(PRESSURE, usage=used(Unit.DAY, 1)))
    assert code_of(consent, WEIGHT, PRESSURE) == "consent-frequency-exceeded"
    assert code_of(consent, WEIGHT, PRESSURE, narrow=True) == "consent-frequency-exceeded"
    assert code_of(consent, WEIGHT) == "served"


def test_windows_to_open_are_sorted_so_that_locks_are_taken_in_one_order() -> None:
    consent = facts(item(WEIGHT), item(PRESSURE))
    assert decide(consent, [WEIGHT, PRESSURE], READ, now=NOW).to_open == (PRESSURE, WEIGHT)


@pytest.mark.parametrize(
    ("unit", "retry_at"),
    [
        (Unit.HOUR, "2026-11-21T10:00:00+00:00"),
        (Unit.DAY, "2026-11-21T23:00:00+00:00"),
        (Unit.WEEK, "2026-11-22T23:00:00+00:00"),
        (Unit.MONTH, "2026-11-30T23:00:00+00:00"),
    ],
)
def test_a_call_too_early_hears_when_the_next_window_may_open(unit: Unit, retry_at: str) -> None:
    consent = facts(item(periodicity=Periodicity.recurring(2, unit), usage=used(unit, 2)))
    with pytest.raises(TooManyRequests) as refusal:
        decide(consent, [WEIGHT], READ, now=NOW)
    assert refusal.value.code == "consent-frequency-exceeded"
    assert refusal.value.retry_at == datetime.fromisoformat(retry_at)


def test_the_next_window_is_not_told_when_it_lies_past_the_end() -> None:
    consent = facts(item(usage=used(Unit.DAY, 1)), valid_until=NOW + timedelta(hours=1))
    with pytest.raises(TooManyRequests) as refusal:
        decide(consent, [WEIGHT], READ, now=NOW)
    assert refusal.value.retry_at is None


def test_several_categories_wait_for_the_last_of_them() -> None:
    weekly = Periodicity.recurring(1, Unit.WEEK)
    consent = facts(item(WEIGHT, usage=used(Unit.DAY, 1)), item(PRESSURE, periodicity=weekly, usage=used(Unit.WEEK, 1)))
    with pytest.raises(TooManyRequests) as refusal:
        decide(consent, [WEIGHT, PRESSURE], READ, now=NOW)
    assert refusal.value.retry_at == datetime.fromisoformat("2026-11-22T23:00:00+00:00")


def test_counters_of_an_earlier_period_do_not_count() -> None:
    yesterday = used(Unit.DAY, 1, at=NOW - timedelta(days=1))
    assert code_of(facts(item(usage=yesterday))) == "served"


def test_a_counter_of_a_period_to_come_still_counts() -> None:
    ahead = used(Unit.DAY, 1, at=NOW + timedelta(days=1))
    assert code_of(facts(item(usage=ahead))) == "consent-frequency-exceeded"


class TestOnce:
    def test_it_opens_a_single_window(self) -> None:
        assert decide(facts(item(periodicity=ONCE)), [WEIGHT], READ, now=NOW).to_open == (WEIGHT,)

    def test_it_is_free_while_that_window_is_open(self) -> None:
        usage = Usage(once_until=NOW + MINUTE)
        assert decide(facts(item(periodicity=ONCE, usage=usage)), [WEIGHT], READ, now=NOW).to_open == ()

    def test_it_is_exhausted_when_the_window_ends(self) -> None:
        consent = facts(item(periodicity=ONCE, usage=Usage(once_until=NOW)), item(PRESSURE))
        with pytest.raises(Forbidden) as refusal:
            decide(consent, [WEIGHT], READ, now=NOW)
        assert refusal.value.code == "consent-exhausted"

    def test_exhaustion_is_told_before_a_frequency(self) -> None:
        consent = facts(
            item(WEIGHT, periodicity=ONCE, usage=Usage(once_until=NOW)), item(PRESSURE, usage=used(Unit.DAY, 1))
        )
        assert code_of(consent, WEIGHT, PRESSURE) == "consent-exhausted"

    @pytest.mark.parametrize("status", [Status.ACTIVE, Status.EXPIRED])
    def test_the_answer_is_the_same_before_and_after_a_task_recorded_the_expiry(self, status: Status) -> None:
        consent = facts(item(periodicity=ONCE, usage=Usage(once_until=NOW)), status=status)
        assert code_of(consent) == "consent-exhausted"

    def test_the_patients_presence_does_not_bring_it_back(self) -> None:
        consent = facts(item(periodicity=ONCE, usage=Usage(once_until=NOW)), presence_until=NOW + MINUTE)
        assert code_of(consent) == "consent-exhausted"


class TestPresence:
    @pytest.mark.parametrize("periodicity", [ON_DEMAND, ONCE, DAILY, CONTINUOUS])
    def test_it_opens_every_item_without_counting(self, periodicity: Periodicity) -> None:
        consent = facts(item(periodicity=periodicity), presence_until=NOW + MINUTE)
        assert decide(consent, [WEIGHT], READ, now=NOW).to_open == ()

    def test_it_opens_an_item_whose_windows_are_all_taken(self) -> None:
        consent = facts(item(usage=used(Unit.DAY, 1)), presence_until=NOW + MINUTE)
        assert code_of(consent) == "served"

    def test_it_ends(self) -> None:
        assert code_of(facts(item(periodicity=ON_DEMAND), presence_until=NOW)) == "consent-frequency-exceeded"

    def test_an_item_on_demand_has_no_other_window_and_no_time_to_wait_for(self) -> None:
        with pytest.raises(TooManyRequests) as refusal:
            decide(facts(item(periodicity=ON_DEMAND)), [WEIGHT], READ, now=NOW)
        assert (refusal.value.code, refusal.value.retry_at) == ("consent-frequency-exceeded", None)


def test_a_continuous_item_is_always_open() -> None:
    assert decide(facts(item(periodicity=CONTINUOUS)), [WEIGHT], READ, now=NOW).to_open == ()
