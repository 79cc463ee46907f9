"""The end of a space: what a closed one holds is destroyed, when its time has come or sooner when it is asked for.

The key goes first, so that nothing can be read any more; files and rows follow in batches, which may be cut anywhere
and taken up again; the person is forgotten last, unless they still act for somebody.
"""

from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa

from identity_core import queries
from identity_core.events import SpaceDestroyed
from identity_core.models import BrowserSession, Patient, Person
from identity_core.rules import months_after
from identity_core.service.spaces import KEPT_MONTHS, lock_patient, move_space
from identity_core.workflow import SpaceState, SpaceVerb
from platform_core import audit, clock, crypto
from platform_core.access import SYSTEM, Actor
from platform_core.database import db
from platform_core.errors import Conflict
from platform_core.events import publish

REGRET_LASTS = timedelta(days=30)
"""How long one may go back on asking for the destruction."""

_NO_DATE = date(1900, 1, 1)


def ask_destruction(*, patient_id: UUID, by: Actor) -> date:
    """Have what a closed space holds destroyed without waiting for the ten years (GDPR art. 17).

    Returns the first day on which it may be gone. Raises `NotFound`, `Conflict` (`space-state`).
    """
    patient = _lock_closed(patient_id)
    patient.destroys_on = min(clock.today() + REGRET_LASTS, _end_of_keeping(patient))
    audit.record("identity:space:ask-destruction", by=by, object_type="patient", object_id=patient_id)
    return patient.destroys_on


def keep_closed(*, patient_id: UUID, by: Actor) -> None:
    """Go back on asking: what it holds is kept ten years. Raises `NotFound`, `Conflict` (`space-state`)."""
    patient = _lock_closed(patient_id)
    patient.destroys_on = _end_of_keeping(patient)
    audit.record("identity:space:keep-closed", by=by, object_type="patient", object_id=patient_id)


def begin_destruction(*, patient_id: UUID) -> bool:
    """Destroy the key of a closed space whose day has come, and end its sign-ins; whether anything is to be destroyed.

    True also for one that was begun before, and for one left to a person who has ceased to act for others.
    """
    patient = lock_patient(patient_id)
    if patient.destroys_on is None or patient.destroys_on > clock.today():
        return False
    if patient.space_state == SpaceState.DESTROYED and _acts_for_others(patient_id):
        patient.destroys_on = clock.today() + REGRET_LASTS
        return False
    if patient.space_state == SpaceState.CLOSED:
        due = patient.destroys_on
        crypto.destroy_patient_key(patient_id)
        move_space(patient_id, SpaceVerb.DESTROY, SYSTEM).destroys_on = due
        publish(SpaceDestroyed(patient_id))
    return True


def finish_destruction(*, patient_id: UUID) -> None:
    """Say that no row is left, and forget the person: no trait, no matricule, no way to sign in.

    Somebody who acts for others is forgotten when they no longer do. Raises `NotFound`, `Conflict` (`space-state`).
    """
    patient = lock_patient(patient_id)
    if patient.space_state != SpaceState.DESTROYED:
        move_space(patient_id, SpaceVerb.FORGET, SYSTEM)
    if _acts_for_others(patient_id):
        patient.destroys_on = clock.today() + REGRET_LASTS
        return
    patient.destroys_on = None
    _forget_traits(patient)
    _forget_person(patient_id)


def _forget_traits(patient: Patient) -> None:
    patient.ins_sealed = patient.ins_lookup = patient.ins_oid = patient.email_sealed = None
    patient.birth_family_name = patient.birth_given_names = patient.birth_place = ""
    patient.used_name = patient.region = None
    patient.birth_date, patient.sex = _NO_DATE, "unknown"


def _forget_person(patient_id: UUID) -> None:
    """The row stays, for what names its id alone; nobody signs in as it, and who was signed in no longer is."""
    person = db.session.scalar(sa.select(Person).where(Person.patient_id == patient_id))
    if person is None:
        return
    person.issuer, person.subject = "", str(person.id)
    person.email_sealed = person.last_signed_in_at = None
    theirs = BrowserSession.data["sign_in.citizen"]["id"].astext == str(person.id)
    db.session.execute(sa.delete(BrowserSession).where(theirs))


def _lock_closed(patient_id: UUID) -> Patient:
    patient = lock_patient(patient_id)
    if patient.space_state != SpaceState.CLOSED:
        raise Conflict("Only a closed space is destroyed: close it first.", code="space-state")
    return patient


def _end_of_keeping(patient: Patient) -> date:
    return months_after(patient.state_changed_at.astimezone(clock.PARIS).date(), KEPT_MONTHS)


def _acts_for_others(patient_id: UUID) -> bool:
    person_id = queries.find_person_id(patient_id)
    return person_id is not None and queries.acts_for_others(person_id)
