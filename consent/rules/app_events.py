"""What apps are told of their consents and of their referencing, in the words of the webhooks. Pure."""

from enum import StrEnum


class AppEventType(StrEnum):
    """The `type` of a webhook. None says anything about health."""

    GRANTED = "consent.granted"
    AMENDED = "consent.amended"
    PAUSED = "consent.paused"
    RESUMED = "consent.resumed"
    REVOKED = "consent.revoked"
    EXPIRED = "consent.expired"
    ENDED = "consent.ended"
    SYNC_REQUESTED = "sync.requested"
    ERASURE_REQUESTED = "erasure.requested"
    SUSPENDED = "application.suspended"
    REINSTATED = "application.reinstated"
    WITHDRAWN = "application.withdrawn"
