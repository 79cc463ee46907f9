"""People made up: the fictitious ones of the demonstration, the synthetic patients of the sandboxes. Idempotent."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import sqlalchemy as sa

from identity_core import queries
from identity_core.gateway.ins import SimulatedInsTeleservice, Traits
from identity_core.models import Patient
from identity_core.rules import (
    MANDATE_MONTHS,
    IdentityStatus,
    Mandate,
    Power,
    RepresentationKind,
    Role,
    months_after,
)
from identity_core.service import organisations, people, representations, spaces
from identity_core.workflow import SpaceState
from platform_core import clock
from platform_core.access import SYSTEM
from platform_core.database import bind_patient, db
from platform_core.health_identity import Ins, Rpps, Siren

_SYNTHETIC = Path(__file__).parents[1] / "data" / "synthetic_patients.json"


@dataclass(frozen=True, slots=True)
class Seeded:
    """The ids of the people seeded, by the name that the demonstration gives them."""

    patients: dict[str, UUID] = field(default_factory=dict)
    persons: dict[str, UUID] = field(default_factory=dict)
    professionals: dict[str, UUID] = field(default_factory=dict)
    organisations: dict[str, UUID] = field(default_factory=dict)
    agents: dict[str, UUID] = field(default_factory=dict)


def seed_people(found: Mapping[str, Any], *, issuer: str) -> Seeded:
    """Enrol the fictitious people: `{citizens, professionals, organisations, agents}`, each a list of objects.

    `issuer` is how the subjects of the providers are stored. Binds the transaction to one patient after the other.
    """
    seeded = Seeded()
    for citizen in found["citizens"]:
        seeded.patients[citizen["key"]] = _seed_citizen(citizen)
        if citizen["signs_in"]:
            seeded.persons[citizen["key"]] = people.register_citizen(
                patient_id=seeded.patients[citizen["key"]],
                issuer=issuer,
                subject=citizen["subject"],
                email=citizen["email"],
            )
    for citizen in found["citizens"]:
        _seed_representations(citizen, seeded)
    _seed_professionals(found["professionals"], seeded)
    _seed_organisations(found["organisations"], found["agents"], issuer, seeded)
    bind_patient(None)
    return seeded


def create_synthetic_patients() -> Sequence[UUID]:
    """Make the dozen synthetic patients that sandboxes see. Nobody ever signs in as one of them."""
    ids = []
    for line in json.loads(_SYNTHETIC.read_text()):
        patient_id = uuid5(NAMESPACE_OID, f"ens:synthetic:{line['subject']}")
        ids.append(patient_id)
        if db.session.get(Patient, patient_id) is None:
            traits = _traits(line)
            patient = people.enrol_patient(id=patient_id, traits=traits, ins=_ins(traits), status=IdentityStatus.QUAL)
            patient.synthetic = True
            bind_patient(patient_id)
            spaces.open_space(patient_id=patient_id, by=SYSTEM)
    bind_patient(None)
    return ids


def _seed_citizen(citizen: Mapping[str, Any]) -> UUID:
    traits = _traits(citizen)
    ins = _ins(traits)
    known = queries.find_patient_by_ins(ins)
    if known:
        return known.id
    patient_id = spaces.invite_insured(traits=traits, ins=ins, used_name=citizen["used_name"])
    if citizen["identity_checked"]:
        checked = sa.update(Patient).where(Patient.id == patient_id)
        db.session.execute(checked.values(identity_status=IdentityStatus.QUAL))
    bind_patient(patient_id)
    if citizen["space"] == SpaceState.OPEN:
        spaces.open_space(patient_id=patient_id, by=SYSTEM)
    elif citizen["space"] == SpaceState.OPPOSED:
        spaces.oppose_space(patient_id=patient_id, by=SYSTEM)
    return patient_id


def _seed_representations(citizen: Mapping[str, Any], seeded: Seeded) -> None:
    """Parents from the birth of the child on; helpers for a year from the day of the seed."""
    for child in citizen["represents"]:
        born = queries.get_patient(seeded.patients[child]).birth_date
        _let_act(citizen, child, seeded, RepresentationKind.PARENTAL_AUTHORITY, valid_from=born)
    for helped, powers in citizen["helps"].items():
        today = clock.today()
        limits = Mandate(frozenset(map(Power, powers)), frozenset(), months_after(today, MANDATE_MONTHS[-1]))
        _let_act(citizen, helped, seeded, RepresentationKind.MANDATE, valid_from=today, limits=limits)


def _let_act(
    citizen: Mapping[str, Any],
    other: str,
    seeded: Seeded,
    kind: RepresentationKind,
    *,
    valid_from: date,
    limits: Mandate | None = None,
) -> None:
    person_id, patient_id = seeded.persons[citizen["key"]], seeded.patients[other]
    if queries.find_acting(person_id=person_id, patient_id=patient_id) is None:
        representations.add_representation(
            patient_id=patient_id,
            person_id=person_id,
            kind=kind,
            valid_from=valid_from,
            valid_until=limits.until if limits else None,
            limits=limits,
            by=SYSTEM,
        )


def _seed_professionals(found: Sequence[Mapping[str, Any]], seeded: Seeded) -> None:
    for one in found:
        professional = people.register_professional(
            rpps=Rpps(one["rpps"]),
            family_name=one["family_name"],
            given_name=one["given_name"],
            practices=[{"codeProfession": one["profession"], "codeSavoirFaire": one["speciality"]}],
        )
        seeded.professionals[one["key"]] = professional.id


def _seed_organisations(
    found: Sequence[Mapping[str, Any]], agents: Sequence[Mapping[str, Any]], issuer: str, seeded: Seeded
) -> None:
    for one in found:
        seeded.organisations[one["key"]] = organisations.register_organisation(
            name=one["name"], siren=Siren(one["siren"]), by=SYSTEM
        )
    for one in agents:
        agent = people.register_agent(
            issuer=issuer,
            subject=one["subject"],
            family_name=one["family_name"],
            given_name=one["given_name"],
            email=one["email"],
        )
        seeded.agents[one["key"]] = agent.id
        for role in one["roles"]:
            organisations.add_member(
                organisation_id=seeded.organisations[one["organisation"]],
                agent_id=agent.id,
                role=Role(role),
                by=SYSTEM,
            )


def _traits(person: Mapping[str, Any]) -> Traits:
    return Traits(
        person["family_name"],
        person["given_names"],
        date.fromisoformat(person["birth_date"]),
        person["sex"],
        person["birth_place"],
    )


def _ins(traits: Traits) -> Ins:
    found = SimulatedInsTeleservice().search(traits)
    if found is None:
        raise ValueError("A made-up person needs whole traits.")
    return found
