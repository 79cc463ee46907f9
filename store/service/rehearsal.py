"""A submitted dossier taken through the whole procedure by the real use cases, for demonstrations and tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from platform_core import clock
from platform_core.access import Actor
from store.queries.agreements import list_checks
from store.queries.submissions import get_submission
from store.queries.verdicts import list_verdicts
from store.rules import convention, grid
from store.rules.commission import Ballot
from store.rules.grid import Verdict
from store.service import commission, conventions, decisions, interop, listings, reviews
from store.workflow import Opinion, SubmissionState

_S = SubmissionState
COURSE = (_S.SUBMITTED, _S.ADMISSIBLE, _S.IN_EVALUATION, _S.OPINION_GIVEN, _S.ACCEPTED, _S.INTEROP_TESTS, _S.LISTED)


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays: the publisher, the reviewer, the member of the commission and the decider."""

    publisher: Actor
    reviewer: Actor
    member: Actor
    decider: Actor


def advance(*, submission_id: UUID, to: SubmissionState, cast: Cast) -> None:
    """Bring a submission to a state of `COURSE` further on, every criterion conforming and every test shown."""
    while (state := get_submission(submission_id).state) != to:
        _STEPS[state](submission_id, cast)


def find_all_conforming(*, submission_id: UUID, by: Actor) -> None:
    """Give a conforming verdict on every criterion that concerns the dossier."""
    file, found = get_submission(submission_id), list_verdicts(submission_id)
    criteria = grid.load(file.grid_version).applicable(file.dossier.get("orientation", {}))
    findings = [
        reviews.Finding(one.id, Verdict.CONFORMING, version=found[one.id].version if one.id in found else 0)
        for one in criteria
    ]
    reviews.record_verdicts(submission_id=submission_id, findings=findings, by=by)


def _admit(submission_id: UUID, cast: Cast) -> None:
    reviews.take_in_charge(submission_id=submission_id, by=cast.reviewer)
    reviews.declare_admissible(submission_id=submission_id, by=cast.reviewer)


def _start(submission_id: UUID, cast: Cast) -> None:
    reviews.start_evaluation(submission_id=submission_id, by=cast.reviewer)


def conclude(submission_id: UUID, cast: Cast) -> None:
    """End the evaluation: every criterion conforming, a favourable opinion proposed."""
    find_all_conforming(submission_id=submission_id, by=cast.reviewer)
    motive = "Tous les critères sont conformes."
    reviews.propose(submission_id=submission_id, opinion=Opinion.FAVOURABLE, motive=motive, by=cast.reviewer)


def hold_session(submission_id: UUID, cast: Cast, ballot: Ballot = Ballot.FAVOURABLE) -> UUID:
    """A session on this one submission, in which the member votes; the item, whose opinion is not recorded yet."""
    starts_at = clock.now() + timedelta(minutes=1)
    session_id = commission.plan_session(starts_at=starts_at, place="Salle des séances", by=cast.reviewer)
    item_id = commission.add_to_agenda(session_id=session_id, submission_id=submission_id, by=cast.reviewer)
    commission.open_session(session_id=session_id, by=cast.member)
    commission.declare_interests(item_id=item_id, links="", by=cast.member)
    commission.vote(item_id=item_id, ballot=ballot, by=cast.member)
    return item_id


def _advise(submission_id: UUID, cast: Cast) -> None:
    if get_submission(submission_id).proposal is None:
        conclude(submission_id, cast)
    item_id = hold_session(submission_id, cast)
    commission.give_opinion(item_id=item_id, motive="La commission suit l’évaluation.", by=cast.member)


def _accept(submission_id: UUID, cast: Cast) -> None:
    decisions.accept(submission_id=submission_id, motive="Le dossier répond à la grille de critères.", by=cast.decider)


def sign(submission_id: UUID, cast: Cast) -> None:
    """Sign the present convention for the publisher."""
    text = convention.present()
    quality = "Représentant légal"
    conventions.sign(submission_id=submission_id, quality=quality, text_hash=text.hash, by=cast.publisher)


def _agree(submission_id: UUID, cast: Cast) -> None:
    sign(submission_id, cast)
    conventions.countersign(submission_id=submission_id, by=cast.decider)


def show_behaviours(submission_id: UUID) -> None:
    """Have the application seen doing all that its tests ask."""
    application_id = get_submission(submission_id).application_id
    for check in list_checks(submission_id):
        interop.observe(application_id=application_id, behaviour=check.behaviour)


def _list(submission_id: UUID, cast: Cast) -> None:
    show_behaviours(submission_id)
    listings.list_application(application_id=get_submission(submission_id).application_id, by=cast.decider)


_STEPS: Mapping[SubmissionState, Callable[[UUID, Cast], None]] = {
    _S.SUBMITTED: _admit,
    _S.ADMISSIBLE: _start,
    _S.IN_EVALUATION: _advise,
    _S.OPINION_GIVEN: _accept,
    _S.ACCEPTED: _agree,
    _S.INTEROP_TESTS: _list,
}
