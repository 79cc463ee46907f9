"""What happens to the space of a patient, and who is asked to join an organisation."""

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
class SignedOut:
    """Somebody ended this sign-in of a browser."""

    session_id: UUID


@dataclass(frozen=True, slots=True)
class MemberInvited:
    """Somebody is asked, at this address, to join an organisation."""

    organisation_id: UUID
    email: str
