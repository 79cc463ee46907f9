"""What the consent hears of the store and of the spaces.

Calls read the listing live: the tasks write histories and tell people.
"""

from consent import queries
from consent.service import lifecycle
from identity_core.events import SpaceClosed
from platform_core import outbox
from store import events


def end_consents(event: events.ApplicationWithdrawn) -> None:
    outbox.enqueue("consent.end_for_application", event.application_id)


def note_listing_change(event: events.ApplicationSuspended | events.ApplicationReinstated) -> None:
    outbox.enqueue("consent.note_listing_change", event.application_id)


def revoke_all(event: SpaceClosed) -> None:
    """Closing a space revokes what its patient had granted, in the same transaction."""
    for consent in queries.list_states(event.patient_id):
        if consent.is_live:
            lifecycle.revoke_consent(patient_id=event.patient_id, grant_id=consent.grant_id, by=event.by)
