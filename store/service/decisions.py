"""The authority's decision on a submission, once the commission gave its opinion."""

from uuid import UUID

import sqlalchemy as sa

from platform_core.access import SYSTEM, Actor
from platform_core.database import db
from store.errors import TransitionRefused
from store.models.commission import Reservation
from store.models.submissions import Submission
from store.rules import commission
from store.service import conventions, reservations
from store.service.independence import check_four_eyes
from store.service.transitions import check_role, lock_for_review, move
from store.workflow import Opinion, ReservationState, Role, SubmissionState, SubmissionVerb


def accept(*, submission_id: UUID, motive: str, against_opinion: bool = False, by: Actor) -> None:
    """Decide in favour of a dossier. An amendment keeps the convention that is still current.

    Raises `FourEyes`, `AgainstOpinion` when the opinion is unfavourable and `against_opinion` does not say that this is
    known (or the reverse), `Conflict` (`reservations-open`).
    """
    submission = _lock_for_decision(submission_id, accepts=True, against_opinion=against_opinion, by=by)
    move(submission, SubmissionVerb.ACCEPT, by=by, motive=motive, against_opinion=against_opinion)
    conventions.carry_over(submission, by=SYSTEM)


def refuse(*, submission_id: UUID, motive: str, against_opinion: bool = False, by: Actor) -> None:
    """Decide against a dossier; a live listing is untouched. Raises `FourEyes`, `AgainstOpinion`."""
    submission = _lock_for_decision(submission_id, accepts=False, against_opinion=against_opinion, by=by)
    move(submission, SubmissionVerb.REFUSE, by=by, motive=motive, against_opinion=against_opinion)
    reservations.lapse(submission_id, by=SYSTEM)


def _lock_for_decision(submission_id: UUID, *, accepts: bool, against_opinion: bool, by: Actor) -> Submission:
    submission = lock_for_review(submission_id, by=by)
    check_role(by, Role.DECIDER)
    check_four_eyes(submission, by)
    if submission.state != SubmissionState.OPINION_GIVEN or not submission.opinion:
        raise TransitionRefused(SubmissionVerb.ACCEPT if accepts else SubmissionVerb.REFUSE, submission.state)
    left = sa.select(sa.func.count()).where(
        Reservation.submission_id == submission_id,
        Reservation.suspensive.is_(True),
        Reservation.state == ReservationState.OPEN,
    )
    commission.check_decision(
        Opinion(submission.opinion),
        accepts=accepts,
        against_opinion=against_opinion,
        suspensive_open=db.session.scalar(left) or 0,
    )
    return submission
