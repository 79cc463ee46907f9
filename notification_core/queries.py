"""Reads of the inboxes. Those of a space need the transaction bound to its patient."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from notification_core.models import AgentMessage, Email, Message, Preference
from platform_core import crypto
from platform_core.database import db
from platform_core.pagination import Page

PAGE_SIZE = 20
_Inbox = Any
"""`Message` or `AgentMessage`: two tables of the same shape."""


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message as an inbox shows it; `link` is a local path or empty."""

    id: UUID
    kind: str
    title: str
    body: str
    link: str
    sent_by: str
    created_at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class EmailView:
    recipient: str
    subject: str
    body: str
    created_at: datetime
    sent_at: datetime | None


def list_messages(*, patient_id: UUID, page: int = 1) -> Page[MessageView]:
    """The inbox of a space, newest first."""
    return _list(Message, Message.patient_id == patient_id, page)


def list_agent_messages(*, agent_id: UUID, page: int = 1) -> Page[MessageView]:
    """The inbox of an agent, newest first."""
    return _list(AgentMessage, AgentMessage.agent_id == agent_id, page)


def count_unread(patient_id: UUID) -> int:
    """How many messages of a space nobody has read."""
    return _count(Message, Message.patient_id == patient_id, Message.read_at.is_(None))


def count_agent_unread(agent_id: UUID) -> int:
    """How many messages an agent has not read."""
    return _count(AgentMessage, AgentMessage.agent_id == agent_id, AgentMessage.read_at.is_(None))


def wants_email(patient_id: UUID) -> bool:
    """Whether the messages of a space are announced by e-mail."""
    chosen = db.session.scalar(sa.select(Preference.by_email).where(Preference.patient_id == patient_id))
    return chosen is not False


def list_emails(limit: int = 100) -> Sequence[EmailView]:
    """The newest e-mails, their recipients unsealed: for the development mailbox."""
    rows = db.session.scalars(sa.select(Email).order_by(Email.created_at.desc(), Email.id.desc()).limit(limit))
    return [
        EmailView(
            crypto.unseal(row.recipient_sealed, f"notification:recipient:{row.id}").decode(),
            row.subject,
            row.body,
            row.created_at,
            row.sent_at,
        )
        for row in rows
    ]


def _list(inbox: _Inbox, mine: sa.ColumnElement[bool], page: int) -> Page[MessageView]:
    newest = sa.select(inbox).where(mine).order_by(inbox.id.desc())
    rows = db.session.scalars(newest.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE))
    items = [
        MessageView(row.id, row.kind, row.title, row.body, row.link, row.sent_by, row.created_at, row.read_at)
        for row in rows
    ]
    return Page(items, page, PAGE_SIZE, _count(inbox, mine))


def _count(inbox: _Inbox, *conditions: sa.ColumnElement[bool]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(inbox).where(*conditions)) or 0
