"""What the patient, or the one who acts for them, tells of their health."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from dmp_core.fhir.profile import write_absence, write_told
from dmp_core.models.entries import EntryRow
from dmp_core.queries.profile import find_answer, list_told_absences
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.profile.steps import Step
from dmp_core.rules.profile.told import Told, faults
from dmp_core.service.entries.typed import change_typed_entry, remove_typed_entry, type_entry
from platform_core import clock
from platform_core.access import Actor
from platform_core.errors import Conflict, Invalid


def tell(*, patient_id: UUID, born: date, step: Step, told: Told, by: Actor) -> UUID:
    """Add what was told; saying that there is nothing no longer stands. Its id.

    Raises `Invalid` (`invalid-profile`) with a fault for each field.
    """
    _check(step, told, born)
    _forget_absence(patient_id, step, by)
    resource = write_told(step, told, recorded=clock.today())
    return type_entry(patient_id=patient_id, kind=step.kind, resource=resource, by=by).id


def change_told(*, patient_id: UUID, born: date, step: Step, entry_id: UUID, told: Told, by: Actor) -> None:
    """Correct what was told. Raises `NotFound` for what was not typed by hand, `Invalid` (`invalid-profile`)."""
    _check(step, told, born)
    resource = write_told(step, told, recorded=clock.today())
    change_typed_entry(patient_id=patient_id, kind=step.kind, entry_id=entry_id, resource=resource, by=by)


def take_back_told(*, patient_id: UUID, step: Step, entry_id: UUID, by: Actor) -> None:
    """Take back what was told. Raises `NotFound`."""
    remove_typed_entry(patient_id=patient_id, kind=step.kind, entry_id=entry_id, by=by)


def tell_absence(*, patient_id: UUID, step: Step, known: bool, by: Actor) -> None:
    """Say that there is nothing (`known`), or that the patient does not know.

    Raises `Conflict` (`profile-not-empty`) while the record holds something that the one who says so may see.
    """
    if find_answer(patient_id=patient_id, viewer=Viewer.of(by), step=step).rows:
        raise Conflict("The record holds something: take it back first.", code="profile-not-empty")
    _forget_absence(patient_id, step, by)
    absence = step.none if known else step.unknown
    resource = write_absence(step, absence, recorded=clock.today())
    type_entry(patient_id=patient_id, kind=step.kind, resource=resource, by=by)


def _check(step: Step, told: Told, born: date) -> None:
    if found := list(faults(step, told, born=born, today=clock.today())):
        raise Invalid("This cannot be kept in the profile so.", code="invalid-profile", faults=found)


def _forget_absence(patient_id: UUID, step: Step, by: Actor) -> None:
    stated: Sequence[EntryRow] = list_told_absences(patient_id=patient_id, step=step)
    for row in stated:
        remove_typed_entry(patient_id=patient_id, kind=step.kind, entry_id=row.id, by=by)
