"""What the consent hears of the store and of the spaces.

Calls read the listing live: a cascade writes the histories and tells people.
"""

from consent import queries
from consent.events import ConsentChanged
from consent.rules.cascade import Change
from consent.service import cascades, lifecycle, representations, requests
from identity_core.events import RepresentationMoved, SpaceClosed
from store import events


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


def revoke_all(event: SpaceClosed) -> None:
    """Closing a space revokes what its patient had granted, in the same transaction."""
    for consent in queries.list_states(event.patient_id):
        if consent.is_live:
            lifecycle.revoke_consent(patient_id=event.patient_id, grant_id=consent.grant_id, by=event.by)
