"""Reads: the versions of a consent, its chained events, and what a patient turned down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from consent.models import Consent, ConsentEvent, ConsentRequest, ConsentVersion
from consent.rules import chain
from consent.rules.cascade import Change, Note
from consent.workflow import RequestStatus
from platform_core.database import db
from platform_core.errors import NotFound


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version of a consent: what was decided, when, by whom, on which texts (`text_hash` in hexadecimal)."""

    number: int
    decided_at: datetime
    decider_kind: str
    decider_name: str
    assurance: str
    locale: str
    text_version: str
    text_hash: str
    snapshot: dict[str, Any]


def list_versions(patient_id: UUID, grant_id: UUID) -> list[VersionView]:
    """Every version of a consent, the newest first."""
    versions = db.session.scalars(
        sa.select(ConsentVersion)
        .where(ConsentVersion.patient_id == patient_id, ConsentVersion.consent_id == grant_id)
        .order_by(ConsentVersion.version.desc())
    )
    return [
        VersionView(
            v.version,
            v.decided_at,
            v.decider_kind,
            v.decider_name,
            v.assurance,
            v.locale,
            v.text_version,
            v.text_hash.hex(),
            v.snapshot,
        )
        for v in versions
    ]


def get_version(patient_id: UUID, grant_id: UUID, number: int) -> VersionView:
    """One version of a consent. Raises `NotFound`."""
    for version in list_versions(patient_id, grant_id):
        if version.number == number:
            return version
    raise NotFound("This version of the consent does not exist.")


def list_events(patient_id: UUID, grant_id: UUID) -> Sequence[ConsentEvent]:
    """The acts in the life of a consent, the oldest first."""
    events = sa.select(ConsentEvent).where(ConsentEvent.patient_id == patient_id, ConsentEvent.consent_id == grant_id)
    return db.session.scalars(events.order_by(ConsentEvent.sequence)).all()


def list_listing_notes(patient_id: UUID, grant_id: UUID) -> list[Note]:
    """What the history of a consent says of the changes of its app's referencing, the oldest first."""
    noted = sa.select(ConsentEvent.kind, ConsentEvent.details).where(
        ConsentEvent.patient_id == patient_id,
        ConsentEvent.consent_id == grant_id,
        ConsentEvent.kind.in_([Change.SUSPENDED, Change.REINSTATED]),
    )
    rows = db.session.execute(noted.order_by(ConsentEvent.sequence))
    return [Note(details["change"], Change(kind), details["told"]) for kind, details in rows]


def find_broken_event(patient_id: UUID, grant_id: UUID) -> int | None:
    """The first event of a consent that was changed, removed or slipped in; None when the chain holds."""
    consent = db.session.get(Consent, (patient_id, grant_id))
    if consent is None:
        raise NotFound("This consent does not exist.")
    events = ((_fields(event), event.hash) for event in list_events(patient_id, grant_id))
    return chain.first_broken(events, count=consent.event_count, head=consent.event_head)


def _fields(event: ConsentEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in chain.CHAINED}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An app that a patient turned down."""

    app_name: str
    publisher_name: str
    decided_at: datetime


def list_refused(patient_id: UUID, limit: int = 20) -> list[Refusal]:
    """The last requests that the patient refused themselves, the newest first."""
    refused = sa.select(ConsentRequest.app_name, ConsentRequest.publisher_name, ConsentRequest.decided_at).where(
        ConsentRequest.patient_id == patient_id,
        ConsentRequest.status == RequestStatus.REFUSED,
        ~ConsentRequest.silent,
    )
    rows = db.session.execute(refused.order_by(ConsentRequest.decided_at.desc()).limit(limit))
    return [Refusal(app, publisher, at) for app, publisher, at in rows if at]
