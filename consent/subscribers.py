"""What the consent hears of the store. Calls read the listing live: the tasks write histories and tell people."""

from platform_core import outbox
from store import events


def end_consents(event: events.ApplicationWithdrawn) -> None:
    outbox.enqueue("consent.end_for_application", event.application_id)


def note_suspension(event: events.ApplicationSuspended) -> None:
    outbox.enqueue("consent.note_listing_change", event.application_id, "suspended")


def note_reinstatement(event: events.ApplicationReinstated) -> None:
    outbox.enqueue("consent.note_listing_change", event.application_id, "reinstated")
