"""The audit of acts that are not data accesses: who did what to which object, in the same transaction as the act."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from platform_core import clock
from platform_core.access import Actor
from platform_core.database import Base, db, uuid_key


class AuditEntry(Base):
    """One act. Append-only: the application's role may insert and read, never change.

    The name of a person whose space was destroyed is blanked with the rest of it (`platform_core.destruction`).
    """

    __tablename__ = "core_audit"

    id: Mapped[UUID] = uuid_key()
    occurred_at: Mapped[datetime]
    act: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    on_behalf_of: Mapped[UUID | None]
    object_type: Mapped[str]
    object_id: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)

    __table_args__ = (sa.Index(None, "object_type", "object_id", "occurred_at"), sa.Index(None, "actor_id"))


def record(act: str, *, by: Actor, object_type: str, object_id: object, **details: Any) -> None:
    """Write that `by` did `act` (`package:subject:act`) to an object. `details` hold no health data, no secret."""
    db.session.add(
        AuditEntry(
            occurred_at=clock.now(),
            act=act,
            actor_kind=by.kind,
            actor_id=by.id,
            actor_name=by.name,
            on_behalf_of=by.on_behalf_of,
            object_type=object_type,
            object_id=str(object_id),
            details=details,
        )
    )
