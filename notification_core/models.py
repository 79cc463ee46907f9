"""Tables of what people are told: inboxes, what each person chose, their own address, e-mails."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from notification_core.categories import OPTIONAL
from notification_core.rules.limits import DIGESTS
from platform_core.database import Base, uuid_key
from platform_core.ids import uuid7

_TOPICS = ", ".join(repr(str(topic)) for topic in OPTIONAL)


class Inbox(Base):
    """A message in somebody's inbox. Two messages of one owner never bear the same `key`."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7, sort_order=1)
    kind: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    link: Mapped[str]
    sent_by: Mapped[str]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    key: Mapped[str | None]


class Message(Inbox):
    """A message in the inbox of a patient's space, under row-level security."""

    __tablename__ = "notification_message"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)

    __table_args__ = (
        sa.Index("ix_notification_message_unread", "patient_id", postgresql_where=sa.text("read_at IS NULL")),
        sa.Index(
            "uq_notification_message_key",
            "patient_id",
            "key",
            unique=True,
            postgresql_where=sa.text("key IS NOT NULL"),
        ),
    )


class AgentMessage(Inbox):
    """A message to an agent: a publisher or a reviewer. It holds nothing about a patient."""

    __tablename__ = "notification_agent_message"

    agent_id: Mapped[UUID] = mapped_column(primary_key=True)

    __table_args__ = (
        sa.Index("ix_notification_agent_message_unread", "agent_id", postgresql_where=sa.text("read_at IS NULL")),
        sa.Index(
            "uq_notification_agent_message_key",
            "agent_id",
            "key",
            unique=True,
            postgresql_where=sa.text("key IS NOT NULL"),
        ),
    )


class Preference(Base):
    """Whether one person is written to about one topic of one space. No row: they are."""

    __tablename__ = "notification_preference"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    by_email: Mapped[bool]

    __table_args__ = (sa.CheckConstraint(f"topic IN ({_TOPICS})", name="topic"),)


class Digest(Base):
    """How often a space is told which apps go on reading it. No row: as `DEFAULT_DIGEST` says."""

    __tablename__ = "notification_digest"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    every_days: Mapped[int]

    __table_args__ = (sa.CheckConstraint(f"every_days IN {DIGESTS}", name="every_days"),)


class Address(Base):
    """Where a person wants to be written to, once confirmed: it comes before what their provider says."""

    __tablename__ = "notification_address"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    address_sealed: Mapped[bytes] = mapped_column(info={"sealed": "notification:address:{person_id}"})
    confirmed_at: Mapped[datetime]


class AddressChange(Base):
    """A new address that waits for its link to be opened, once; `closed_at` when it was, or when another replaced it.

    `patient_id` is the person’s own space.
    """

    __tablename__ = "notification_address_change"

    id: Mapped[UUID] = uuid_key()
    person_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    address_sealed: Mapped[bytes] = mapped_column(info={"sealed": "notification:address-change:{id}"})
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        sa.CheckConstraint("expires_at > created_at", name="life"),
        sa.Index("ix_notification_address_change_person_id", "person_id", "created_at"),
    )


class Email(Base):
    """An e-mail to send: the name of a fixed text, and the token of the link in it, when it has one.

    `recipient_lookup` counts what one address was sent; `taken_at` is when a task began to hand it over.
    """

    __tablename__ = "notification_email"

    id: Mapped[UUID] = uuid_key()
    template: Mapped[str]
    recipient_sealed: Mapped[bytes] = mapped_column(info={"sealed": "notification:recipient:{id}"})
    recipient_lookup: Mapped[bytes | None]
    token_sealed: Mapped[bytes | None] = mapped_column(info={"sealed": "notification:token:{id}"})
    created_at: Mapped[datetime] = mapped_column(index=True)
    taken_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]

    __table_args__ = (sa.Index("ix_notification_email_recipient_lookup", "recipient_lookup", "created_at"),)
