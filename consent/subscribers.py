"""What the consent hears of the store and of the spaces.

Calls read the listing live: a cascade writes the histories and tells people.
"""

from typing import Any

from consent.events import ConsentChanged
from consent.rules.app_events import AppEventType
from consent.rules.cascade import Change
from consent.service import announcements, app_events, cascades, history, representations, requests, withdrawal
from identity_core.events import RepresentationMoved, SpaceClosed, SpaceDestroyed
from platform_core.events import subscribe
from store import events

_LISTING = {
    events.ApplicationSuspended: (AppEventType.SUSPENDED, "suspended"),
    events.ApplicationReinstated: (AppEventType.REINSTATED, "reinstated"),
    events.ApplicationWithdrawn: (AppEventType.WITHDRAWN, "withdrawn"),
    events.ApplicationExpired: (AppEventType.WITHDRAWN, "expired"),
}


def follow_suspension(event: events.ApplicationSuspended) -> None:
    cascades.open_cascade(application_id=event.application_id, change=Change.SUSPENDED)


def follow_reinstatement(event: events.ApplicationReinstated) -> None:
    cascades.open_cascade(application_id=event.application_id, change=Change.REINSTATED)


def follow_withdrawal(event: events.ApplicationWithdrawn) -> None:
    requests.withdraw_requests(app_id=event.application_id)
    cascades.open_cascade(application_id=event.application_id, change=Change.WITHDRAWN)


def follow_expiry(event: events.ApplicationExpired) -> None:
    requests.withdraw_requests(app_id=event.application_id)
    cascades.open_cascade(application_id=event.application_id, change=Change.EXPIRED)


def announce_incident(event: events.IncidentMadeKnown) -> None:
    """Those who authorized the app are told of an incident, as the authority decided."""
    announcements.announce_incident(application_id=event.application_id, text=event.text, by=event.by)


def tell_app_of_consent(event: ConsentChanged) -> None:
    """What happens to a consent is told to its app, once the act is committed."""
    app_events.tell_of_consent(event)


def tell_app_of_listing(event: Any) -> None:
    """A suspension, a reinstatement or an end: one event for the whole app, whose consents all follow."""
    kind, reason = _LISTING[type(event)]
    app_events.tell_of_listing(application_id=event.application_id, type=kind, reason=reason)


def init_app_events() -> None:
    """Hear everything that apps are told of."""
    for act in app_events.TYPES:
        subscribe(act, tell_app_of_consent)
    for change in _LISTING:
        subscribe(change, tell_app_of_listing)


def close_questions(event: ConsentChanged) -> None:
    """A consent that its patient or its app ended is no longer to renew or to amend."""
    requests.close_questions(patient_id=event.patient_id, grant_id=event.grant_id)


def end_with_representation(event: RepresentationMoved) -> None:
    """What somebody decided for a patient ends with their right to, in the same transaction."""
    if event.ends and event.person_id:
        representations.follow_end(
            patient_id=event.patient_id,
            person_id=event.person_id,
            representation_id=event.representation_id,
            by=event.by,
        )


def tell_of_destruction(event: SpaceDestroyed) -> None:
    """The proofs kept outside the database learn that the rows are about to go, and by which act."""
    history.export_destruction(patient_id=event.patient_id)


def revoke_all(event: SpaceClosed) -> None:
    """Closing a space revokes what its patient had granted, in the same transaction."""
    withdrawal.stop_everything(patient_id=event.patient_id, by=event.by)
