"""Where a person says that they live: only the region, only when they choose to tell it."""

from uuid import UUID

from identity_core.models import Patient
from identity_core.rules import REGIONS
from platform_core import audit
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Invalid, NotFound


def state_region(*, patient_id: UUID, region: str | None, by: Actor) -> None:
    """Keep the INSEE code of the region, or forget it (None). Raises `Invalid` (`unknown-region`), `NotFound`."""
    if region is not None and region not in REGIONS:
        raise Invalid("This is no region of France.", code="unknown-region")
    patient = db.session.get(Patient, patient_id, with_for_update=True)
    if patient is None:
        raise NotFound("This patient does not exist.")
    patient.region = region
    verb = "state" if region else "forget"
    audit.record(f"identity:region:{verb}", by=by, object_type="patient", object_id=patient_id)
    db.session.flush()
