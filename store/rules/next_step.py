"""What the publisher of an application has to do next, or waits for, from the states. Pure."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from store.rules.procedure import renewable_from
from store.workflow import ListingState, Role, SubmissionState

_S = SubmissionState


class NextStep(StrEnum):
    """The publisher must act (the first ones), waits for the authority, or has nothing to do."""

    COMPLETE_DOSSIER = "complete_dossier"
    ANSWER_COMPLEMENTS = "answer_complements"
    LIFT_RESERVATIONS = "lift_reservations"
    SIGN_CONVENTION = "sign_convention"
    PASS_TESTS = "pass_tests"  # noqa: S105 - a step
    RENEW = "renew"
    SUBMIT_AGAIN = "submit_again"
    READ_SUSPENSION = "read_suspension"
    WAIT_ADMISSIBILITY = "wait_admissibility"
    WAIT_EVALUATION = "wait_evaluation"
    WAIT_DECISION = "wait_decision"
    WAIT_COUNTERSIGNATURE = "wait_countersignature"
    WAIT_LISTING = "wait_listing"
    NOTHING = "nothing"


ACTS = frozenset(
    {
        NextStep.COMPLETE_DOSSIER,
        NextStep.ANSWER_COMPLEMENTS,
        NextStep.LIFT_RESERVATIONS,
        NextStep.SIGN_CONVENTION,
        NextStep.PASS_TESTS,
        NextStep.RENEW,
        NextStep.SUBMIT_AGAIN,
        NextStep.READ_SUSPENSION,
    }
)
_ALWAYS = {
    _S.DRAFT: NextStep.COMPLETE_DOSSIER,
    _S.COMPLEMENTS_REQUESTED: NextStep.ANSWER_COMPLEMENTS,
    _S.SUBMITTED: NextStep.WAIT_ADMISSIBILITY,
    _S.ADMISSIBLE: NextStep.WAIT_EVALUATION,
    _S.IN_EVALUATION: NextStep.WAIT_EVALUATION,
}
_BY_TURN = {
    _S.OPINION_GIVEN: (NextStep.LIFT_RESERVATIONS, NextStep.WAIT_DECISION),
    _S.ACCEPTED: (NextStep.SIGN_CONVENTION, NextStep.WAIT_COUNTERSIGNATURE),
    _S.CONVENTION_SIGNED: (NextStep.PASS_TESTS, NextStep.WAIT_LISTING),
    _S.INTEROP_TESTS: (NextStep.PASS_TESTS, NextStep.WAIT_LISTING),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an application stands: its present submission, whose turn it is, its listing."""

    state: SubmissionState
    waiting_on: Role | None
    listing: ListingState | None
    expires_on: date | None


def next_step(standing: Standing, today: date) -> NextStep:
    """The next step of the procedure while a dossier is open, else what the listing calls for."""
    if standing.state in _ALWAYS:
        return _ALWAYS[standing.state]
    if standing.state in _BY_TURN:
        own, theirs = _BY_TURN[standing.state]
        return own if standing.waiting_on is Role.PUBLISHER else theirs
    return _of_listing(standing, today)


def _of_listing(standing: Standing, today: date) -> NextStep:
    if standing.listing is None:
        return NextStep.SUBMIT_AGAIN
    if standing.listing is ListingState.WITHDRAWN:
        return NextStep.NOTHING
    if standing.listing is ListingState.SUSPENDED:
        return NextStep.READ_SUSPENSION
    due = standing.listing is ListingState.EXPIRED or standing.expires_on is None
    return NextStep.RENEW if due or today >= renewable_from(standing.expires_on or today) else NextStep.NOTHING
