"""What reviewers do with a submitted dossier: charge, admissibility, verdicts, complements, proposed opinion."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from identity_core import queries as identity
from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Conflict, Invalid, NotFound, VersionMismatch
from store.errors import OwnOrganisation, TransitionRefused
from store.models.applications import Application
from store.models.reviews import Question
from store.models.submissions import Submission, Verdict
from store.rules import commission, dossier, grid
from store.rules.grid import Verdict as VerdictValue
from store.service.transitions import check_role, lock_for_review, move, person
from store.workflow import Opinion, QuestionState, Role, SubmissionState, SubmissionVerb


def take_in_charge(*, submission_id: UUID, by: Actor) -> None:
    """Become the evaluator of a dossier that has none. Raises `Conflict` (`already-assigned`)."""
    submission = lock_for_review(submission_id, by=by)
    if submission.evaluator_id and submission.evaluator_id != by.id:
        raise Conflict(f"{submission.evaluator_name} is in charge of this dossier.", code="already-assigned")
    move(submission, SubmissionVerb.TAKE_IN_CHARGE, by=by)
    submission.evaluator_id, submission.evaluator_name = by.id, by.name


def assign(*, submission_id: UUID, reviewer_id: UUID, by: Actor) -> None:
    """Give a dossier to another reviewer, who is not of its publisher's organisation either. Raises `NotFound`."""
    submission = lock_for_review(submission_id, by=by)
    names = {reviewer.id: reviewer.display_name for reviewer in identity.list_agents(Role.REVIEWER)}
    if reviewer_id not in names:
        raise NotFound("No reviewer has this id.")
    application = db.session.get_one(Application, submission.application_id)
    if application.organisation_id in {one.organisation_id for one in identity.list_memberships(reviewer_id)}:
        raise OwnOrganisation("This reviewer belongs to the publisher's organisation.")
    submission.evaluator_id, submission.evaluator_name = reviewer_id, names[reviewer_id]
    move(submission, SubmissionVerb.ASSIGN, by=by)


def release(*, submission_id: UUID, by: Actor) -> None:
    """Leave a dossier to whoever takes it next."""
    submission = lock_for_review(submission_id, by=by)
    move(submission, SubmissionVerb.RELEASE, by=by)
    submission.evaluator_id, submission.evaluator_name = None, ""


def declare_admissible(*, submission_id: UUID, by: Actor) -> None:
    """Say that the file can be examined: it is complete, and the service is eligible."""
    move(lock_for_review(submission_id, by=by), SubmissionVerb.DECLARE_ADMISSIBLE, by=by)


def declare_inadmissible(*, submission_id: UUID, motive: str, by: Actor) -> None:
    """Close a file that cannot be examined, and say why. Its publisher may open another."""
    move(lock_for_review(submission_id, by=by), SubmissionVerb.DECLARE_INADMISSIBLE, by=by, motive=motive)


def start_evaluation(*, submission_id: UUID, by: Actor) -> None:
    """Begin the examination of the criteria; whoever begins is in charge unless somebody is already."""
    submission = lock_for_review(submission_id, by=by)
    move(submission, SubmissionVerb.START_EVALUATION, by=by)
    if submission.evaluator_id is None:
        submission.evaluator_id, submission.evaluator_name = by.id, by.name


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found on one criterion. `version` is that of the verdict read, 0 for none."""

    criterion: str
    verdict: VerdictValue
    comment: str = ""
    version: int = 0


def record_verdict(
    *,
    submission_id: UUID,
    criterion: str,
    verdict: VerdictValue,
    comment: str,
    version: int,
    sent: int | None = None,
    by: Actor,
) -> None:
    """Say what was found on one criterion. Raises as `record_verdicts`."""
    finding = Finding(criterion, verdict, comment, version)
    record_verdicts(submission_id=submission_id, findings=[finding], sent=sent, by=by)


def record_verdicts(*, submission_id: UUID, findings: Sequence[Finding], sent: int | None = None, by: Actor) -> None:
    """Say what was found on several criteria, all or nothing. A new finding cancels the proposal made before it.

    `sent` is the number of the version of the dossier that was read. Raises `VersionMismatch` when another reviewer
    wrote on one of the criteria since, or (`dossier-changed`) when the publisher sent another version; `Invalid` when
    a verdict needs a comment or cannot be given on its criterion.
    """
    submission = lock_for_review(submission_id, by=by, sent=sent)
    check_role(by, Role.REVIEWER)
    if submission.state != SubmissionState.IN_EVALUATION:
        raise TransitionRefused("record_verdict", submission.state)
    used = grid.load(submission.grid_version)
    rows = {row.criterion: row for row in db.session.scalars(_verdicts_of(submission_id))}
    for finding in findings:
        grid.check_verdict(used.get(finding.criterion), finding.verdict, finding.comment)
        row = rows.get(finding.criterion)
        if finding.version != (row.version if row else 0):
            raise VersionMismatch("Another reviewer wrote a verdict on this criterion.")
        row = row or Verdict(submission_id=submission_id, criterion=finding.criterion)
        row.verdict, row.comment, row.reviewed_at = finding.verdict, finding.comment.strip(), clock.now()
        row.reviewer_id, row.reviewer_name = person(by), by.name
        db.session.add(row)
    submission.evaluators = sorted({*submission.evaluators, person(by)})
    _resume(submission, by=by)
    criteria = [finding.criterion for finding in findings]
    audit.record("store:verdict:write", by=by, object_type="submission", object_id=submission_id, criteria=criteria)


def _verdicts_of(submission_id: UUID) -> sa.Select[Verdict]:
    """The submission is locked: its verdicts are read anew, without locks of their own."""
    found = sa.select(Verdict).where(Verdict.submission_id == submission_id)
    return found.execution_options(populate_existing=True)


def _resume(submission: Submission, *, by: Actor) -> None:
    """Take back a proposal that no longer follows from what was found."""
    if submission.proposal:
        submission.proposal = None
        move(submission, SubmissionVerb.RESUME_EVALUATION, by=by)


def request_complements(*, submission_id: UUID, motive: str, flagged: Collection[str] = (), by: Actor) -> None:
    """Give the dossier back to its publisher, who may change what is flagged and nothing else.

    `flagged` holds codes of sections and ids of criteria; those of the open questions are added. Raises `Invalid`
    (`nothing-flagged`, `unknown-flag`).
    """
    submission = lock_for_review(submission_id, by=by)
    asked = sa.select(sa.func.coalesce(Question.criterion, Question.section)).where(
        Question.submission_id == submission_id, Question.state == QuestionState.OPEN
    )
    wanted = sorted({*flagged, *db.session.scalars(asked)})
    if not wanted:
        raise Invalid("Flag the sections or the criteria to complete.", code="nothing-flagged")
    if unknown := set(wanted) - set(dossier.SECTIONS) - set(grid.load(submission.grid_version).criteria):
        raise Invalid(f"The dossier has no {', '.join(sorted(unknown))}.", code="unknown-flag")
    move(submission, SubmissionVerb.REQUEST_COMPLEMENTS, by=by, motive=motive)
    submission.flagged, submission.proposal = wanted, None


def propose(*, submission_id: UUID, opinion: Opinion, motive: str, by: Actor) -> None:
    """Conclude the evaluation for the commission.

    Raises `Conflict` (`evaluation-incomplete`) while a criterion waits for its verdict or is to clarify,
    `CriteriaNotMet` for an opinion that leaves no place for a suspensive reservation that the grid demands.
    """
    submission = lock_for_review(submission_id, by=by)
    if submission.state == SubmissionState.IN_EVALUATION:
        used, answers = grid.load(submission.grid_version), submission.dossier.get("orientation", {})
        found = list_found(submission_id)
        if commission.propose(used.applicable(answers), found) is None:
            raise Conflict("Some criteria wait for their verdict.", code="evaluation-incomplete")
        if opinion in {Opinion.FAVOURABLE, Opinion.FAVOURABLE_NON_SUSPENSIVE}:
            grid.check_met(used, found, answers)
    move(submission, SubmissionVerb.PROPOSE_OPINION, by=by, motive=motive)
    submission.proposal = opinion


def list_found(submission_id: UUID) -> Mapping[str, VerdictValue]:
    """What was found so far, by criterion."""
    rows = db.session.execute(
        sa.select(Verdict.criterion, Verdict.verdict).where(Verdict.submission_id == submission_id)
    )
    return {criterion: VerdictValue(value) for criterion, value in rows}
