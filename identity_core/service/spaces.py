"""The life of a space: invitation, opening, opposition, closing; `destruction` is its end."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from identity_core.events import SpaceClosed, SpaceInvited, SpaceOpened, SpaceOpposed
from identity_core.gateway.ins import Traits
from identity_core.models import Patient
from identity_core.rules import IdentityStatus, months_after
from identity_core.service import mandates, people
from identity_core.workflow import SpaceState, SpaceVerb, next_state
from platform_core import audit, clock
from platform_core.access import SYSTEM, Actor
from platform_core.database import db
from platform_core.errors import NotFound
from platform_core.events import publish
from platform_core.health_identity import Ins

OPPOSITION_LASTS = timedelta(weeks=6)
KEPT_MONTHS = 120
"""How long what a closed space holds is kept: ten years after the closing (CSP art. L. 1111-18)."""


def invite_insured(*, traits: Traits, ins: Ins, email: str | None = None, used_name: str | None = None) -> UUID:
    """Put an insured person on the list: told now, the space opens by itself after the opposition period.

    Somebody known already is left as they are. Returns the patient's id.
    """
    known = people.find_patient_of(ins)
    if known:
        return known.id
    patient = people.enrol_patient(traits=traits, ins=ins, status=IdentityStatus.RECUP, used_name=used_name)
    patient.opens_on = clock.today() + OPPOSITION_LASTS
    people.set_email(patient, email)
    db.session.flush()
    audit.record("identity:space:invite", by=SYSTEM, object_type="patient", object_id=patient.id)
    publish(SpaceInvited(patient.id))
    return patient.id


def open_space(*, patient_id: UUID, by: Actor) -> None:
    """Open a space: by the person's wish, or by itself when nobody opposed. Raises `Conflict`."""
    move_space(patient_id, SpaceVerb.OPEN, by)
    publish(SpaceOpened(patient_id))


def oppose_space(*, patient_id: UUID, by: Actor) -> None:
    """Refuse the opening of a space. Raises `Conflict` when it is not waiting to open."""
    move_space(patient_id, SpaceVerb.OPPOSE, by)
    publish(SpaceOpposed(patient_id))


def close_space(*, patient_id: UUID, by: Actor) -> None:
    """Close an open space: whoever was let in is turned out by those who hear the event. Raises `Conflict`.

    What it holds is kept ten years, out of reach, and comes back if the space is opened again: `destruction` is what
    follows otherwise.
    """
    closed = move_space(patient_id, SpaceVerb.CLOSE, by)
    closed.destroys_on = months_after(clock.today(), KEPT_MONTHS)
    publish(SpaceClosed(patient_id, by))
    mandates.revoke_mandates(patient_id=patient_id, by=by)


def lock_patient(patient_id: UUID) -> Patient:
    """The row of a patient, for this transaction alone to change. Raises `NotFound`."""
    patient = db.session.scalar(sa.select(Patient).where(Patient.id == patient_id).with_for_update())
    if patient is None:
        raise NotFound("This patient does not exist.")
    return patient


def move_space(patient_id: UUID, verb: SpaceVerb, by: Actor) -> Patient:
    """The one writer of `space_state`. Raises `NotFound`, `Conflict` (`space-state`)."""
    patient = lock_patient(patient_id)
    before = SpaceState(patient.space_state)
    patient.space_state = next_state(before, verb)
    patient.opens_on, patient.destroys_on, patient.state_changed_at = None, None, clock.now()
    audit.record(f"identity:space:{verb}", by=by, object_type="patient", object_id=patient_id, before=before)
    db.session.flush()
    return patient
