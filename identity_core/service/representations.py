"""The right to act for a patient, recorded from the law; `move` alone changes the state of any representation."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa

from identity_core import queries
from identity_core.events import RepresentationMoved, RepresentationRecorded
from identity_core.models import Representation
from identity_core.rules import LEGAL, Mandate, RepresentationKind
from identity_core.workflow import (
    RepresentationState,
    RepresentationVerb,
    next_representation_state,
    verb_of_time,
)
from platform_core import audit, clock, crypto
from platform_core.access import SYSTEM, Actor
from platform_core.database import db
from platform_core.errors import Fault, Forbidden, Invalid, NotFound
from platform_core.events import publish
from platform_core.ids import uuid7


def record_representation(
    *,
    patient_id: UUID,
    person_id: UUID,
    kind: RepresentationKind,
    valid_from: date,
    valid_until: date | None = None,
    reference: str = "",
    by: Actor,
) -> UUID:
    """Record what the law or a judge gives, once the authority has seen the act; the patient's space is told.

    `reference` names the act (a judgment and its date) and is needed for a guardianship. What the person held before
    for this patient ends. The transaction is bound to the patient. Returns the id. Raises `Invalid`
    (`invalid-representation`), `NotFound`.
    """
    _check_recorded(patient_id, person_id, kind, valid_from, valid_until, reference)
    representation_id = add_representation(
        patient_id=patient_id,
        person_id=person_id,
        kind=kind,
        valid_from=valid_from,
        valid_until=valid_until,
        reference=reference,
        by=by,
    )
    publish(RepresentationRecorded(representation_id, patient_id, person_id))
    return representation_id


def add_representation(
    *,
    patient_id: UUID,
    person_id: UUID,
    kind: RepresentationKind,
    valid_from: date,
    valid_until: date | None = None,
    reference: str = "",
    limits: Mandate | None = None,
    by: Actor,
) -> UUID:
    """Let a person act for a patient from a date, without telling anybody; what they held for that patient ends."""
    end_active(patient_id, person_id, by=by)
    added = new_representation(patient_id, kind, RepresentationState.ACTIVE, valid_from, valid_until, limits)
    added.person_id = person_id
    if reference:
        added.reference_sealed = crypto.seal(reference.encode(), f"identity:representation:{added.id}")
    db.session.add(added)
    db.session.flush()
    audit_act("record", added, by)
    return added.id


def end_representation(*, representation_id: UUID, by: Actor) -> None:
    """Record that what the law gave has ended before its date: a measure lifted, an authority withdrawn.

    The transaction is bound to the patient. Raises `NotFound`, `Conflict` (`representation-state`).
    """
    found = lock(representation_id)
    if found.kind not in LEGAL:
        raise NotFound("No parental authority or guardianship has this id.")
    move(found, RepresentationVerb.END, by=by)


def record_lapse(*, representation_id: UUID) -> None:
    """Write down what time has ended already; does nothing otherwise. The transaction is bound to the patient."""
    lapse(lock(representation_id))


def new_representation(
    patient_id: UUID,
    kind: RepresentationKind,
    state: RepresentationState,
    valid_from: date,
    valid_until: date | None,
    limits: Mandate | None,
) -> Representation:
    """A representation that is not in the database yet."""
    return Representation(
        id=uuid7(),
        patient_id=patient_id,
        kind=kind,
        state=state,
        powers=sorted(limits.powers) if limits else [],
        excluded=sorted(limits.excluded) if limits else [],
        valid_from=valid_from,
        valid_until=valid_until,
        created_at=clock.now(),
        state_changed_at=clock.now(),
    )


def lock_all(patient_id: UUID, *which: sa.ColumnElement[bool]) -> list[Representation]:
    """The representations of a patient, locked; changes to those of one patient wait for one another."""
    key = sa.func.hashtextextended(f"representations:{patient_id}", 0)
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
    found = sa.select(Representation).where(Representation.patient_id == patient_id, *which)
    fresh = found.order_by(Representation.id).with_for_update().execution_options(populate_existing=True)
    return list(db.session.scalars(fresh))


def lock(representation_id: UUID) -> Representation:
    """The representation of that id, locked. Raises `NotFound`."""
    known = queries.find_representation(representation_id)
    found = lock_all(known.patient_id, Representation.id == representation_id) if known else []
    if not found:
        raise NotFound("This representation does not exist.")
    return found[0]


def end_active(patient_id: UUID, person_id: UUID, *, by: Actor) -> None:
    """End what a person holds now for a patient."""
    active = Representation.state == RepresentationState.ACTIVE
    for found in lock_all(patient_id, Representation.person_id == person_id, active):
        if not lapse(found):
            move(found, RepresentationVerb.END, by=by)


def lapse(found: Representation) -> bool:
    """Record on a locked row what time has done to it; whether it had."""
    known = queries.find_representation(found.id)
    verb = known and verb_of_time(
        RepresentationState(found.state),
        unanswered=found.answer_by is not None and found.answer_by <= clock.now(),
        last_day=known.last_day,
        valid_until=found.valid_until,
        today=clock.today(),
    )
    if verb:
        move(found, verb, by=SYSTEM)
    return bool(verb)


def move(found: Representation, verb: RepresentationVerb, *, by: Actor) -> None:
    """The one writer of a state: table, row, audit, event. Raises `Conflict` (`representation-state`)."""
    before = RepresentationState(found.state)
    found.state = next_representation_state(before, verb)
    found.state_changed_at = clock.now()
    db.session.flush()
    audit_act(str(verb), found, by)
    publish(
        RepresentationMoved(
            found.id,
            found.patient_id,
            found.person_id,
            found.kind,
            found.state,
            ends=before is RepresentationState.ACTIVE,
            by_age=verb is RepresentationVerb.END and by is SYSTEM,
            by=by,
        )
    )


def audit_act(act: str, found: Representation, by: Actor) -> None:
    """Write an act on a representation in the audit."""
    audit.record(
        f"identity:representation:{act}",
        by=by,
        object_type="representation",
        object_id=found.id,
        patient=str(found.patient_id),
        person=str(found.person_id or ""),
        kind=str(found.kind),
    )


def _check_recorded(
    patient_id: UUID,
    person_id: UUID,
    kind: RepresentationKind,
    valid_from: date,
    valid_until: date | None,
    reference: str,
) -> None:
    faults = []
    if kind not in LEGAL:
        faults.append(Fault("kind", "a mandate is given by the patient"))
    if queries.own_patient_of(person_id) == patient_id:
        faults.append(Fault("person", "nobody represents themself"))
    if valid_until is not None and valid_until < valid_from:
        faults.append(Fault("valid_until", "before the first day"))
    if kind is RepresentationKind.PARENTAL_AUTHORITY and queries.majority_of(patient_id) is None:
        faults.append(Fault("kind", "the patient has come of age"))
    if kind is RepresentationKind.GUARDIANSHIP and not reference.strip():
        faults.append(Fault("reference", "which act gives the guardianship"))
    if faults:
        raise Invalid("This representation cannot be recorded.", code="invalid-representation", faults=faults)


def person_of(by: Actor) -> UUID:
    """Who is signed in. Raises `Forbidden`."""
    if by.id is None:
        raise Forbidden("Somebody must be signed in.", code="forbidden")
    return by.id
