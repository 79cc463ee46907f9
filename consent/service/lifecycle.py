"""The life of a consent after it was granted. `_move` is the only writer of its status."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from consent.models import Consent
from consent.queries import consent_time, find_last_listing_note, is_listed
from consent.rules.facts import WINDOW
from consent.service.history import record_act
from consent.workflow import FINAL, LIVE, Status, Verb, apply
from platform_core import clock
from platform_core.access import SYSTEM, Actor
from platform_core.database import db
from platform_core.errors import Conflict, NotFound

_KINDS = {
    Verb.AMEND: "amended",
    Verb.PAUSE: "paused",
    Verb.RESUME: "resumed",
    Verb.REVOKE: "revoked",
    Verb.EXPIRE: "expired",
    Verb.END: "ended",
}


def pause_consent(*, patient_id: UUID, grant_id: UUID, by: Actor) -> None:
    """Close every access until the patient resumes. Raises `NotFound`, `Conflict` (`transition-refused`)."""
    _move(lock_consent(patient_id, grant_id), Verb.PAUSE, by=by)


def resume_consent(*, patient_id: UUID, grant_id: UUID, by: Actor) -> None:
    """Lift the pause. Raises `NotFound`, `Conflict` (`transition-refused`)."""
    _move(lock_consent(patient_id, grant_id), Verb.RESUME, by=by)


def revoke_consent(*, patient_id: UUID, grant_id: UUID, by: Actor) -> None:
    """End the consent by the patient's will; the next call of the app is refused. Raises `NotFound`, `Conflict`."""
    _move(lock_consent(patient_id, grant_id), Verb.REVOKE, by=by)


def end_consent(*, patient_id: UUID, grant_id: UUID, by: Actor, reason: str = "application") -> None:
    """End the consent by the app's will, or the authority's (`reason="withdrawal"`).

    An app may say it twice: ending what has ended does nothing. Raises `NotFound`.
    """
    consent = lock_consent(patient_id, grant_id)
    if consent.status not in FINAL:
        _move(consent, Verb.END, by=by, reason=reason)


def record_expiry(*, patient_id: UUID, grant_id: UUID, reason: str) -> None:
    """Write down that a consent has ended by itself (`date` or `exhausted`), which calls already feel.

    Does nothing when it is final.
    """
    consent = lock_consent(patient_id, grant_id)
    if consent.status not in FINAL:
        _move(consent, Verb.EXPIRE, by=SYSTEM, reason=reason)


def note_listing_change(*, patient_id: UUID, grant_id: UUID) -> None:
    """Write in the history of a live consent, and tell the patient, that the app is now suspended or reinstated.

    The status does not change: a suspension is read from the listing at each call. What the history says already is
    not written again.
    """
    consent = lock_consent(patient_id, grant_id)
    kind = "reinstated" if is_listed(consent.app_id) else "suspended"
    known = find_last_listing_note(patient_id, grant_id) or "reinstated"
    if consent.status in LIVE and kind != known:
        record_act(consent, kind, by=SYSTEM)


def request_presence_window(*, patient_id: UUID, grant_id: UUID, by: Actor) -> None:
    """« Synchroniser maintenant »: for 15 minutes every item is open and nothing is counted; the app is told.

    Raises `NotFound`, `Conflict` (`not-active`, `application-suspended`).
    """
    consent = lock_consent(patient_id, grant_id)
    now = consent_time(client_pk=consent.client_pk, patient_id=patient_id)
    if consent.status != Status.ACTIVE or now >= consent.valid_until:
        raise Conflict("Only an active consent can be synchronised.", code="not-active")
    if consent.environment == "production" and not is_listed(consent.app_id):
        raise Conflict("The referencing of this app is suspended.", code="application-suspended")
    consent.presence_until = min(now + WINDOW, consent.valid_until)
    record_act(consent, "sync_requested", by=by)


def lock_consent(patient_id: UUID, grant_id: UUID) -> Consent:
    """The consent, its row locked until the end of the transaction. Raises `NotFound`."""
    query = sa.select(Consent).where(Consent.patient_id == patient_id, Consent.id == grant_id)
    consent = db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if consent is None:
        raise NotFound("This consent does not exist.")
    return consent


def amend(consent: Consent, *, by: Actor, **details: Any) -> None:
    """Say that the locked consent has a new version."""
    _move(consent, Verb.AMEND, by=by, **details)


def expire(consent: Consent) -> None:
    """Write down the end of a locked consent whose date has passed."""
    _move(consent, Verb.EXPIRE, by=SYSTEM, reason="date")


def _move(consent: Consent, verb: Verb, *, by: Actor, **details: Any) -> None:
    """The one path of every change of status: table, row, event, audit, message. The row is locked.

    Raises `Conflict` (`transition-refused`).
    """
    consent.status = apply(Status(consent.status), verb)
    if consent.status != Status.ACTIVE:
        consent.presence_until = None
    if consent.status in FINAL:
        consent.closed_at = clock.now()
    record_act(consent, _KINDS[verb], by=by, **details)
