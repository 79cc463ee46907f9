"""From the fields of the screen to items: what is chosen for all, what is set on one, never wider than asked."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.rules import answers as rules
from consent.rules.answers import Answers
from consent.rules.choices import check_narrowed, frequencies
from platform_core.access import ALWAYS, DatePeriod
from platform_core.errors import Invalid
from platform_core.permission import CONTINUOUS, MOST_PER_UNIT, ON_DEMAND, ONCE, Periodicity, PermissionItem, Unit
from tests.consent.builders import DAILY, PRESSURE, READ, WEIGHT, WRITE, permission, since

TODAY = date(2026, 11, 21)
UNTIL = date(2027, 5, 21)
WEEKLY = Periodicity.recurring(1, Unit.WEEK)
BOTH = frozenset({f"{WEIGHT}:read", f"{PRESSURE}:read"})

recurring = st.sampled_from(Unit).flatmap(
    lambda unit: st.builds(Periodicity.recurring, st.integers(1, MOST_PER_UNIT[unit]), st.just(unit))
)
periodicities = st.sampled_from([ONCE, ON_DEMAND, CONTINUOUS]) | recurring
periods = st.just(ALWAYS) | st.builds(DatePeriod, st.dates(date(2020, 1, 1), date(2027, 6, 1)))
items = st.builds(
    PermissionItem, st.sampled_from([WEIGHT, PRESSURE]), st.sampled_from([READ, WRITE]), periods, periodicities
)
requests = st.lists(items, min_size=1, max_size=4, unique_by=lambda item: (item.category, item.access))


def chosen(answers: Answers, *asked: PermissionItem) -> list[Periodicity]:
    return [item.periodicity for item in rules.to_items(answers, asked, TODAY)]


def test_only_what_is_ticked_is_kept() -> None:
    asked = permission(WEIGHT), permission(PRESSURE)
    assert rules.to_items(Answers(ticked=frozenset({f"{WEIGHT}:read"})), asked, TODAY) == asked[:1]
    assert rules.to_items(Answers(), asked, TODAY) == ()


def test_a_frequency_chosen_for_all_bounds_each_item_and_widens_none() -> None:
    asked = permission(WEIGHT, periodicity=CONTINUOUS), permission(PRESSURE, periodicity=WEEKLY)
    assert chosen(Answers(BOTH, frequency="1-day"), *asked) == [DAILY, WEEKLY]
    assert chosen(Answers(BOTH, frequency="once"), *asked) == [ONCE, ONCE]


def test_a_frequency_set_on_one_item_comes_before_the_one_for_all() -> None:
    asked = permission(WEIGHT, periodicity=CONTINUOUS), permission(PRESSURE, periodicity=CONTINUOUS)
    answers = Answers(BOTH, frequency="1-month", frequencies={f"{WEIGHT}:read": "1-day"})
    assert chosen(answers, *asked) == [DAILY, Periodicity.recurring(1, Unit.MONTH)]


def test_a_choice_that_cannot_be_compared_with_what_was_asked_gives_the_most_that_both_allow() -> None:
    four_a_week = permission(periodicity=Periodicity.recurring(4, Unit.WEEK))
    assert chosen(Answers(BOTH, frequency="1-day"), four_a_week) == [WEEKLY]


@pytest.mark.parametrize(
    ("history", "start"), [("today", TODAY), ("year", date(2025, 11, 21)), ("asked", date(2020, 1, 1))]
)
def test_the_history_is_shortened_as_chosen(history: str, start: date) -> None:
    (item,) = rules.to_items(Answers(BOTH, history=history), [permission(data=since(2020, 1, 1))], TODAY)
    assert item.data == DatePeriod(start)


@pytest.mark.parametrize(
    "answers",
    [
        Answers(BOTH, frequency="often"),
        Answers(BOTH, frequency="0-day"),
        Answers(BOTH, frequency="5-hour"),
        Answers(BOTH, frequencies={f"{WEIGHT}:read": "1-century"}),
        Answers(BOTH, history="ever"),
    ],
)
def test_a_value_that_was_not_offered_is_refused(answers: Answers) -> None:
    with pytest.raises(Invalid):
        rules.to_items(answers, [permission(WEIGHT)], TODAY)


@pytest.mark.parametrize("until", ["tomorrow", "2027-13-01"])
def test_an_end_that_is_no_day_is_refused(until: str) -> None:
    with pytest.raises(Invalid):
        rules.to_last_day(Answers(until=until), UNTIL)


@given(requests, periodicities, st.sampled_from(["today", "year", "asked"]))
def test_no_answer_is_ever_wider_than_what_was_asked(
    asked: list[PermissionItem], frequency: Periodicity, history: str
) -> None:
    answers = Answers(frozenset(map(rules.item_value, asked)), rules.frequency_value(frequency), history=history)
    check_narrowed(rules.to_items(answers, asked, TODAY), asked)


@given(requests, st.data())
def test_going_back_to_the_screen_gives_the_same_choice_again(asked: list[PermissionItem], data: st.DataObject) -> None:
    answers = Answers(
        ticked=frozenset(map(rules.item_value, asked)),
        frequencies={
            rules.item_value(i): rules.frequency_value(data.draw(st.sampled_from(frequencies(i.periodicity))))
            for i in asked
        },
        history=data.draw(st.sampled_from(rules.offered_histories(asked, TODAY))),
    )
    first = rules.to_items(answers, asked, TODAY)
    again = rules.from_items(first, UNTIL, asked, TODAY)
    assert rules.to_items(again, asked, TODAY) == first
    assert rules.to_last_day(again, UNTIL) == UNTIL


@given(requests, requests)
def test_the_screen_of_an_amendment_gives_back_no_more_than_what_is_in_force(
    present: list[PermissionItem], asked: list[PermissionItem]
) -> None:
    answers = rules.from_present(present, asked, UNTIL, TODAY)
    own = rules.by_value(present)
    assert answers.ticked <= own.keys(), "nothing new is ticked"
    for item in rules.to_items(answers, asked, TODAY, present):
        held = own[rules.item_value(item)]
        assert item.data.overlap(held.data) == item.data
        assert item.periodicity.within(held.periodicity)
        check_narrowed([item], asked)


def test_dates_in_force_are_kept_and_what_is_new_begins_with_the_narrowest() -> None:
    present = [permission(WEIGHT, data=since(2026, 3, 1))]
    asked = [permission(WEIGHT, data=since(2020, 1, 1), periodicity=CONTINUOUS), permission(PRESSURE)]
    answers = rules.from_present(present, asked, UNTIL, TODAY)
    assert rules.to_items(answers, asked, TODAY, present) == (present[0],)
    both = replace(answers, ticked=BOTH)
    weight, pressure = rules.to_items(both, asked, TODAY, present)
    assert (weight, pressure.data) == (present[0], DatePeriod(TODAY))
    again = rules.from_items([weight, pressure], UNTIL, asked, TODAY, present)
    assert rules.to_items(again, asked, TODAY, present) == (weight, pressure)


def test_history_may_be_set_on_one_item_alone() -> None:
    asked = permission(WEIGHT, data=since(2020, 1, 1)), permission(PRESSURE, data=since(2020, 1, 1))
    answers = Answers(BOTH, history="today", histories={f"{WEIGHT}:read": "year"})
    assert [item.data.start for item in rules.to_items(answers, asked, TODAY)] == [date(2025, 11, 21), TODAY]


def test_dates_wholly_past_are_never_widened_by_a_choice_that_leaves_nothing_of_them() -> None:
    asked = permission(data=DatePeriod(date(2020, 1, 1), date(2024, 12, 31)))
    (item,) = rules.to_items(Answers(BOTH, history="today"), [asked], TODAY)
    assert item.data == DatePeriod(date(2024, 12, 31), date(2024, 12, 31))
