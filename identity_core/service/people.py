"""Enrolling people: patients with their INS, the persons who sign in, professionals, agents."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from identity_core import queries
from identity_core.gateway.ins import Traits
from identity_core.models import Agent, Patient, Person, Professional
from identity_core.rules import IdentityStatus
from identity_core.workflow import SpaceState
from platform_core import clock, crypto
from platform_core.database import db
from platform_core.health_identity import Ins, Rpps
from platform_core.ids import uuid7


def enrol_patient(
    *, traits: Traits, ins: Ins | None, status: IdentityStatus, used_name: str | None = None, id: UUID | None = None
) -> Patient:
    """Add a patient whose space is not open yet."""
    patient = Patient(
        id=id or uuid7(),
        birth_family_name=traits.family_name,
        birth_given_names=traits.given_names,
        used_name=used_name,
        birth_date=traits.birth_date,
        sex=traits.sex,
        birth_place=traits.birth_place,
        identity_status=status,
        space_state=SpaceState.INVITED,
        state_changed_at=clock.now(),
        created_at=clock.now(),
    )
    if ins is not None:
        set_ins(patient, ins)
    db.session.add(patient)
    db.session.flush()
    return patient


def find_patient_of(ins: Ins | None) -> Patient | None:
    """The patient who bears this INS; nobody else may add one until the transaction ends."""
    if ins is None:
        return None
    one_at_a_time(f"{ins.oid}|{ins.matricule}")
    return db.session.scalar(sa.select(Patient).where(Patient.ins_lookup == queries.ins_lookup(ins)))


def set_ins(patient: Patient, ins: Ins) -> None:
    """Keep a matricule: sealed for use, hashed for look-up."""
    patient.ins_sealed = crypto.seal(ins.matricule.encode(), f"identity:ins:{patient.id}")
    patient.ins_lookup, patient.ins_oid = queries.ins_lookup(ins), ins.oid


def enrol_person(patient: Patient, *, issuer: str, subject: str) -> Person:
    """The person who is this patient, under the subject by which the provider now names them."""
    person = db.session.scalar(sa.select(Person).where(Person.patient_id == patient.id))
    if person is None:
        person = Person(id=uuid7(), patient_id=patient.id, created_at=clock.now())
        db.session.add(person)
    person.issuer, person.subject = issuer, subject
    db.session.flush()
    return person


def register_citizen(*, patient_id: UUID, issuer: str, subject: str, email: str | None = None) -> UUID:
    """Tie a subject of the citizen provider to a patient known already. Returns the person's id."""
    patient = db.session.get_one(Patient, patient_id)
    person = enrol_person(patient, issuer=issuer, subject=subject)
    set_email(person, email)
    return person.id


def register_professional(
    *, rpps: Rpps, family_name: str, given_name: str, practices: list[Mapping[str, Any]]
) -> Professional:
    """Enrol a professional or bring what is known up to date. The first practice is the one kept."""
    professional = db.session.scalar(sa.select(Professional).where(Professional.rpps == rpps.number))
    if professional is None:
        professional = Professional(rpps=rpps.number, created_at=clock.now())
        db.session.add(professional)
    practice = practices[0] if practices else {}
    professional.family_name, professional.given_name = family_name, given_name
    professional.profession = str(practice.get("codeProfession", ""))
    professional.speciality = str(practice.get("codeSavoirFaire", ""))
    db.session.flush()
    return professional


def register_agent(*, issuer: str, subject: str, family_name: str, given_name: str, email: str | None) -> Agent:
    """Enrol an agent or bring what is known up to date."""
    agent = db.session.scalar(sa.select(Agent).where(Agent.issuer == issuer, Agent.subject == subject))
    if agent is None:
        agent = Agent(id=uuid7(), issuer=issuer, subject=subject, created_at=clock.now())
        db.session.add(agent)
    agent.family_name, agent.given_name = family_name, given_name
    set_email(agent, email)
    db.session.flush()
    return agent


def set_email(holder: Patient | Person | Agent, email: object) -> None:
    """Keep an address, sealed; anything else is ignored."""
    if isinstance(email, str) and "@" in email:
        holder.email_sealed = crypto.seal(email.encode(), f"identity:email:{holder.id}")


def one_at_a_time(name: str) -> None:
    """Have concurrent first sign-ins of one person wait for one another until commit."""
    key = int.from_bytes(crypto.lookup_hash(name)[:8], "big", signed=True)
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
