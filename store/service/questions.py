"""Questions of the reviewers to the publisher, each on one criterion or one section, and internal notes."""

from collections.abc import Collection
from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa

from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Conflict, Invalid, NotFound
from store.errors import TransitionRefused
from store.models.reviews import Note, Question, QuestionMessage
from store.models.submissions import Submission
from store.queries.evidence import get_own_evidence
from store.rules import dossier, grid
from store.rules.procedure import PROCEDURE
from store.service.transitions import check_role, lock_for_review, lock_own_submission, locked, move, person
from store.workflow import FINAL, QuestionState, QuestionVerb, Role


def ask(
    *,
    submission_id: UUID,
    text: str,
    criterion: str | None = None,
    section: str | None = None,
    due_on: date | None = None,
    sent: int | None = None,
    by: Actor,
) -> UUID:
    """Ask the publisher something about one criterion or one section; the delay of procedure.json by default.

    The publisher is told at once. `sent` is the number of the version of the dossier that was read. Raises `Invalid`
    (`text-required`, `question-target`), `NotFound` for a criterion or a section that the dossier does not have,
    `TransitionRefused` once the file is closed, `VersionMismatch` (`dossier-changed`) when the publisher sent another
    version since.
    """
    submission = lock_for_review(submission_id, by=by, sent=sent)
    if submission.state in FINAL:
        raise TransitionRefused(QuestionVerb.ASK, submission.state)
    _check_target(submission, criterion, section)
    today = clock.today()
    question = Question(
        application_id=submission.application_id,
        submission_id=submission.id,
        criterion=criterion,
        section=section,
        due_on=due_on or today + timedelta(days=PROCEDURE["question_days"]),
        asked_at=clock.now(),
    )
    if question.due_on < today:
        raise Invalid("The date of the answer is past.", code="date-past")
    move(question, QuestionVerb.ASK, by=by)
    _say(question, Role.REVIEWER, text, by=by)
    return question.id


def answer(*, question_id: UUID, text: str, evidence_ids: Collection[UUID] = (), by: Actor) -> None:
    """Answer an open question, with the ids of evidence. Raises `NotFound` for another organisation's."""
    question = _lock(question_id)
    lock_own_submission(question.submission_id, by=by)
    for evidence_id in evidence_ids:
        get_own_evidence(evidence_id, by=by)
    move(question, QuestionVerb.ANSWER, by=by)
    _say(question, Role.PUBLISHER, text, evidence_ids, by=by)


def reopen(*, question_id: UUID, text: str, due_on: date | None = None, by: Actor) -> None:
    """Ask again: the answer does not do."""
    question = _lock(question_id)
    lock_for_review(question.submission_id, by=by)
    move(question, QuestionVerb.REOPEN, by=by)
    question.due_on = due_on or clock.today() + timedelta(days=PROCEDURE["question_days"])
    _say(question, Role.REVIEWER, text, by=by)


def close(*, question_id: UUID, by: Actor) -> None:
    """Be satisfied with the answer, or do without it."""
    question = _lock(question_id)
    lock_for_review(question.submission_id, by=by)
    move(question, QuestionVerb.CLOSE, by=by)


def check_answered(submission_id: UUID) -> None:
    """Raises `Conflict` (`questions-open`) while a question waits for the publisher."""
    waiting = sa.select(sa.func.count()).where(
        Question.submission_id == submission_id, Question.state == QuestionState.OPEN
    )
    if count := db.session.scalar(waiting):
        raise Conflict(f"{count} questions wait for an answer.", code="questions-open")


def write_note(*, submission_id: UUID, text: str, criterion: str | None = None, by: Actor) -> None:
    """Write to the other reviewers; the publisher never reads it. Raises `Invalid` (`text-required`)."""
    submission = lock_for_review(submission_id, by=by)
    check_role(by, Role.REVIEWER, Role.DECIDER, Role.COMMISSION)
    if criterion:
        grid.load(submission.grid_version).get(criterion)
    note = Note(
        submission_id=submission_id,
        criterion=criterion,
        text=_required(text),
        author_id=person(by),
        author_name=by.name,
        written_at=clock.now(),
    )
    db.session.add(note)
    audit.record("store:note:write", by=by, object_type="submission", object_id=submission_id)


def _check_target(submission: Submission, criterion: str | None, section: str | None) -> None:
    if (criterion is None) is (section is None):
        raise Invalid("A question is about one criterion or one section.", code="question-target")
    if criterion:
        grid.load(submission.grid_version).get(criterion)
    elif section not in dossier.SECTIONS:
        raise NotFound("The dossier has no such section.")


def _say(question: Question, side: Role, text: str, evidence_ids: Collection[UUID] = (), *, by: Actor) -> None:
    db.session.add(
        QuestionMessage(
            question_id=question.id,
            side=side,
            text=_required(text),
            evidence_ids=sorted(evidence_ids),
            author_id=person(by),
            author_name=by.name,
            written_at=clock.now(),
        )
    )


def _required(text: str) -> str:
    if not text.strip():
        raise Invalid("The text is empty.", code="text-required")
    return text.strip()


def _lock(question_id: UUID) -> Question:
    question = db.session.scalar(locked(sa.select(Question).where(Question.id == question_id)))
    if question is None:
        raise NotFound("This question does not exist.")
    return question
