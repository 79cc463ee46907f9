"""What the consent hears of the store and of the spaces.

Calls read the listing live: a cascade writes the histories and tells people.
"""

from consent import queries
from consent.rules.cascade import Change
from consent.service import cascades, lifecycle
from identity_core.events import SpaceClosed
from store import events


def follow_suspension(event: events.ApplicationSuspended) -> None:
    cascades.open_cascade(application_id=event.application_id, change=Change.SUSPENDED)


def follow_reinstatement(event: events.ApplicationReinstated) -> None:
    cascades.open_cascade(application_id=event.application_id, change=Change.REINSTATED)


def follow_withdrawal(event: events.ApplicationWithdrawn) -> None:
    cascades.open_cascade(application_id=event.application_id, change=Change.WITHDRAWN)


def follow_expiry(event: events.ApplicationExpired) -> None:
    cascades.open_cascade(application_id=event.application_id, change=Change.EXPIRED)


def revoke_all(event: SpaceClosed) -> None:
    """Closing a space revokes what its patient had granted, in the same transaction."""
    for consent in queries.list_states(event.patient_id):
        if consent.is_live:
            lifecycle.revoke_consent(patient_id=event.patient_id, grant_id=consent.grant_id, by=event.by)
