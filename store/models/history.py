"""Decisions and history: append-only."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base, one_of, uuid_key
from store.models.applications import Application
from store.models.submissions import Submission
from store.workflow import Verb


class Decision(Base):
    """An act that had to say why. Append-only."""

    __tablename__ = "store_decision"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id), index=True)
    submission_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey(Submission.id))
    verb: Mapped[str]
    motive: Mapped[str]
    decided_by: Mapped[UUID | None]
    decided_by_name: Mapped[str]
    decided_at: Mapped[datetime]

    __table_args__ = (
        one_of("verb", "verb", Verb),
        sa.CheckConstraint("btrim(motive) <> ''", name="motive"),
    )


class StoreEvent(Base):
    """One transition of a submission or of a listing. Append-only."""

    __tablename__ = "store_event"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id))
    submission_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey(Submission.id), index=True)
    verb: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    decision_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey(Decision.id))
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    occurred_at: Mapped[datetime]

    __table_args__ = (
        one_of("verb", "verb", Verb),
        sa.Index(None, "application_id", "occurred_at"),
    )
