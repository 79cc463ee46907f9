"""What every act on a consent leaves behind: a chained event, a receipt, an audit line, a domain event, a message."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from consent import events
from consent.models import Consent, ConsentEvent
from consent.queries.proofs import export_path
from consent.rules import chain
from consent.rules.calendar import last_day
from consent.service.receipts import issue_receipt
from notification_core import service as notifications
from platform_core import audit, clock
from platform_core import events as bus
from platform_core.access import Actor, ActorKind
from platform_core.database import after_commit, db
from platform_core.french import day_in_words

_PUBLISHED: dict[str, type[events.ConsentChanged]] = {
    "granted": events.ConsentGranted,
    "amended": events.ConsentAmended,
    "paused": events.ConsentPaused,
    "resumed": events.ConsentResumed,
    "revoked": events.ConsentRevoked,
    "expired": events.ConsentExpired,
    "ended": events.ConsentEnded,
    "sync_requested": events.SyncRequested,
    "erasure_asked": events.ErasureRequested,
}
_NOTICES = json.loads((Path(__file__).parent.parent / "data" / "notices-fr.json").read_text("utf-8"))


def record_act(consent: Consent, kind: str, *, by: Actor, tell: bool = True, **details: Any) -> None:
    """Write that `by` did this to the consent, whose row is locked, and tell whoever must know.

    `details` hold no health data: the events are shown, audited and exported. Without `tell` the patient gets no
    message.
    """
    _chain_event(consent, kind, by, details)
    audit.record(f"consent:consent:{kind}", by=by, object_type="consent", object_id=consent.id, **details)
    if kind in _PUBLISHED:
        names = consent.id, consent.patient_id, consent.app_id, consent.client_pk, consent.version
        bus.publish(_PUBLISHED[kind](*names))
    if tell and kind in _NOTICES:
        _notify(consent, kind, by)


def _chain_event(consent: Consent, kind: str, by: Actor, details: dict[str, Any]) -> None:
    fields = {
        "patient_id": consent.patient_id,
        "consent_id": consent.id,
        "sequence": consent.event_count + 1,
        "occurred_at": clock.now(),
        "kind": kind,
        "version": consent.version,
        "actor_kind": str(by.kind),
        "actor_id": by.id,
        "actor_name": by.name,
        "on_behalf_of": by.on_behalf_of,
        "details": details,
    }
    consent.event_head = chain.event_hash(consent.event_head, fields)
    consent.event_count += 1
    event = ConsentEvent(**fields, hash=consent.event_head)
    db.session.add(event)
    db.session.flush()
    after_commit(lambda: _export(event))
    issue_receipt(consent, {**fields, "hash": consent.event_head})


def _export(event: ConsentEvent) -> None:
    """Append the head of the chain to a file outside the database. An event whose savepoint was undone is no more."""
    if not sa.inspect(event).detached:
        return
    _append({"consent": str(event.consent_id), "sequence": event.sequence, "hash": event.hash.hex()})


def export_destruction(*, patient_id: UUID) -> None:
    """Write outside the database that the consents of a patient are being destroyed: their rows may then be missing.

    Before the commit: a line too many accuses nobody, a line that lacks would.
    """
    for consent_id in db.session.scalars(sa.select(Consent.id).where(Consent.patient_id == patient_id)):
        _append({"consent": str(consent_id), "destroyed": clock.now().isoformat()})


def _append(line: dict[str, object]) -> None:
    path = export_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(b"\n" + json.dumps(line).encode())


def _notify(consent: Consent, kind: str, by: Actor) -> None:
    """Tell the space; what a helper, a representative or the platform decided is never said to be the patient's act."""
    until = day_in_words(last_day(consent.valid_until))
    names = {"app": consent.app_name, "publisher": consent.publisher_name, "until": until, "by": by.name}
    words = _NOTICES[kind] if by.kind is ActorKind.PATIENT else _NOTICES.get(f"{kind}_by_another", _NOTICES[kind])
    notifications.notify(
        patient_id=consent.patient_id,
        kind=f"consent.{kind}",
        title=words["title"].format(**names),
        body=words["body"].format(**names),
        link=f"/espace/applications/{consent.id}",
        by=by,
    )
