"""What reviewers write beside the verdicts: internal notes, and questions to the publisher."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base, one_of, uuid_key
from store.models.applications import Application
from store.models.submissions import Submission
from store.workflow import QuestionState, Role


class Note(Base):
    """A note among reviewers, on the whole dossier or on one criterion. Append-only, never the publisher's to see."""

    __tablename__ = "store_note"

    id: Mapped[UUID] = uuid_key()
    submission_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Submission.id), index=True)
    criterion: Mapped[str | None]
    text: Mapped[str]
    author_id: Mapped[UUID]
    author_name: Mapped[str]
    written_at: Mapped[datetime]

    __table_args__ = (sa.CheckConstraint("btrim(text) <> ''", name="text"),)


class Question(Base):
    """A question on one criterion or on one section of a dossier."""

    __tablename__ = "store_question"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id))
    submission_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Submission.id), index=True)
    criterion: Mapped[str | None]
    section: Mapped[str | None]
    state: Mapped[str]
    due_on: Mapped[date]
    asked_at: Mapped[datetime]

    __table_args__ = (
        one_of("state", "state", QuestionState),
        sa.CheckConstraint("num_nonnulls(criterion, section) = 1", name="target"),
        sa.Index("ix_store_question_due_on", "due_on", postgresql_where=sa.text("state = 'open'")),
    )


class QuestionMessage(Base):
    """One turn of a question: what the reviewer asked, what the publisher answered. Append-only."""

    __tablename__ = "store_question_message"

    id: Mapped[UUID] = uuid_key()
    question_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Question.id), index=True)
    position: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), unique=True)
    side: Mapped[str]
    text: Mapped[str]
    evidence_ids: Mapped[list[UUID]] = mapped_column(ARRAY(sa.Uuid), default=list)
    author_id: Mapped[UUID]
    author_name: Mapped[str]
    written_at: Mapped[datetime]

    __table_args__ = (
        sa.CheckConstraint(f"side IN ('{Role.PUBLISHER}', '{Role.REVIEWER}')", name="side"),
        sa.CheckConstraint("btrim(text) <> ''", name="text"),
    )
