"""Tables of what people are told: the inbox of a space, the inbox of an agent, e-mails, preferences."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base
from platform_core.ids import uuid7


class Message(Base):
    """A message in the inbox of a patient's space."""

    __tablename__ = "notification_message"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    kind: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    link: Mapped[str]
    sent_by: Mapped[str]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]

    __table_args__ = (
        sa.Index("ix_notification_message_unread", "patient_id", postgresql_where=sa.text("read_at IS NULL")),
    )


class AgentMessage(Base):
    """A message to an agent: a publisher or a reviewer. It holds nothing about a patient."""

    __tablename__ = "notification_agent_message"

    agent_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    kind: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    link: Mapped[str]
    sent_by: Mapped[str]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]

    __table_args__ = (
        sa.Index("ix_notification_agent_message_unread", "agent_id", postgresql_where=sa.text("read_at IS NULL")),
    )


class Preference(Base):
    """Whether the messages of a space are also announced by e-mail. No row: they are."""

    __tablename__ = "notification_preference"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    by_email: Mapped[bool]


class Email(Base):
    """An e-mail to send. Its words are those of a fixed template: nothing in it is about health."""

    __tablename__ = "notification_email"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    recipient_sealed: Mapped[bytes] = mapped_column(info={"sealed": "notification:recipient:{id}"})
    subject: Mapped[str]
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(index=True)
    sent_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
