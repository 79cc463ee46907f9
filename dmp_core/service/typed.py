"""Measures that the patient, or the one who acts for them, types in."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from dmp_core.categories import BMI, DAYS, KINDS, MOMENTS, Coding, Kind
from dmp_core.fhir import measures as fhir
from dmp_core.service.drafts import Author, draft, store
from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.errors import Fault, Invalid, NotFound

BY_HAND = "urn:ens:patient"


def get_typed_kind(name: str) -> Kind:
    """The kind of measure that a person may type in. Raises `NotFound`; BMI is computed."""
    kind = KINDS.get(name)
    if kind is None or name == BMI:
        raise NotFound(f"There is no measure {name!r} to type in.")
    return kind


def type_measure(
    *, patient_id: UUID, kind: Kind, values: Sequence[Decimal], at: datetime, circumstance: Coding | None, by: Actor
) -> bool:
    """Store a measure typed in: one value, or the systolic then the diastolic pressure.

    `circumstance` is the moment of a blood glucose or the number of days of a sensor mean. Returns whether the value is
    plausible. Raises `Invalid` (`future-measure`, `invalid-resource`).
    """
    if at > clock.now():
        raise Invalid(
            "A measure cannot be in the future.", code="future-measure", faults=[Fault("date", "is in the future.")]
        )
    reference = str(patient_id)
    resource = fhir.write_observation(
        kind, values, at, patient_reference=reference, extension=_extension(kind, circumstance)
    )
    judged = draft(resource, reference)
    row = store([judged], Author(patient_id, reference, patient_id, by.name, BY_HAND))[0]
    audit.record("dmp:measure:typed", by=by, object_type="measure", object_id=row.id)
    return judged.measure.is_plausible


def circumstances(kind: Kind) -> dict[Coding, str]:
    """What a person must choose beside the value of this kind, if anything."""
    if kind.moment == "required":
        return dict(MOMENTS)
    return dict(DAYS) if kind.days == "required" else {}


def _extension(kind: Kind, circumstance: Coding | None) -> dict[str, object] | None:
    if circumstance is None:
        return None
    return fhir.moment_extension(circumstance) if kind.moment == "required" else fhir.days_extension(circumstance)
