"""Mandates to helpers: proposed to an address, accepted, confirmed by the patient, taken back or laid down at once."""

from datetime import timedelta
from uuid import UUID

from identity_core import queries
from identity_core.errors import MandateNotYours
from identity_core.events import MandateProposed
from identity_core.models import Representation
from identity_core.rules import Mandate, RepresentationKind, mandate_faults, normal_email
from identity_core.service.representations import (
    audit_act,
    end_active,
    lapse,
    lock,
    lock_all,
    move,
    new_representation,
    person_of,
)
from identity_core.workflow import WAITING, RepresentationState, RepresentationVerb
from platform_core import clock, crypto
from platform_core.access import Actor, ActorKind
from platform_core.categories import registry
from platform_core.database import db
from platform_core.errors import Conflict, Fault, Forbidden, Invalid, NotFound
from platform_core.events import publish

ANSWER_LASTS = timedelta(days=14)
MOST_MANDATES = 10
"""How many mandates of one patient may run or wait at once."""


def give_mandate(*, patient_id: UUID, email: str, mandate: Mandate, by: Actor) -> UUID:
    """Propose a mandate to somebody, by an address. Returns its id.

    It is in force once that person accepted it (within two weeks) and the patient confirmed who that is. Proposing to
    an address again replaces the proposal before. Only the patient gives one: an adult, who has no guardian.

    Raises `Invalid` (`invalid-mandate`), `MandateNotYours`, `Conflict` (`too-many-mandates`).
    """
    _check_giver(patient_id, by)
    address = _checked(patient_id, email, mandate)
    lookup = queries.email_lookup(address)
    for waiting in _waiting(patient_id, lookup):
        move(waiting, RepresentationVerb.REVOKE, by=by)
    current = [one for one in queries.list_representations(patient_id) if one.is_mandate]
    if sum(one.is_active or one.is_waiting for one in current) >= MOST_MANDATES:
        raise Conflict("This patient has given as many mandates as may run at once.", code="too-many-mandates")
    kind, state = RepresentationKind.MANDATE, RepresentationState.INVITED
    proposed = new_representation(patient_id, kind, state, clock.today(), mandate.until, mandate)
    proposed.email_lookup = lookup
    proposed.email_sealed = crypto.seal(address.encode(), f"identity:invitation:{proposed.id}")
    proposed.answer_by = clock.now() + ANSWER_LASTS
    db.session.add(proposed)
    db.session.flush()
    audit_act("propose", proposed, by)
    publish(MandateProposed(patient_id, address))
    return proposed.id


def accept_mandate(*, representation_id: UUID, by: Actor) -> None:
    """Accept a mandate that was sent to the address of the person: the patient must still confirm it.

    The transaction is bound to the patient. Raises `NotFound`, `Conflict` (`representation-state`,
    `represents-already`), `Forbidden` (`helper-minor`).
    """
    found = _offered(representation_id, by)
    me = queries.own_patient_of(person_of(by))
    if queries.majority_of(me) is not None:
        raise Forbidden("A minor cannot be entrusted with a mandate.", code="helper-minor")
    acting = queries.find_acting(person_id=person_of(by), patient_id=found.patient_id)
    if acting and not acting.is_mandate:
        raise Conflict("You represent this person already.", code="represents-already")
    found.person_id = by.id
    move(found, RepresentationVerb.ACCEPT, by=by)


def refuse_mandate(*, representation_id: UUID, by: Actor) -> None:
    """Decline a mandate that was sent to the address of the person. Raises `NotFound`, `Conflict`."""
    found = _offered(representation_id, by)
    found.person_id = by.id
    move(found, RepresentationVerb.REFUSE, by=by)


def confirm_mandate(*, patient_id: UUID, representation_id: UUID, by: Actor) -> None:
    """Put a mandate in force, now that the patient knows who accepted it; one of the same person before it ends.

    Raises `NotFound`, `MandateNotYours`, `Conflict` (`representation-state`, `represents-already`).
    """
    _check_giver(patient_id, by)
    found = _mandate_of(patient_id, representation_id)
    if found.state == RepresentationState.ACCEPTED and found.person_id is not None:
        acting = queries.find_acting(person_id=found.person_id, patient_id=patient_id)
        if acting and not acting.is_mandate:
            raise Conflict("This person represents you already.", code="represents-already")
        end_active(patient_id, found.person_id, by=by)
    found.valid_from = clock.today()
    move(found, RepresentationVerb.CONFIRM, by=by)


def revoke_mandate(*, patient_id: UUID, representation_id: UUID, by: Actor) -> None:
    """Take a mandate back, whether it runs or waits: the helper's next page is their own record.

    For the patient, or for those whom the law charges with them. Raises `NotFound`, `MandateNotYours`,
    `Conflict` (`representation-state`).
    """
    if by.kind is ActorKind.HELPER:
        raise MandateNotYours("A helper does not rule the mandates of the patient.")
    move(_mandate_of(patient_id, representation_id), RepresentationVerb.REVOKE, by=by)


def leave_mandate(*, representation_id: UUID, by: Actor) -> None:
    """The helper lays down a mandate. Raises `NotFound`, `Conflict` (`representation-state`)."""
    found = lock(representation_id)
    if found.person_id != person_of(by) or found.kind != RepresentationKind.MANDATE:
        raise NotFound("No mandate of yours has this id.")
    move(found, RepresentationVerb.REVOKE, by=by)


def revoke_mandates(*, patient_id: UUID, by: Actor) -> None:
    """Take back every mandate of a patient, in force or waiting: nobody helps in a space that closes."""
    running = (*WAITING, RepresentationState.ACTIVE)
    mandates = Representation.kind == RepresentationKind.MANDATE
    for found in lock_all(patient_id, mandates, Representation.state.in_(running)):
        if not lapse(found):
            move(found, RepresentationVerb.REVOKE, by=by)


def _checked(patient_id: UUID, email: str, mandate: Mandate) -> str:
    """The address as it is compared. Raises `Invalid` (`invalid-mandate`) with every fault of the form."""
    faults = mandate_faults(mandate, families=[family.code for family in registry.families()], today=clock.today())
    address = ""
    try:
        address = normal_email(email)
    except Invalid as error:
        faults = [*error.faults, *faults]
    if address in {own.strip().casefold() for own in queries.list_email_addresses(patient_id)}:
        faults.insert(0, Fault("email", "the patient's own"))
    if faults:
        raise Invalid("The mandate cannot be given as asked.", code="invalid-mandate", faults=faults)
    return address


def _check_giver(patient_id: UUID, by: Actor) -> None:
    if by.kind is not ActorKind.PATIENT or queries.own_patient_of(person_of(by)) != patient_id:
        raise MandateNotYours("Only the patient gives a mandate.")
    if queries.majority_of(patient_id) is not None:
        raise MandateNotYours("A minor gives no mandate.")
    kinds = {one.kind for one in queries.list_representations(patient_id) if one.is_active}
    if RepresentationKind.GUARDIANSHIP in kinds:
        raise MandateNotYours("The guardian decides who else acts for this person.")


def _waiting(patient_id: UUID, lookup: bytes) -> list[Representation]:
    """The mandates proposed to an address that still wait for an answer."""
    found = lock_all(patient_id, Representation.state.in_(WAITING), Representation.email_lookup == lookup)
    return [one for one in found if not lapse(one)]


def _mandate_of(patient_id: UUID, representation_id: UUID) -> Representation:
    """A mandate of the patient, as time left it. Raises `NotFound`."""
    found = lock(representation_id)
    if found.patient_id != patient_id or found.kind != RepresentationKind.MANDATE:
        raise NotFound("No mandate of this patient has this id.")
    lapse(found)
    return found


def _offered(representation_id: UUID, by: Actor) -> Representation:
    """A mandate that waits for this person's answer. Raises `NotFound` also when it is for another address."""
    found = lock(representation_id)
    concerned = {one.id for one in queries.list_mandates_of(person_of(by))}
    if found.id not in concerned:
        raise NotFound("This mandate does not exist, or was proposed to another address.")
    lapse(found)
    return found
