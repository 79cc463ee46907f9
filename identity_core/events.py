"""What happens to the space of a patient."""

from dataclasses import dataclass
from uuid import UUID


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
    patient_id: UUID
