"""What happens to the space of a patient, who may act for them, and who is asked to join an organisation."""

from dataclasses import dataclass
from uuid import UUID

from platform_core.access import Actor


@dataclass(frozen=True, slots=True)
class SpaceInvited:
    """The space of this patient will open by itself unless somebody opposes."""

    patient_id: UUID


@dataclass(frozen=True, slots=True)
class SpaceOpened:
    patient_id: UUID


@dataclass(frozen=True, slots=True)
class SpaceOpposed:
    patient_id: UUID


@dataclass(frozen=True, slots=True)
class SpaceClosed:
    """The patient, or the one who represents them, closed the space: nothing may reach it from this moment."""

    patient_id: UUID
    by: Actor


@dataclass(frozen=True, slots=True)
class SpaceDestroyed:
    """What the space held can no longer be read: its rows and files are about to go."""

    patient_id: UUID


@dataclass(frozen=True, slots=True)
class RepresentationRecorded:
    """The law or a judge lets this person act for the patient."""

    representation_id: UUID
    patient_id: UUID
    person_id: UUID


@dataclass(frozen=True, slots=True)
class MandateProposed:
    """A patient asks somebody, at this address, to help them."""

    patient_id: UUID
    email: str


@dataclass(frozen=True, slots=True)
class RepresentationMoved:
    """A representation has another state, `after`. `person_id` is None while nobody has answered a mandate.

    `ends`: somebody who could act for the patient no longer may; `by_age`: because the patient has come of age.
    """

    representation_id: UUID
    patient_id: UUID
    person_id: UUID | None
    kind: str
    after: str
    ends: bool
    by_age: bool
    by: Actor


@dataclass(frozen=True, slots=True)
class SignedOut:
    """Somebody ended this sign-in of a browser."""

    session_id: UUID


@dataclass(frozen=True, slots=True)
class MemberInvited:
    """Somebody is asked, at this address, to join an organisation."""

    organisation_id: UUID
    email: str
