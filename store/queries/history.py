"""What happened to an application."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from platform_core.database import db
from store.models.history import Decision, StoreEvent
from store.workflow import Verb

_INTERNAL = (Verb.PROPOSE_ACCEPTANCE, Verb.PROPOSE_REFUSAL)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    at: datetime
    verb: Verb
    by: str
    motive: str


def list_history(application_id: UUID, *, internal: bool = False) -> Sequence[HistoryEntry]:
    """What happened to an application, newest first. `internal` adds what only reviewers may know."""
    rows = (
        sa.select(StoreEvent, Decision.motive)
        .outerjoin(Decision, Decision.id == StoreEvent.decision_id)
        .where(StoreEvent.application_id == application_id)
        .order_by(StoreEvent.occurred_at.desc(), StoreEvent.id.desc())
    )
    if not internal:
        rows = rows.where(StoreEvent.verb.not_in(_INTERNAL))
    return [
        HistoryEntry(event.occurred_at, Verb(event.verb), event.actor_name, motive or "")
        for event, motive in db.session.execute(rows)
    ]
