"""What reviewers and deciders do with a submitted dossier. Who evaluates does not decide."""

from uuid import UUID

import sqlalchemy as sa

from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Conflict, NotFound, VersionMismatch
from store import workflow
from store.errors import FourEyes, RoleRequired, TransitionRefused
from store.models.applications import Application
from store.models.history import StoreEvent
from store.models.submissions import Submission, Verdict
from store.rules import grid
from store.rules.grid import Verdict as VerdictValue
from store.service.transitions import check_other_organisation, locked, move, person
from store.workflow import Role, SubmissionState, Verb


def take_in_charge(*, submission_id: UUID, by: Actor) -> None:
    """Become the evaluator of a submitted dossier."""
    submission = _lock_for_review(submission_id, by=by)
    move(submission, Verb.TAKE_IN_CHARGE, by=by)
    submission.evaluator_id, submission.evaluator_name = by.id, by.name


def record_verdict(
    *, submission_id: UUID, criterion: str, verdict: VerdictValue, comment: str, version: int, by: Actor
) -> None:
    """Say what was found on one criterion. A new finding cancels the proposal made before it.

    `version` is that of the verdict read (0 for none). Raises `VersionMismatch` when another reviewer wrote since,
    `Invalid` when the verdict needs a comment or cannot be given on this criterion.
    """
    submission = _lock_for_review(submission_id, by=by)
    if not by.has_role(Role.REVIEWER):
        raise RoleRequired("Only reviewers give verdicts.")
    if submission.state != SubmissionState.IN_EVALUATION:
        raise TransitionRefused("record_verdict", submission.state)
    grid.check_verdict(grid.load(submission.grid_version).get(criterion), verdict, comment)
    row = db.session.get(Verdict, (submission_id, criterion))
    if version != (row.version if row else 0):
        raise VersionMismatch("Another reviewer wrote a verdict on this criterion.")
    row = row or Verdict(submission_id=submission_id, criterion=criterion)
    row.verdict, row.comment, row.reviewed_at = verdict, comment.strip(), clock.now()
    row.reviewer_id, row.reviewer_name = person(by), by.name
    db.session.add(row)
    submission.proposal = None
    audit.record("store:verdict:write", by=by, object_type="submission", object_id=submission_id, criterion=criterion)


def request_complements(*, submission_id: UUID, motive: str, by: Actor) -> None:
    """Give the dossier back to its publisher, who may edit it again, and say what is missing."""
    submission = _lock_for_review(submission_id, by=by)
    move(submission, Verb.REQUEST_COMPLEMENTS, by=by, motive=motive)
    submission.proposal = None


def propose(*, submission_id: UUID, favourable: bool, motive: str, by: Actor) -> None:
    """Conclude the evaluation for the decider. Raises `CriteriaNotMet` for a favourable one that the grid denies."""
    submission = _lock_for_review(submission_id, by=by)
    if favourable:
        _check_grid(submission)
    verb = Verb.PROPOSE_ACCEPTANCE if favourable else Verb.PROPOSE_REFUSAL
    move(submission, verb, by=by, motive=motive)
    submission.proposal = verb


def accept(*, submission_id: UUID, motive: str, by: Actor) -> None:
    """Decide in favour of a dossier. Raises `FourEyes`, `CriteriaNotMet`, `Conflict` (`proposal-missing`)."""
    submission = _lock_for_decision(submission_id, by=by)
    if submission.state == SubmissionState.IN_EVALUATION:
        _check_grid(submission)
    move(submission, Verb.ACCEPT, by=by, motive=motive)


def refuse(*, submission_id: UUID, motive: str, by: Actor) -> None:
    """Decide against a dossier. A live listing is untouched. Raises `FourEyes`, `Conflict` (`proposal-missing`)."""
    submission = _lock_for_decision(submission_id, by=by)
    move(submission, Verb.REFUSE, by=by, motive=motive)


def _lock_for_review(submission_id: UUID, *, by: Actor) -> Submission:
    submission = db.session.scalar(locked(sa.select(Submission).where(Submission.id == submission_id)))
    if submission is None or submission.state == SubmissionState.DRAFT:
        raise NotFound("This dossier does not exist.")
    application = db.session.get_one(Application, submission.application_id)
    check_other_organisation(application.organisation_id, by)
    return submission


def _lock_for_decision(submission_id: UUID, *, by: Actor) -> Submission:
    submission = _lock_for_review(submission_id, by=by)
    _check_four_eyes(submission, by)
    if submission.state == SubmissionState.IN_EVALUATION and submission.proposal is None:
        raise Conflict("The evaluation is not concluded.", code="proposal-missing")
    return submission


def _check_four_eyes(submission: Submission, by: Actor) -> None:
    wrote = sa.select(Verdict.criterion).where(Verdict.submission_id == submission.id, Verdict.reviewer_id == by.id)
    acted = sa.select(StoreEvent.id).where(
        StoreEvent.submission_id == submission.id,
        StoreEvent.actor_id == by.id,
        StoreEvent.verb.in_([verb for verb, t in workflow.TRANSITIONS.items() if t.role is Role.REVIEWER]),
    )
    if db.session.scalar(sa.select(sa.or_(wrote.exists(), acted.exists()))):
        raise FourEyes("Who evaluated a file does not decide on it.")


def _check_grid(submission: Submission) -> None:
    verdicts = db.session.execute(
        sa.select(Verdict.criterion, Verdict.verdict).where(Verdict.submission_id == submission.id)
    )
    grid.check_met(grid.load(submission.grid_version), {key: VerdictValue(value) for key, value in verdicts})
