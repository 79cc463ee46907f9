"""The life of a consent after it was granted. `_move` is the only writer of its status."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from consent.models import Consent
from consent.queries import FROZEN, consent_time, get_state, list_listing_notes
from consent.rules.cascade import Decided, ends_consents, to_write
from consent.rules.facts import WINDOW
from consent.service.deciders import check_decider
from consent.service.history import record_act
from consent.workflow import FINAL, Status, Verb, apply
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
    _move(lock_live(patient_id, grant_id), Verb.PAUSE, by=by)


def resume_consent(*, patient_id: UUID, grant_id: UUID, by: Actor) -> None:
    """Lift the pause. Raises `NotFound`, `Conflict` (`transition-refused`), `OutsideMandate`."""
    consent = lock_live(patient_id, grant_id)
    check_decider(get_state(patient_id, grant_id).permissions, by=by)
    _move(consent, Verb.RESUME, by=by)


def revoke_consent(*, patient_id: UUID, grant_id: UUID, reasons: Sequence[str] = (), by: Actor) -> None:
    """End the consent by the patient's will; the next call of the app is refused. `reasons` stay in its history.

    Raises `NotFound`, `Conflict` (`transition-refused`).
    """
    details = {"reasons": [str(reason) for reason in reasons]} if reasons else {}
    _move(lock_live(patient_id, grant_id), Verb.REVOKE, by=by, **details)


def end_consent(*, patient_id: UUID, grant_id: UUID, by: Actor) -> None:
    """End the consent by the app's will.

    An app may say it twice: ending what has ended, be it by itself, does nothing. Raises `NotFound`.
    """
    consent = lock_consent(patient_id, grant_id)
    if get_state(patient_id, grant_id).is_live:
        _move(consent, Verb.END, by=by, reason="application")


def record_expiry(*, patient_id: UUID, grant_id: UUID, reason: str) -> None:
    """Write down that a consent has ended by itself (`date` or `exhausted`), which calls already feel.

    Does nothing when it is final.
    """
    consent = lock_consent(patient_id, grant_id)
    if consent.status not in FINAL:
        expire(consent, reason=reason)


def follow_listing(*, patient_id: UUID, grant_id: UUID, decided: Sequence[Decided]) -> bool:
    """Bring a live consent up to date with what was `decided` on its app, whatever of it was written before.

    A suspension and a reinstatement are written in its history and change no status: calls read the listing. The end of
    the referencing ends it. Does nothing when it is final. Returns whether the patient was told.
    """
    consent = lock_consent(patient_id, grant_id)
    if consent.status in FINAL:
        return False
    if consent.valid_until <= clock.now():
        expire(consent, reason="date")
        return False
    told = False
    for one, tell in to_write(decided, list_listing_notes(patient_id, grant_id), consent.valid_from):
        told = told or tell
        if ends_consents(one.change):
            _move(consent, Verb.END, by=SYSTEM, reason=str(one.change))
            break
        details = {"change": one.number, "told": tell, "decided_at": one.at.isoformat()}
        record_act(consent, one.change, by=SYSTEM, tell=tell, **details)
    return told


def request_presence_window(*, patient_id: UUID, grant_id: UUID, by: Actor) -> None:
    """« Synchroniser maintenant »: for 15 minutes every item is open and nothing is counted; the app is told.

    Raises `NotFound`, `Conflict` (`not-active`, `application-suspended`), `OutsideMandate`.
    """
    consent = lock_consent(patient_id, grant_id)
    state = get_state(patient_id, grant_id)
    check_decider(state.permissions, by=by)
    if state.stored is not Status.ACTIVE:
        raise Conflict("Only an active consent can be synchronised.", code="not-active")
    if state.status == FROZEN:
        raise Conflict("The referencing of this app is suspended.", code="application-suspended")
    now = consent_time(client_pk=consent.client_pk, patient_id=patient_id)
    consent.presence_until = min(now + WINDOW, consent.valid_until)
    record_act(consent, "sync_requested", by=by)


def lock_consent(patient_id: UUID, grant_id: UUID) -> Consent:
    """The consent, its row locked until the end of the transaction. Raises `NotFound`."""
    query = sa.select(Consent).where(Consent.patient_id == patient_id, Consent.id == grant_id)
    consent = db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if consent is None:
        raise NotFound("This consent does not exist.")
    return consent


def lock_live(patient_id: UUID, grant_id: UUID) -> Consent:
    """The consent, locked, for an act of its patient.

    Raises `NotFound`, `Conflict` (`transition-refused`) once it has ended, be it by its date, by exhaustion or with the
    referencing of its app, whatever a task has recorded yet.
    """
    consent = lock_consent(patient_id, grant_id)
    if not get_state(patient_id, grant_id).is_live:
        raise Conflict("This consent has ended.", code="transition-refused")
    return consent


def amend(consent: Consent, *, by: Actor, **details: Any) -> None:
    """Say that the locked consent has a new version."""
    _move(consent, Verb.AMEND, by=by, **details)


def expire(consent: Consent, *, reason: str) -> None:
    """Write down that a locked consent has ended by itself (`date` or `exhausted`)."""
    _move(consent, Verb.EXPIRE, by=SYSTEM, reason=reason)


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
