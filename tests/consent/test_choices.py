"""What a patient may choose: never wider than what was asked, the widest never first."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.rules import choices
from platform_core.access import ALWAYS, DatePeriod
from platform_core.errors import Invalid
from platform_core.permission import (
    CONTINUOUS,
    MOST_PER_UNIT,
    ON_DEMAND,
    ONCE,
    Ceiling,
    CeilingItem,
    Periodicity,
    PermissionItem,
    Purpose,
    Unit,
)
from tests.consent.builders import DAILY, PRESSURE, READ, WEIGHT, WRITE, permission, since

TODAY = date(2026, 11, 21)
recurring = st.sampled_from(Unit).flatmap(
    lambda unit: st.builds(Periodicity.recurring, st.integers(1, MOST_PER_UNIT[unit]), st.just(unit))
)
periodicities = st.sampled_from([ONCE, ON_DEMAND, CONTINUOUS]) | recurring


@given(periodicities)
def test_every_frequency_offered_is_within_what_was_asked_and_offered_once(asked: Periodicity) -> None:
    offered = choices.frequencies(asked)
    assert all(one.within(asked) for one in offered)
    assert len(set(offered)) == len(offered)
    assert asked in offered
    assert choices.default_frequency(asked) in offered


def test_a_daily_rhythm_may_be_made_rarer() -> None:
    month, week = Periodicity.recurring(1, Unit.MONTH), Periodicity.recurring(1, Unit.WEEK)
    assert choices.frequencies(DAILY) == [ONCE, ON_DEMAND, month, week, DAILY]
    assert choices.default_frequency(DAILY) == month


@given(st.dates(date(2020, 1, 1), date(2027, 12, 31)))
def test_every_history_offered_is_within_what_was_asked_the_shortest_first(start: date) -> None:
    asked = DatePeriod(start)
    offered = choices.histories(asked, TODAY)
    assert all(asked.overlap(one) == one for one in offered)
    assert [one.start for one in offered] == sorted((one.start for one in offered), reverse=True)
    assert offered[-1] == asked


def test_an_open_history_may_be_shortened_to_twelve_months_or_to_today() -> None:
    assert choices.histories(ALWAYS, TODAY) == [since(2026, 11, 21), since(2025, 11, 21), ALWAYS]


def test_durations_go_up_to_what_was_asked_and_no_further() -> None:
    assert choices.durations(date(2027, 11, 21), TODAY) == [
        date(2026, 12, 21),
        date(2027, 2, 21),
        date(2027, 5, 21),
        date(2027, 11, 21),
    ]
    assert choices.durations(date(2026, 12, 1), TODAY) == [date(2026, 12, 1)]


def test_no_consent_is_longer_than_twelve_months_or_than_its_ceiling() -> None:
    purposes = frozenset({Purpose.PREVENTION})
    assert choices.longest(TODAY, Ceiling((), purposes, 366)) == date(2027, 11, 21)
    assert choices.longest(TODAY, Ceiling((), purposes, 30)) == date(2026, 12, 21)


def test_a_choice_may_drop_items_and_narrow_the_others() -> None:
    asked = [permission(WEIGHT, READ), permission(WEIGHT, WRITE)]
    choices.check_narrowed([permission(WEIGHT, READ, data=since(2026, 1, 1), periodicity=ONCE)], asked)


@pytest.mark.parametrize(
    "chosen",
    [
        permission(PRESSURE, READ),
        permission(WEIGHT, WRITE),
        permission(WEIGHT, READ, data=ALWAYS),
        permission(WEIGHT, READ, data=since(2025, 12, 31)),
        permission(WEIGHT, READ, data=since(2026, 1, 1), periodicity=CONTINUOUS),
        permission(WEIGHT, READ, data=since(2026, 1, 1), periodicity=Periodicity.recurring(2, Unit.DAY)),
    ],
)
def test_a_choice_is_never_wider_than_what_was_asked(chosen: object) -> None:
    asked = [permission(WEIGHT, READ, data=since(2026, 1, 1))]
    with pytest.raises(Invalid) as refusal:
        choices.check_narrowed([chosen], asked)  # type: ignore[list-item]
    assert refusal.value.code == "wider-than-asked"


def test_nothing_ticked_and_the_same_item_twice_are_refused() -> None:
    asked = [permission()]
    with pytest.raises(Invalid) as refusal:
        choices.check_narrowed([], asked)
    assert refusal.value.code == "nothing-chosen"
    with pytest.raises(Invalid):
        choices.check_narrowed([permission(), permission()], asked)


@pytest.mark.parametrize(
    ("asked", "within"),
    [
        (permission(data=since(2026, 10, 22)), True),
        (permission(data=since(2026, 10, 21)), False),
        (permission(data=ALWAYS), False),
        (permission(data=since(2026, 11, 1), periodicity=CONTINUOUS), False),
        (permission(PRESSURE, data=since(2026, 11, 1)), False),
    ],
)
def test_a_request_stays_within_the_ceiling_of_the_app(asked: object, within: bool) -> None:
    ceiling = Ceiling((CeilingItem(WEIGHT, READ, DAILY, history_days=30),), frozenset({Purpose.PREVENTION}))
    if within:
        choices.check_within_ceiling([asked], ceiling, TODAY)  # type: ignore[list-item]
        return
    with pytest.raises(Invalid) as refusal:
        choices.check_within_ceiling([asked], ceiling, TODAY)  # type: ignore[list-item]
    assert refusal.value.code == "beyond-ceiling"
    assert [fault.where for fault in refusal.value.faults] == [f"{asked.category}.read"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (permission(data=since(2026, 1, 1)), choices.Mark.SAME),
        (permission(data=since(2025, 12, 31)), choices.Mark.WIDER),
        (permission(data=since(2026, 1, 1), periodicity=CONTINUOUS), choices.Mark.WIDER),
        (permission(data=since(2026, 2, 1)), choices.Mark.NARROWER),
        (permission(data=since(2026, 1, 1), periodicity=ONCE), choices.Mark.NARROWER),
        (permission(data=since(2025, 1, 1), periodicity=ONCE), choices.Mark.WIDER),
    ],
)
def test_what_an_app_asks_is_marked_against_what_is_in_force(asked: PermissionItem, expected: choices.Mark) -> None:
    assert choices.mark(asked, permission(data=since(2026, 1, 1))) is expected
    assert choices.mark(asked, None) is choices.Mark.NEW


@given(periodicities, periodicities)
def test_the_frequency_in_force_is_offered_and_widens_nothing(asked: Periodicity, present: Periodicity) -> None:
    offered = choices.frequencies(asked, present)
    assert choices.at_most(present, asked) in offered
    assert all(one.within(asked) for one in offered) and len(set(offered)) == len(offered)


@pytest.mark.parametrize(
    ("ends_on", "asked_until", "renews", "shown"),
    [
        (date(2026, 12, 21), date(2027, 5, 21), True, date(2027, 2, 21)),
        (date(2026, 12, 22), date(2027, 5, 21), False, date(2026, 12, 22)),
        (date(2026, 12, 1), date(2026, 12, 1), False, date(2026, 12, 1)),
        (date(2027, 5, 21), date(2027, 1, 1), False, date(2027, 1, 1)),
    ],
)
def test_thirty_days_before_its_end_a_consent_is_renewed_for_the_nearest_end_after(
    ends_on: date, asked_until: date, renews: bool, shown: date
) -> None:
    assert choices.is_renewal(ends_on, asked_until, TODAY) is renews
    assert choices.present_end(ends_on, asked_until, TODAY) == shown


def test_all_that_an_app_may_ask_keeps_dates_in_force_that_go_further_back() -> None:
    ceiling = Ceiling(
        (CeilingItem(WEIGHT, READ, DAILY, history_days=30), CeilingItem(WEIGHT, WRITE, DAILY, history_days=30)),
        frozenset({Purpose.PREVENTION}),
    )
    for start in (date(2026, 1, 1), None):
        held = permission(WEIGHT, READ, data=DatePeriod(start))
        assert choices.widest(ceiling, [held], TODAY) == [held, permission(WEIGHT, WRITE)]
    assert choices.widest(ceiling, [], TODAY)[0] == permission(WEIGHT, READ, data=since(2026, 10, 22))


def test_a_lowered_ceiling_no_longer_allows_what_was_asked() -> None:
    ceiling = Ceiling((CeilingItem(WEIGHT, READ, DAILY),), frozenset({Purpose.PREVENTION}))
    assert choices.are_allowed([permission(WEIGHT, READ, periodicity=ONCE)], ceiling)
    assert not choices.are_allowed([permission(WEIGHT, READ, periodicity=CONTINUOUS)], ceiling)
    assert not choices.are_allowed([permission(WEIGHT, READ), permission(PRESSURE, READ)], ceiling)
