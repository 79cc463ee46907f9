"""The commission: its sessions, what they examine, declared interests, votes, and the reservations that result."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base, one_of, uuid_key
from store.models.applications import Application
from store.models.submissions import Submission
from store.rules.commission import Ballot
from store.workflow import Opinion, ReservationState, SessionState


class Session(Base):
    """A meeting of the commission, in a room, remote, or both."""

    __tablename__ = "store_session"

    id: Mapped[UUID] = uuid_key()
    starts_at: Mapped[datetime]
    place: Mapped[str]
    remote_url: Mapped[str] = mapped_column(default="")
    state: Mapped[str]
    planned_by: Mapped[UUID]
    planned_by_name: Mapped[str]
    created_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", "state", SessionState),
        sa.CheckConstraint("place <> '' OR remote_url <> ''", name="somewhere"),
        sa.Index(None, "starts_at"),
    )


class AgendaItem(Base):
    """A submission on the agenda of a session; it waits in one session at a time."""

    __tablename__ = "store_agenda_item"

    id: Mapped[UUID] = uuid_key()
    session_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Session.id), index=True)
    submission_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Submission.id))
    position: Mapped[int]
    opinion: Mapped[str | None]
    motive: Mapped[str] = mapped_column(default="")
    concluded_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("opinion", "opinion", Opinion),
        sa.CheckConstraint("(opinion IS NULL) = (concluded_at IS NULL)", name="conclusion"),
        sa.UniqueConstraint("session_id", "submission_id"),
        sa.Index(
            "uq_store_agenda_item_waiting",
            "submission_id",
            unique=True,
            postgresql_where=sa.text("opinion IS NULL"),
        ),
    )


class Interest(Base):
    """What a member declares before an item: `links` says which interests, empty when there are none."""

    __tablename__ = "store_interest"

    item_id: Mapped[UUID] = mapped_column(sa.ForeignKey(AgendaItem.id, ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    member_name: Mapped[str]
    links: Mapped[str]
    declared_at: Mapped[datetime]


class Vote(Base):
    """The vote of a member on an item; it may change until the opinion is given."""

    __tablename__ = "store_vote"

    item_id: Mapped[UUID] = mapped_column(sa.ForeignKey(AgendaItem.id, ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    member_name: Mapped[str]
    ballot: Mapped[str]
    cast_at: Mapped[datetime]

    __table_args__ = (one_of("ballot", "ballot", Ballot),)


class Reservation(Base):
    """What the publisher must still do. Suspensive: before the acceptance. `claim` is what they say they did."""

    __tablename__ = "store_reservation"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id))
    submission_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Submission.id), index=True)
    criterion: Mapped[str | None]
    text: Mapped[str]
    suspensive: Mapped[bool]
    due_on: Mapped[date]
    state: Mapped[str]
    claim: Mapped[str] = mapped_column(default="")
    claimed_at: Mapped[datetime | None]
    evidence_ids: Mapped[list[UUID]] = mapped_column(ARRAY(sa.Uuid), default=list)

    __table_args__ = (
        one_of("state", "state", ReservationState),
        sa.CheckConstraint("btrim(text) <> ''", name="text"),
        sa.Index("ix_store_reservation_due_on", "due_on", postgresql_where=sa.text("state = 'open'")),
    )
