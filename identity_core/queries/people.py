"""Reads: who a patient, a person who signs in or a professional is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa

from identity_core.models import Patient, Person, Professional
from identity_core.rules import IdentityStatus
from identity_core.workflow import SpaceState
from platform_core import clock, crypto
from platform_core.database import db
from platform_core.errors import NotFound
from platform_core.health_identity import Ins

Row = TypeVar("Row")
_LEAST_LETTERS = 2


@dataclass(frozen=True, slots=True)
class PatientView:
    """A patient as other rooms see them. `sex` is `male`, `female` or `unknown`; no matricule.

    `region` is the INSEE code of the region where they say they live, None when they did not tell it. `destroys_on` is
    the day from which what a closed space holds is destroyed.
    """

    id: UUID
    display_name: str
    given_name: str
    family_name: str
    birth_date: date
    sex: str
    identity_status: IdentityStatus
    space_state: SpaceState
    synthetic: bool
    ins_oid: str | None
    opens_on: date | None = None
    region: str | None = None
    destroys_on: date | None = None

    @property
    def feeds_dmp(self) -> bool:
        """Whether documents and measures may be filed: only a qualified identity feeds the record (RNIV)."""
        return self.identity_status is IdentityStatus.QUAL

    @property
    def is_open(self) -> bool:
        return self.space_state is SpaceState.OPEN


@dataclass(frozen=True, slots=True)
class ProfessionalView:
    id: UUID
    display_name: str
    rpps: str
    profession: str
    speciality: str


def get_patient(patient_id: UUID) -> PatientView:
    """The patient of that id. Raises `NotFound`."""
    return patient_view(require_row(db.session.get(Patient, patient_id), "patient"))


def find_patient_by_ins(ins: Ins) -> PatientView | None:
    """The patient who bears this matricule under this OID."""
    patient = db.session.scalar(sa.select(Patient).where(Patient.ins_lookup == ins_lookup(ins)))
    return patient_view(patient) if patient else None


def find_ins(patient_id: UUID) -> Ins | None:
    """The matricule of a patient, unsealed. Never log it, never put it in an address."""
    row = db.session.execute(
        sa.select(Patient.ins_sealed, Patient.ins_oid).where(Patient.id == patient_id)
    ).one_or_none()
    if row is None or row.ins_sealed is None:
        return None
    return Ins(crypto.unseal(row.ins_sealed, f"identity:ins:{patient_id}").decode(), row.ins_oid)


def list_synthetic_patients() -> Sequence[PatientView]:
    """The synthetic patients of the sandboxes, always in the same order."""
    return [
        patient_view(p) for p in db.session.scalars(sa.select(Patient).where(Patient.synthetic).order_by(Patient.id))
    ]


def list_due_openings(limit: int = 500) -> Sequence[UUID]:
    """Invited patients whose opposition period is over. Made for the batch role."""
    due = sa.select(Patient.id).where(Patient.space_state == SpaceState.INVITED, Patient.opens_on <= clock.today())
    return db.session.scalars(due.order_by(Patient.opens_on).limit(limit)).all()


def list_due_destructions(limit: int = 100) -> Sequence[UUID]:
    """Patients of whom something is to be destroyed today. Made for the batch role."""
    due = sa.select(Patient.id).where(Patient.destroys_on <= clock.today())
    return db.session.scalars(due.order_by(Patient.destroys_on, Patient.id).limit(limit)).all()


def find_person_id(patient_id: UUID) -> UUID | None:
    """The person who signs in as this patient, when there is one."""
    return db.session.scalar(sa.select(Person.id).where(Person.patient_id == patient_id))


def own_patient_of(person_id: UUID) -> UUID:
    """The record of the person themself. Raises `NotFound`."""
    return require_row(db.session.get(Person, person_id), "person").patient_id


def get_professional(professional_id: UUID) -> ProfessionalView:
    """The professional of that id. Raises `NotFound`."""
    return _professional_view(require_row(db.session.get(Professional, professional_id), "professional"))


def _professional_view(row: Professional) -> ProfessionalView:
    return ProfessionalView(row.id, f"{row.given_name} {row.family_name}", row.rpps, row.profession, row.speciality)


def search_professionals(name: str, *, limit: int = 20) -> Sequence[ProfessionalView]:
    """Professionals whose family name begins so, whatever the case; none for less than two letters."""
    begins = name.strip()
    if len(begins) < _LEAST_LETTERS:
        return []
    found = sa.select(Professional).where(Professional.family_name.istartswith(begins, autoescape=True))
    ordered = found.order_by(Professional.family_name, Professional.given_name, Professional.id).limit(limit)
    return [_professional_view(row) for row in db.session.scalars(ordered)]


def email_lookup(address: str) -> bytes:
    """The keyed hash under which an invited address is found."""
    return crypto.lookup_hash(f"email|{address}")


def ins_lookup(ins: Ins) -> bytes:
    """The keyed hash under which a matricule is indexed."""
    return crypto.lookup_hash(f"{ins.oid}|{ins.matricule}")


def patient_view(patient: Patient) -> PatientView:
    """The row of a patient as other rooms see it."""
    given, family = patient.birth_given_names.split(" ")[0], patient.used_name or patient.birth_family_name
    return PatientView(
        id=patient.id,
        display_name=f"{given} {family}",
        given_name=given,
        family_name=patient.birth_family_name,
        birth_date=patient.birth_date,
        sex=patient.sex,
        identity_status=IdentityStatus(patient.identity_status),
        space_state=SpaceState(patient.space_state),
        synthetic=patient.synthetic,
        ins_oid=patient.ins_oid,
        opens_on=patient.opens_on,
        region=patient.region,
        destroys_on=patient.destroys_on,
    )


def require_row(row: Row | None, kind: str) -> Row:
    """The row, when there is one. Raises `NotFound`."""
    if row is None:
        raise NotFound(f"This {kind} does not exist.")
    return row
