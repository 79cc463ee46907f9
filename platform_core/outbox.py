"""What leaves the process: written with the data, sent to the broker after commit, sent again until it is done.

A message names a Celery task and its arguments (ids only). The broker may lose it at any moment: the row stays until
the task succeeded, and a sweep sends it again.
"""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from celery import current_app
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from platform_core import clock
from platform_core.database import Base, after_commit, db, uuid_key

_log = logging.getLogger(__name__)

GRACE = timedelta(seconds=30)
LEASE = timedelta(minutes=2)
LONGEST_LEASE = timedelta(hours=6)
MAX_ATTEMPTS = 20
_BROKER_PAUSE_SECONDS = 5.0
_broker_silent_until = 0.0


class OutboxMessage(Base):
    """A task to be done. `due_at` is when the sweep sends it next, `done_at` when the task succeeded."""

    __tablename__ = "core_outbox"

    id: Mapped[UUID] = uuid_key()
    task: Mapped[str]
    arguments: Mapped[list[str]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]
    gave_up_at: Mapped[datetime | None]

    __table_args__ = (
        sa.Index(
            "ix_core_outbox_waiting",
            "due_at",
            postgresql_where=sa.text("done_at IS NULL AND gave_up_at IS NULL"),
        ),
    )


def enqueue(task: str, *arguments: object, delay: timedelta = timedelta()) -> UUID:
    """Have the named task run once with these ids after the present transaction commits.

    The task may run more than once (at least once delivery): it guards on the state of what it finds.
    """
    now = clock.now()
    message = OutboxMessage(
        task=task, arguments=[str(a) for a in arguments], created_at=now, due_at=now + (delay or GRACE)
    )
    db.session.add(message)
    db.session.flush()
    identifier = message.id
    if not delay:
        after_commit(lambda: _send(identifier, task, message.arguments))
    return identifier


def enqueue_once(task: str, *arguments: object) -> None:
    """As `enqueue`, unless the present transaction asked for the same already: an act may change much of one record."""
    asked = sa.exists().where(
        OutboxMessage.task == task,
        OutboxMessage.arguments == [str(a) for a in arguments],
        OutboxMessage.done_at.is_(None),
        OutboxMessage.gave_up_at.is_(None),
        sa.text("core_outbox.xmin = pg_current_xact_id()::xid"),
    )
    if not db.session.scalar(sa.select(asked)):
        enqueue(task, *arguments)


def list_due(limit: int = 500) -> Sequence[OutboxMessage]:
    """Messages to send now: what was sent right after its commit, or at the last sweep, and is still not done.

    Rows are locked.
    """
    waiting = sa.select(OutboxMessage).where(
        OutboxMessage.done_at.is_(None), OutboxMessage.gave_up_at.is_(None), OutboxMessage.due_at <= clock.now()
    )
    ordered = waiting.order_by(OutboxMessage.due_at).limit(limit).with_for_update(skip_locked=True)
    return db.session.scalars(ordered).all()


def redispatch(limit: int = 500) -> int:
    """Send again what the broker lost or never got; returns how many left.

    The time between two sendings doubles from two minutes to six hours; after `MAX_ATTEMPTS` (some three days) a
    message is given up, visibly.
    """
    messages = list_due(limit)
    for message in messages:
        if message.attempts >= MAX_ATTEMPTS:
            message.gave_up_at = clock.now()
            _log.error("The task %s of outbox message %s was given up.", message.task, message.id)
            continue
        message.sent_at = clock.now()
        message.due_at = clock.now() + min(LEASE * 2**message.attempts, LONGEST_LEASE)
        message.attempts += 1
        after_commit(lambda m=message: _send(m.id, m.task, m.arguments))  # type: ignore[misc]
    return len(messages)


def mark_done(message_id: UUID) -> None:
    """Record that the task of a message succeeded."""
    db.session.execute(sa.update(OutboxMessage).where(OutboxMessage.id == message_id).values(done_at=clock.now()))


def _send(message_id: UUID, task: str, arguments: list[Any]) -> None:
    """Hand a message to the broker. When the broker is away, stay silent a few seconds: the sweep will send it."""
    global _broker_silent_until
    if time.monotonic() < _broker_silent_until:
        return
    try:
        current_app.send_task(
            task, args=arguments, task_id=str(message_id), retry=False, headers={"outbox": str(message_id)}
        )
    except Exception:
        _broker_silent_until = time.monotonic() + _BROKER_PAUSE_SECONDS
        _log.warning("The broker is away: outbox messages wait in the database.")
