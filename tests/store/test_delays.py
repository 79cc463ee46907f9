"""The clock of delays: whose turn it is, and that it stops while the publisher must answer."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.rules.delays import ACTORS, Phase, Step, days_left, find_turn, list_intervals
from store.workflow import ReservationVerb, Role, SubmissionVerb

START = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
V, R = SubmissionVerb, ReservationVerb
ONE, TWO = UUID(int=1), UUID(int=2)
DELAYS = {phase: 30 for phase in Phase}


def steps(*acts: tuple[float, str] | tuple[float, str, UUID]) -> list[Step]:
    """Acts at so many days from the start."""
    return [Step(START + timedelta(days=act[0]), act[1], *act[2:]) for act in acts]


@pytest.mark.parametrize(
    ("acts", "phase", "role"),
    [
        ([(0, V.SUBMIT)], Phase.ADMISSIBILITY, Role.REVIEWER),
        ([(0, V.SUBMIT), (1, V.DECLARE_ADMISSIBLE)], Phase.EVALUATION, Role.REVIEWER),
        ([(0, V.SUBMIT), (1, V.TAKE_IN_CHARGE)], Phase.ADMISSIBILITY, Role.REVIEWER),
        ([(0, V.REQUEST_COMPLEMENTS)], Phase.COMPLEMENTS, Role.PUBLISHER),
        ([(0, V.PROPOSE_OPINION)], Phase.COMMISSION, Role.COMMISSION),
        ([(0, V.PROPOSE_OPINION), (1, V.RESUME_EVALUATION)], Phase.EVALUATION, Role.REVIEWER),
        ([(0, V.GIVE_OPINION)], Phase.DECISION, Role.DECIDER),
        ([(0, R.EXPRESS, ONE), (0, V.GIVE_OPINION)], Phase.RESERVATIONS, Role.PUBLISHER),
        ([(0, R.EXPRESS, ONE), (0, V.GIVE_OPINION), (1, R.CLAIM, ONE)], Phase.RESERVATION_REVIEW, Role.REVIEWER),
        ([(0, V.ACCEPT)], Phase.CONVENTION, Role.PUBLISHER),
        ([(0, V.ACCEPT), (1, V.SIGN_CONVENTION)], Phase.COUNTERSIGNATURE, Role.DECIDER),
        ([(0, V.START_INTEROP_TESTS)], Phase.INTEROP, Role.PUBLISHER),
        ([(0, V.PASS_INTEROP_TESTS)], Phase.LISTING, Role.DECIDER),
    ],
)
def test_each_step_says_whose_turn_it_is(acts: list, phase: Phase, role: Role) -> None:
    turn = find_turn(steps(*acts))
    assert turn is not None
    assert (turn.phase, turn.waiting_on, ACTORS[phase]) == (phase, role, role)


@pytest.mark.parametrize("verb", [V.DECLARE_INADMISSIBLE, V.REFUSE, V.PUBLISH, V.ABANDON, V.ARCHIVE])
def test_what_is_over_waits_for_nobody(verb: SubmissionVerb) -> None:
    assert find_turn(steps((0, V.SUBMIT), (3, verb))) is None


def test_a_draft_waits_for_nobody() -> None:
    assert find_turn([]) is None


def test_the_publisher_acts_as_long_as_one_of_two_reservations_is_owed() -> None:
    history = [(0, R.EXPRESS, ONE), (0, R.EXPRESS, TWO), (0, V.GIVE_OPINION)]
    told = [
        (1, R.CLAIM, ONE),
        (2, R.CLAIM, TWO),
        (3, R.DECLINE, ONE),
        (4, R.LIFT, TWO),
        (5, R.CLAIM, ONE),
        (6, R.LIFT, ONE),
    ]
    phases = []
    for act in told:
        history.append(act)
        turn = find_turn(steps(*history))
        assert turn is not None
        phases.append(turn.phase)
    owed, seen = Phase.RESERVATIONS, Phase.RESERVATION_REVIEW
    assert phases == [owed, seen, owed, owed, seen, Phase.DECISION]


def test_the_evaluation_has_the_same_days_whatever_the_publisher_takes_to_answer() -> None:
    turn = find_turn(
        steps(
            (0, V.SUBMIT),
            (2, V.DECLARE_ADMISSIBLE),
            (12, V.REQUEST_COMPLEMENTS),
            (52, V.ANSWER_COMPLEMENTS),
            (57, V.REQUEST_COMPLEMENTS),
            (60, V.ANSWER_COMPLEMENTS),
        ),
        DELAYS,
    )
    assert turn is not None
    assert turn.due_at == START + timedelta(days=60 + 30 - 10 - 5)


def test_the_publisher_has_the_whole_delay_at_each_round() -> None:
    turn = find_turn(steps((0, V.REQUEST_COMPLEMENTS), (29, V.ANSWER_COMPLEMENTS), (31, V.REQUEST_COMPLEMENTS)), DELAYS)
    assert turn is not None
    assert (turn.waiting_on, turn.due_at) == (Role.PUBLISHER, START + timedelta(days=61))


ROUNDS = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 50_000)), min_size=1, max_size=6)


@given(rounds=ROUNDS)
def test_property_the_clock_of_the_authority_runs_only_in_its_own_turns(rounds: list[tuple[int, int]]) -> None:
    at, spent, history = START, timedelta(), [Step(START, V.DECLARE_ADMISSIBLE)]
    for worked, waited in rounds:
        at, spent = at + timedelta(minutes=worked), spent + timedelta(minutes=worked)
        history.append(Step(at, V.REQUEST_COMPLEMENTS))
        at += timedelta(minutes=waited)
        history.append(Step(at, V.ANSWER_COMPLEMENTS))
    turn = find_turn(history, DELAYS)
    assert turn is not None
    assert (turn.phase, turn.since) == (Phase.EVALUATION, at)
    assert turn.due_at - at == timedelta(days=30) - spent


VERBS = st.sampled_from([*SubmissionVerb])


@given(acts=st.lists(st.tuples(VERBS, st.integers(1, 10_000)), max_size=20))
def test_property_intervals_follow_each_other_without_overlap_and_change_phase(acts: list) -> None:
    at, history = START, []
    for verb, minutes in acts:
        at += timedelta(minutes=minutes)
        history.append(Step(at, verb))
    found = list_intervals(history)
    assert [interval.end is None for interval in found[:-1]] == [False] * (len(found) - 1 if found else 0)
    for before, after in zip(found, found[1:], strict=False):
        assert before.end is not None
        assert before.start <= before.end <= after.start
        assert before.end < after.start or before.phase is not after.phase


@pytest.mark.parametrize(
    ("due", "now", "expected"),
    [
        ("2026-05-10T12:00+00:00", "2026-05-10T23:00+02:00", 0),
        ("2026-05-10T22:30+00:00", "2026-05-10T21:00+00:00", 1),
        ("2026-05-10T12:00+00:00", "2026-05-12T06:00+00:00", -2),
        ("2026-10-26T01:00+00:00", "2026-10-24T22:30+00:00", 1),
    ],
)
def test_days_are_counted_in_paris(due: str, now: str, expected: int) -> None:
    assert days_left(datetime.fromisoformat(due), datetime.fromisoformat(now)) == expected
