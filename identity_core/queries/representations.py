"""Reads: who acts for whom, by which right, within which limits and until when. Dates are compared at each read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from identity_core.models import Patient, Person, Representation
from identity_core.queries.people import PatientView, email_lookup, get_patient, patient_view
from identity_core.rules import LEGAL, Power, RepresentationKind, coming_of_age, last_day_of, normal_email
from identity_core.workflow import WAITING, RepresentationState, verb_of_time
from identity_core.workflow import next_representation_state as next_state
from platform_core import clock, crypto
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Invalid

_Own = orm.aliased(Patient)


@dataclass(frozen=True, slots=True)
class RepresentationView:
    """Somebody acts, is asked to act or acted for a patient; `state` is what it is now, whatever was recorded.

    `last_day` is None when there is no end in sight. Of a mandate: `email` is the address it was sent to, `answer_by`
    when it lapses unless both have agreed; the person is unknown until somebody accepts.
    """

    id: UUID
    patient_id: UUID
    patient_name: str
    person_id: UUID | None
    person_name: str
    email: str
    kind: RepresentationKind
    state: RepresentationState
    powers: frozenset[Power]
    excluded: frozenset[str]
    valid_from: date
    last_day: date | None
    answer_by: datetime | None
    changed_at: datetime

    @property
    def is_mandate(self) -> bool:
        return self.kind is RepresentationKind.MANDATE

    @property
    def is_active(self) -> bool:
        return self.state is RepresentationState.ACTIVE

    @property
    def is_waiting(self) -> bool:
        return self.state in WAITING


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A representation that time has ended and nobody has recorded yet."""

    id: UUID
    patient_id: UUID


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody to write to about a patient, at the address that their provider gave, or that of the list of insured
    people. `person_id` is None when it belongs to nobody who has signed in; `address` is None when nobody gave one.
    """

    person_id: UUID | None
    address: str | None


def list_acting(person_id: UUID) -> Sequence[RepresentationView]:
    """What lets this person act for others today, by the name of those."""
    return [_view(row) for row in db.session.execute(_all().where(Representation.person_id == person_id, _holds()))]


def find_acting(*, person_id: UUID, patient_id: UUID) -> RepresentationView | None:
    """What lets the person act for the patient today."""
    return next((one for one in list_acting(person_id) if one.patient_id == patient_id), None)


def acts_for_others(person_id: UUID) -> bool:
    """Whether somebody counts on this person: they act for a patient, or have accepted to."""
    running = Representation.state.in_((RepresentationState.ACCEPTED, RepresentationState.ACTIVE))
    theirs = sa.exists().where(Representation.person_id == person_id, running)
    return bool(db.session.scalar(sa.select(theirs)))


def list_represented(person_id: UUID) -> Sequence[PatientView]:
    """The patients for whom this person may act today, by name."""
    found = sa.select(Patient).join(Representation, Representation.patient_id == Patient.id)
    held = found.where(Representation.person_id == person_id, _holds())
    return [patient_view(patient) for patient in db.session.scalars(held.order_by(*_by_name()))]


def list_representations(patient_id: UUID) -> Sequence[RepresentationView]:
    """Everybody who acts, is asked to act or acted for a patient, the newest first."""
    rows = db.session.execute(_all(Representation.created_at.desc()).where(Representation.patient_id == patient_id))
    return [_view(row) for row in rows]


def find_representation(representation_id: UUID) -> RepresentationView | None:
    """The representation of that id, whoever it concerns."""
    row = db.session.execute(_all().where(Representation.id == representation_id)).one_or_none()
    return _view(row) if row else None


def list_mandates_of(person_id: UUID) -> Sequence[RepresentationView]:
    """The mandates that concern this person: those accepted, and those sent to the address that their provider gave."""
    person = db.session.get_one(Person, person_id)
    sent = sa.and_(Representation.email_lookup == _lookup(person), Representation.person_id.is_(None))
    concerned = sa.or_(Representation.person_id == person_id, sent)
    rows = db.session.execute(
        _all().where(
            concerned, Representation.kind == RepresentationKind.MANDATE, Representation.patient_id != person.patient_id
        )
    )
    return [_view(row) for row in rows]


def list_lapsed(limit: int = 500) -> Sequence[Lapsed]:
    """The representations that time has ended and that are not recorded as such."""
    too_late = sa.and_(Representation.state.in_(WAITING), Representation.answer_by <= clock.now())
    over = sa.and_(Representation.state == RepresentationState.ACTIVE, sa.not_(_within_dates()))
    found = sa.select(Representation.id, Representation.patient_id).join(
        Patient, Patient.id == Representation.patient_id
    )
    rows = db.session.execute(found.where(sa.or_(too_late, over)).order_by(Representation.id).limit(limit))
    return [Lapsed(row.id, row.patient_id) for row in rows]


def majority_of(patient_id: UUID) -> date | None:
    """The day on which a minor comes of age; None for somebody who has. Raises `NotFound`."""
    majority = coming_of_age(get_patient(patient_id).birth_date)
    return majority if majority > clock.today() else None


def last_day_to_act(by: Actor) -> date | None:
    """The last day on which the actor may act for the one they represent: what they decide lasts no longer.

    None when nothing ends it, or when they act for themselves.
    """
    if by.on_behalf_of is None or by.id is None:
        return None
    acting = find_acting(person_id=by.id, patient_id=by.on_behalf_of)
    return acting.last_day if acting else None


def list_email_addresses(patient_id: UUID) -> Sequence[str]:
    """Every address known of a patient and of those whom the law charges with them."""
    own = db.session.scalar(sa.select(Patient.email_sealed).where(Patient.id == patient_id))
    found = [crypto.unseal(own, f"identity:email:{patient_id}").decode()] if own else []
    found += [_unsealed(row) for row in db.session.execute(_in_charge(patient_id)) if row.email_sealed]
    return list(dict.fromkeys(found))


def list_readers(patient_id: UUID) -> Sequence[Reader]:
    """Who is written to about a patient: the person themself, and those whom the law charges with them, all alike.

    A helper is not told of what the mandate may leave out.
    """
    known = db.session.scalar(sa.select(Patient.email_sealed).where(Patient.id == patient_id))
    own = crypto.unseal(known, f"identity:email:{patient_id}").decode() if known else None
    people = db.session.execute(_in_charge(patient_id)).all()
    found = [
        Reader(row.id, _unsealed(row) if row.email_sealed else own if row.patient_id == patient_id else None)
        for row in people
    ]
    alone = all(row.patient_id != patient_id for row in people)
    return [Reader(None, own), *found] if own and alone else found


def _in_charge(patient_id: UUID) -> sa.Select[UUID, bytes | None, UUID]:
    """The person who is this patient, and those whom the law charges with them."""
    charged = (
        sa.select(Representation.person_id)
        .join(Patient, Patient.id == Representation.patient_id)
        .where(_holds(), Representation.patient_id == patient_id, Representation.kind.in_(LEGAL))
    )
    people = sa.select(Person.id, Person.email_sealed, Person.patient_id)
    return people.where(sa.or_(Person.patient_id == patient_id, Person.id.in_(charged))).order_by(Person.id)


def _lookup(person: Person) -> bytes | None:
    """The hash of the address that the provider gave for a person; None when it gave none, or nonsense."""
    try:
        return email_lookup(normal_email(_unsealed(person))) if person.email_sealed else None
    except Invalid:
        return None


def _unsealed(person: Person | sa.Row[UUID, bytes | None, UUID]) -> str:
    return crypto.unseal(person.email_sealed or b"", f"identity:email:{person.id}").decode()


def _holds() -> sa.ColumnElement[bool]:
    return sa.and_(Representation.state == RepresentationState.ACTIVE, _within_dates())


def _within_dates() -> sa.ColumnElement[bool]:
    """`rules.last_day_of` in SQL, and the first day."""
    today = clock.today()
    majority = sa.cast(Patient.birth_date + sa.func.make_interval(18), sa.Date)
    return sa.and_(
        Representation.valid_from <= today,
        sa.or_(Representation.valid_until.is_(None), Representation.valid_until >= today),
        sa.or_(Representation.valid_from >= majority, majority > today),
    )


def _by_name() -> tuple[sa.ColumnElement[str] | orm.InstrumentedAttribute[str], ...]:
    return Patient.birth_family_name, Patient.birth_given_names


def _all(*order: sa.ColumnElement[datetime]) -> sa.Select[Representation, Patient, Patient]:
    return (
        sa.select(Representation, Patient, _Own)
        .join(Patient, Patient.id == Representation.patient_id)
        .outerjoin(Person, Person.id == Representation.person_id)
        .outerjoin(_Own, _Own.id == Person.patient_id)
        .order_by(*order, *_by_name(), Representation.id)
    )


def _view(row: sa.Row[Representation, Patient, Patient]) -> RepresentationView:
    found, patient, person = row
    last_day = last_day_of(valid_from=found.valid_from, valid_until=found.valid_until, birth_date=patient.birth_date)
    return RepresentationView(
        id=found.id,
        patient_id=found.patient_id,
        patient_name=patient_view(patient).display_name,
        person_id=found.person_id,
        person_name=patient_view(person).display_name if person else "",
        email=crypto.unseal(found.email_sealed, f"identity:invitation:{found.id}").decode()
        if found.email_sealed
        else "",
        kind=RepresentationKind(found.kind),
        state=_present_state(found, last_day),
        powers=frozenset(Power(power) for power in found.powers),
        excluded=frozenset(found.excluded),
        valid_from=found.valid_from,
        last_day=last_day,
        answer_by=found.answer_by,
        changed_at=found.state_changed_at,
    )


def _present_state(found: Representation, last_day: date | None) -> RepresentationState:
    state = RepresentationState(found.state)
    verb = verb_of_time(
        state,
        unanswered=found.answer_by is not None and found.answer_by <= clock.now(),
        last_day=last_day,
        valid_until=found.valid_until,
        today=clock.today(),
    )
    return next_state(state, verb) if verb else state
