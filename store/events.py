"""Domain events of the referencing. The packages above hear them in the transaction of the act."""

from dataclasses import dataclass
from uuid import UUID

from platform_core.access import Actor


@dataclass(frozen=True, slots=True)
class ApplicationListed:
    """An application entered the catalogue, or its listing was replaced by a newer version."""

    application_id: UUID


@dataclass(frozen=True, slots=True)
class ApplicationSuspended:
    """The authority froze the listing: every consent of the application is closed until it is reinstated."""

    application_id: UUID


@dataclass(frozen=True, slots=True)
class ApplicationReinstated:
    """The suspension was lifted: each consent is again in the state that it had."""

    application_id: UUID


@dataclass(frozen=True, slots=True)
class ApplicationWithdrawn:
    """The listing ended for good: the consents of the application end with it."""

    application_id: UUID


@dataclass(frozen=True, slots=True)
class ApplicationExpired:
    """The listing passed its last day and was not renewed: the consents of the application end with it."""

    application_id: UUID


@dataclass(frozen=True, slots=True)
class IncidentMadeKnown:
    """The authority has those who authorized an application told of an incident, in the words of `text`."""

    application_id: UUID
    text: str
    by: Actor
