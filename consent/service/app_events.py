"""What an app is to be told, written with the act that it tells of: whoever delivers it reads it here, in order."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from consent import events
from consent.models import AppEvent
from consent.rules.app_events import AppEventType
from platform_core import clock, crypto
from platform_core import events as bus
from platform_core.database import db
from platform_core.ids import uuid7

RETENTION = timedelta(days=90)

TYPES: dict[type[events.ConsentChanged], AppEventType] = {
    events.ConsentGranted: AppEventType.GRANTED,
    events.ConsentAmended: AppEventType.AMENDED,
    events.ConsentPaused: AppEventType.PAUSED,
    events.ConsentResumed: AppEventType.RESUMED,
    events.ConsentRevoked: AppEventType.REVOKED,
    events.ConsentExpired: AppEventType.EXPIRED,
    events.ConsentEnded: AppEventType.ENDED,
    events.SyncRequested: AppEventType.SYNC_REQUESTED,
    events.ErasureRequested: AppEventType.ERASURE_REQUESTED,
}


def tell_of_consent(event: events.ConsentChanged) -> None:
    """Write what an app is told of an act on one of its consents, whose row is locked: no name, no health data."""
    _write(
        AppEvent(
            type=TYPES[type(event)],
            app_id=event.app_id,
            client_pk=event.client_pk,
            grant_id=event.grant_id,
            subject=UUID(crypto.pairwise_id(event.app_id, event.patient_id)),
            data={"version": event.version},
        )
    )


def tell_of_listing(*, application_id: UUID, type: AppEventType, reason: str) -> None:
    """Write what an app is told of a change of its referencing, which concerns all its consents at once."""
    _write(AppEvent(type=type, app_id=application_id, data={"reason": reason}))


def forget_app_events() -> None:
    """Delete what was written ninety days ago or more, delivered or not. For the batch role."""
    db.session.execute(sa.delete(AppEvent).where(AppEvent.created_at < clock.now() - RETENTION))


def _write(event: AppEvent) -> None:
    event.id, event.created_at = uuid7(), clock.now()
    db.session.add(event)
    db.session.flush()
    bus.publish(events.AppToTell(event.id, event.app_id, event.client_pk, event.grant_id))
