"""The life of a space: invitation, opening, opposition, closing."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from identity_core.events import SpaceClosed, SpaceInvited, SpaceOpened, SpaceOpposed
from identity_core.gateway.ins import Traits
from identity_core.models import Patient
from identity_core.rules import IdentityStatus
from identity_core.service import mandates, people
from identity_core.workflow import SpaceState, SpaceVerb, next_state
from platform_core import audit, clock
from platform_core.access import SYSTEM, Actor
from platform_core.database import db
from platform_core.errors import NotFound
from platform_core.events import publish
from platform_core.health_identity import Ins

OPPOSITION_LASTS = timedelta(weeks=6)


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
    _move_space(patient_id, SpaceVerb.OPEN, by)
    publish(SpaceOpened(patient_id))


def oppose_space(*, patient_id: UUID, by: Actor) -> None:
    """Refuse the opening of a space. Raises `Conflict` when it is not waiting to open."""
    _move_space(patient_id, SpaceVerb.OPPOSE, by)
    publish(SpaceOpposed(patient_id))


def close_space(*, patient_id: UUID, by: Actor) -> None:
    """Close an open space: whoever was let in is turned out by those who hear the event. Raises `Conflict`.

    What it holds is kept, out of reach, and comes back if the space is opened again: destroying it is another act.
    """
    _move_space(patient_id, SpaceVerb.CLOSE, by)
    publish(SpaceClosed(patient_id, by))
    mandates.revoke_mandates(patient_id=patient_id, by=by)


def _move_space(patient_id: UUID, verb: SpaceVerb, by: Actor) -> None:
    """The one writer of `space_state`."""
    patient = db.session.scalar(sa.select(Patient).where(Patient.id == patient_id).with_for_update())
    if patient is None:
        raise NotFound("This patient does not exist.")
    before = SpaceState(patient.space_state)
    patient.space_state = next_state(before, verb)
    patient.opens_on, patient.state_changed_at = None, clock.now()
    audit.record(f"identity:space:{verb}", by=by, object_type="patient", object_id=patient_id, before=before)
    db.session.flush()
