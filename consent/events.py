"""Domain events of the consent. The packages above hear them in the transaction of the act."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ConsentChanged:
    """What every event says; `grant_id` names the consent. Publish and hear the ones below, not this one."""

    grant_id: UUID
    patient_id: UUID
    app_id: UUID
    client_pk: UUID
    version: int


@dataclass(frozen=True, slots=True)
class ConsentGranted(ConsentChanged):
    """A patient said yes: a new consent is in force."""


@dataclass(frozen=True, slots=True)
class ConsentAmended(ConsentChanged):
    """A live consent has a new version; tokens given under the one before it may now be revoked."""


@dataclass(frozen=True, slots=True)
class ConsentPaused(ConsentChanged):
    """The patient closed every access until further notice."""


@dataclass(frozen=True, slots=True)
class ConsentResumed(ConsentChanged):
    """The patient lifted the pause."""


@dataclass(frozen=True, slots=True)
class ConsentRevoked(ConsentChanged):
    """The patient ended the consent."""


@dataclass(frozen=True, slots=True)
class ConsentExpired(ConsentChanged):
    """Its end passed, or every item was used up."""


@dataclass(frozen=True, slots=True)
class ConsentEnded(ConsentChanged):
    """The app ended it, or the authority withdrew the app."""


@dataclass(frozen=True, slots=True)
class SyncRequested(ConsentChanged):
    """The patient pressed « Synchroniser maintenant »: a window that does not count is open on every item."""


@dataclass(frozen=True, slots=True)
class ErasureRequested(ConsentChanged):
    """The patient asked the publisher to erase what its app copied under a consent that has ended (RGPD art. 17)."""


@dataclass(frozen=True, slots=True)
class AppToTell:
    """An app has something to be told: `event_id` names it (`consent.queries.app_events`), in the same transaction.

    `grant_id` and `client_pk` are None for what concerns the whole app.
    """

    event_id: UUID
    app_id: UUID
    client_pk: UUID | None
    grant_id: UUID | None
