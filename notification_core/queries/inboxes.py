"""Reads of the inboxes: that of a space, whose transaction is bound to its patient, and that of an agent."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from notification_core.models import AgentMessage, Inbox, Message
from platform_core.database import db
from platform_core.pagination import Page

PAGE_SIZE = 20


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


def list_told(notices: Collection[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
    """Which of these notices (patient and key) were given already. For the batch role, which reads nothing else."""
    named = sa.tuple_(Message.patient_id, Message.key).in_(notices)
    return {
        (row.patient_id, row.key) for row in db.session.execute(sa.select(Message.patient_id, Message.key).where(named))
    }


def _list(inbox: type[Inbox], mine: sa.ColumnElement[bool], page: int) -> Page[MessageView]:
    newest = sa.select(inbox).where(mine).order_by(inbox.id.desc()).limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)
    rows: Sequence[Inbox] = db.session.scalars(newest).all()
    items = [
        MessageView(row.id, row.kind, row.title, row.body, row.link, row.sent_by, row.created_at, row.read_at)
        for row in rows
    ]
    return Page(items, page, PAGE_SIZE, _count(inbox, mine))


def _count(inbox: type[Inbox], *conditions: sa.ColumnElement[bool]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(inbox).where(*conditions)) or 0
