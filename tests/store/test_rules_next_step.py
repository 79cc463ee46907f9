"""What a publisher has to do next, from where the application stands."""

from datetime import date

import pytest

from store.rules.next_step import ACTS, NextStep, Standing, next_step
from store.workflow import ListingState, Role, SubmissionState

TODAY = date(2026, 5, 22)
SOON, LATER, PAST = date(2026, 7, 1), date(2028, 1, 1), date(2026, 5, 1)


@pytest.mark.parametrize(
    ("state", "waiting_on", "expected"),
    [
        ("draft", None, "complete_dossier"),
        ("complements_requested", "publisher", "answer_complements"),
        ("submitted", "reviewer", "wait_admissibility"),
        ("admissible", "reviewer", "wait_evaluation"),
        ("in_evaluation", "reviewer", "wait_evaluation"),
        ("in_evaluation", "commission", "wait_evaluation"),
        ("opinion_given", "publisher", "lift_reservations"),
        ("opinion_given", "decider", "wait_decision"),
        ("accepted", "publisher", "sign_convention"),
        ("accepted", "decider", "wait_countersignature"),
        ("convention_signed", "publisher", "pass_tests"),
        ("interop_tests", "publisher", "pass_tests"),
        ("interop_tests", "decider", "wait_listing"),
    ],
)
@pytest.mark.parametrize("listing", [None, ListingState.LISTED])
def test_an_open_dossier_comes_before_its_listing(
    state: str, waiting_on: str | None, expected: str, listing: ListingState | None
) -> None:
    role = Role(waiting_on) if waiting_on else None
    standing = Standing(SubmissionState(state), role, listing, LATER if listing else None)
    assert next_step(standing, TODAY) is NextStep(expected)


@pytest.mark.parametrize("state", ["listed", "refused", "abandoned", "inadmissible"])
@pytest.mark.parametrize(
    ("listing", "expires_on", "expected"),
    [
        (None, None, "submit_again"),
        ("listed", LATER, "nothing"),
        ("listed", SOON, "renew"),
        ("suspended", LATER, "read_suspension"),
        ("withdrawn", LATER, "nothing"),
        ("expired", PAST, "renew"),
    ],
)
def test_a_closed_dossier_leaves_what_its_listing_calls_for(
    state: str, listing: str | None, expires_on: date | None, expected: str
) -> None:
    kept = ListingState(listing) if listing else None
    assert next_step(Standing(SubmissionState(state), None, kept, expires_on), TODAY) is NextStep(expected)


def test_a_step_either_asks_the_publisher_to_act_or_lets_them_wait() -> None:
    assert all((step in ACTS) != (step.value.startswith("wait") or step is NextStep.NOTHING) for step in NextStep)
