"""Decisions and history: append-only. Reminders: sent once."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base, uuid_key
from store.models.applications import Application
from store.models.submissions import Submission
from store.workflow import CALL, CANDIDACY, TABLES


class Subject(StrEnum):
    """Whose life an event is a step of."""

    SUBMISSION = "submission"
    LISTING = "listing"
    QUESTION = "question"
    RESERVATION = "reservation"
    AUDIT = "audit"


def _known_verb() -> sa.CheckConstraint:
    tables = (table for table in TABLES.values() if table not in (CALL, CANDIDACY))  # their history is `CallEvent`
    verbs = sorted({str(verb) for table in tables for verb in table})
    return sa.CheckConstraint(f"verb IN ({', '.join(repr(verb) for verb in verbs)})", name="verb")


class Decision(Base):
    """An act that had to say why. `against_opinion`: its author knew that the commission had said otherwise."""

    __tablename__ = "store_decision"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id), index=True)
    submission_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey(Submission.id))
    verb: Mapped[str]
    motive: Mapped[str]
    against_opinion: Mapped[bool] = mapped_column(default=False)
    decided_by: Mapped[UUID | None]
    decided_by_name: Mapped[str]
    decided_at: Mapped[datetime]

    __table_args__ = (
        _known_verb(),
        sa.CheckConstraint("btrim(motive) <> ''", name="motive"),
    )


class StoreEvent(Base):
    """One transition of a life of the referencing. `position` orders what one instant holds."""

    __tablename__ = "store_event"

    id: Mapped[UUID] = uuid_key()
    position: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), unique=True)
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id))
    submission_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey(Submission.id), index=True)
    subject: Mapped[str]
    subject_id: Mapped[UUID]
    verb: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    decision_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey(Decision.id))
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    occurred_at: Mapped[datetime]

    __table_args__ = (
        _known_verb(),
        sa.CheckConstraint(f"subject IN ({', '.join(repr(str(one)) for one in Subject)})", name="subject"),
        sa.Index(None, "application_id", "occurred_at"),
    )


class Reminder(Base):
    """A reminder that was sent: `kind` names what it warned of, and of which date."""

    __tablename__ = "store_reminder"

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime]
