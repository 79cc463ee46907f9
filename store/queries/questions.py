"""Questions to the publisher, and the notes that only reviewers read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from platform_core import clock
from platform_core.database import db
from store.models.reviews import Note, Question, QuestionMessage
from store.workflow import QuestionState, Role


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a question; `side` is `reviewer` or `publisher`."""

    side: Role
    text: str
    evidence_ids: Sequence[UUID]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question on one criterion or one section, and what was said, in order."""

    id: UUID
    application_id: UUID
    submission_id: UUID
    criterion: str | None
    section: str | None
    state: QuestionState
    due_on: date
    asked_at: datetime
    messages: Sequence[Message]

    @property
    def is_overdue(self) -> bool:
        return self.state is QuestionState.OPEN and self.due_on < clock.today()


@dataclass(frozen=True, slots=True)
class NoteView:
    criterion: str | None
    text: str
    by: str
    at: datetime


def list_questions(submission_id: UUID) -> Sequence[QuestionView]:
    """The questions on a submission, the oldest first, in two statements."""
    rows = sa.select(Question).where(Question.submission_id == submission_id)
    questions = db.session.scalars(rows.order_by(Question.asked_at, Question.id)).all()
    said = sa.select(QuestionMessage).where(QuestionMessage.question_id.in_([one.id for one in questions]))
    messages = db.session.scalars(said.order_by(QuestionMessage.position)).all()
    return [_view(one, [message for message in messages if message.question_id == one.id]) for one in questions]


def _view(question: Question, messages: Sequence[QuestionMessage]) -> QuestionView:
    return QuestionView(
        question.id,
        question.application_id,
        question.submission_id,
        question.criterion,
        question.section,
        QuestionState(question.state),
        question.due_on,
        question.asked_at,
        [Message(Role(one.side), one.text, one.evidence_ids, one.author_name, one.written_at) for one in messages],
    )


def list_notes(submission_id: UUID) -> Sequence[NoteView]:
    """The internal notes on a submission, the oldest first. Never shown to its publisher."""
    rows = sa.select(Note).where(Note.submission_id == submission_id).order_by(Note.written_at, Note.id)
    return [NoteView(note.criterion, note.text, note.author_name, note.written_at) for note in db.session.scalars(rows)]
