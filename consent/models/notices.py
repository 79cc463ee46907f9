"""Tables of what is told: to apps about their consents, to everybody who authorized an app about an incident."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from consent.rules.app_events import AppEventType
from platform_core.database import Base, one_of, uuid_key
from platform_core.ids import uuid7


class AppEvent(Base):
    """One thing that an app is to be told. Append-only; it names the patient as that app knows them (`subject`).

    `position` orders the events of a grant: each is drawn while the row of the consent is locked. `grant_id` and
    `subject` are empty for what concerns the whole app.
    """

    __tablename__ = "consent_app_event"

    position: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True, default=uuid7)
    type: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(index=True)
    app_id: Mapped[UUID]
    client_pk: Mapped[UUID | None]
    grant_id: Mapped[UUID | None]
    subject: Mapped[UUID | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)

    __table_args__ = (
        one_of("type", "type", AppEventType),
        sa.CheckConstraint("(grant_id IS NULL) = (subject IS NULL)", name="subject"),
        sa.Index(None, "app_id", "position"),
        sa.Index(None, "grant_id", "position"),
    )


class Announcement(Base):
    """What the authority tells everybody who ever authorized an app, after an incident, on its way to them.

    `cursor` is the last consent that was visited, in the order of their ids; `told` how many people were.
    """

    __tablename__ = "consent_announcement"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID]
    text: Mapped[str]
    decided_at: Mapped[datetime]
    decided_by: Mapped[UUID]
    decider_name: Mapped[str]
    cursor: Mapped[UUID | None]
    told: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]

    __table_args__ = (sa.Index(None, "application_id", "decided_at"),)
