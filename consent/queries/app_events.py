"""Reads: what apps are to be told, in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from consent.models import AppEvent
from consent.rules.app_events import AppEventType
from platform_core.database import db
from platform_core.errors import NotFound


@dataclass(frozen=True, slots=True)
class AppEventView:
    """One thing that an app is to be told. `subject` is the patient as that app knows them; `position` only grows
    within a grant. `grant_id` and `subject` are None for what concerns the whole app.
    """

    position: int
    id: UUID
    type: AppEventType
    created_at: datetime
    app_id: UUID
    client_pk: UUID | None
    grant_id: UUID | None
    subject: UUID | None
    data: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The body of the webhook that tells it."""
        patient = {"patient": str(self.subject)} if self.subject else {}
        return {
            "id": str(self.id),
            "type": str(self.type),
            "created_at": self.created_at.isoformat(),
            "grant_id": str(self.grant_id) if self.grant_id else None,
            "data": {**patient, **self.data},
        }


def get_app_event(event_id: UUID) -> AppEventView:
    """One event. Raises `NotFound` once it was deleted."""
    event = db.session.scalar(sa.select(AppEvent).where(AppEvent.id == event_id))
    if event is None:
        raise NotFound("This event is no longer kept.")
    return _view(event)


def list_app_events(*, grant_id: UUID, after: int = 0, limit: int = 100) -> Sequence[AppEventView]:
    """The events of a grant after a position, in their order."""
    of_grant = sa.select(AppEvent).where(AppEvent.grant_id == grant_id, AppEvent.position > after)
    return [_view(event) for event in db.session.scalars(of_grant.order_by(AppEvent.position).limit(limit))]


def list_listing_events(*, app_id: UUID, after: int = 0, limit: int = 100) -> Sequence[AppEventView]:
    """The events that concern a whole app after a position, in their order."""
    of_app = sa.select(AppEvent).where(
        AppEvent.app_id == app_id, AppEvent.grant_id.is_(None), AppEvent.position > after
    )
    return [_view(event) for event in db.session.scalars(of_app.order_by(AppEvent.position).limit(limit))]


def _view(event: AppEvent) -> AppEventView:
    return AppEventView(
        event.position,
        event.id,
        AppEventType(event.type),
        event.created_at,
        event.app_id,
        event.client_pk,
        event.grant_id,
        event.subject,
        event.data,
    )
