"""Reads: who a patient, a professional, an agent or an organisation is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa

from identity_core.models import Agent, Member, Organisation, Patient, Person, Professional, Representation
from identity_core.rules import IdentityStatus
from identity_core.workflow import SpaceState
from platform_core import clock, crypto
from platform_core.database import db
from platform_core.errors import NotFound
from platform_core.health_identity import Ins

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class PatientView:
    """A patient as other rooms see them. `sex` is `male`, `female` or `unknown`; no matricule."""

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

    @property
    def feeds_dmp(self) -> bool:
        """Whether documents and measures may be filed: only a qualified identity feeds the record (RNIV)."""
        return self.identity_status is IdentityStatus.QUAL

    @property
    def is_open(self) -> bool:
        return self.space_state is SpaceState.OPEN


@dataclass(frozen=True, slots=True)
class OrganisationView:
    id: UUID
    name: str
    siren: str


@dataclass(frozen=True, slots=True)
class ProfessionalView:
    id: UUID
    display_name: str
    rpps: str
    profession: str
    speciality: str


@dataclass(frozen=True, slots=True)
class Membership:
    """The roles of one agent in one organisation."""

    organisation_id: UUID
    organisation_name: str
    roles: frozenset[str]


def get_patient(patient_id: UUID) -> PatientView:
    """The patient of that id. Raises `NotFound`."""
    return _patient_view(_require(db.session.get(Patient, patient_id), "patient"))


def find_patient_by_ins(ins: Ins) -> PatientView | None:
    """The patient who bears this matricule under this OID."""
    patient = db.session.scalar(sa.select(Patient).where(Patient.ins_lookup == ins_lookup(ins)))
    return _patient_view(patient) if patient else None


def find_ins(patient_id: UUID) -> Ins | None:
    """The matricule of a patient, unsealed. Never log it, never put it in an address."""
    row = db.session.execute(
        sa.select(Patient.ins_sealed, Patient.ins_oid).where(Patient.id == patient_id)
    ).one_or_none()
    if row is None or row.ins_sealed is None:
        return None
    return Ins(crypto.unseal(row.ins_sealed, f"identity:ins:{patient_id}").decode(), row.ins_oid)


def list_represented(person_id: UUID) -> Sequence[PatientView]:
    """The patients for whom this person may act today, by name."""
    return [_patient_view(patient) for patient in db.session.scalars(_represented_by(person_id))]


def represents(*, person_id: UUID, patient_id: UUID) -> bool:
    """Whether the person may act for the patient today."""
    return db.session.scalar(_represented_by(person_id).where(Patient.id == patient_id)) is not None


def list_synthetic_patients() -> Sequence[PatientView]:
    """The synthetic patients of the sandboxes, always in the same order."""
    return [
        _patient_view(p) for p in db.session.scalars(sa.select(Patient).where(Patient.synthetic).order_by(Patient.id))
    ]


def list_due_openings(limit: int = 500) -> Sequence[UUID]:
    """Invited patients whose opposition period is over. Made for the batch role."""
    due = sa.select(Patient.id).where(Patient.space_state == SpaceState.INVITED, Patient.opens_on <= clock.today())
    return db.session.scalars(due.order_by(Patient.opens_on).limit(limit)).all()


def list_email_addresses(patient_id: UUID) -> Sequence[str]:
    """Where to write about a patient: the person themself when they have an address, and their representatives."""
    own = db.session.scalar(sa.select(Patient.email_sealed).where(Patient.id == patient_id))
    found = [crypto.unseal(own, f"identity:email:{patient_id}").decode()] if own else []
    people = sa.select(Person.id, Person.email_sealed).where(
        Person.email_sealed.is_not(None),
        sa.or_(
            Person.patient_id == patient_id,
            Person.id.in_(sa.select(Representation.person_id).where(_valid(), Representation.patient_id == patient_id)),
        ),
    )
    found += [
        crypto.unseal(row.email_sealed, f"identity:email:{row.id}").decode() for row in db.session.execute(people)
    ]
    return list(dict.fromkeys(found))


def find_person_id(patient_id: UUID) -> UUID | None:
    """The person who signs in as this patient, when there is one."""
    return db.session.scalar(sa.select(Person.id).where(Person.patient_id == patient_id))


def get_professional(professional_id: UUID) -> ProfessionalView:
    """The professional of that id. Raises `NotFound`."""
    row = _require(db.session.get(Professional, professional_id), "professional")
    return ProfessionalView(row.id, f"{row.given_name} {row.family_name}", row.rpps, row.profession, row.speciality)


def get_organisation(organisation_id: UUID) -> OrganisationView:
    """The organisation of that id. Raises `NotFound`."""
    row = _require(db.session.get(Organisation, organisation_id), "organisation")
    return OrganisationView(row.id, row.name, row.siren)


def find_organisation_by_siren(siren: str) -> OrganisationView | None:
    row = db.session.scalar(sa.select(Organisation).where(Organisation.siren == siren))
    return OrganisationView(row.id, row.name, row.siren) if row else None


def list_memberships(agent_id: UUID) -> Sequence[Membership]:
    """What an agent may do, organisation by organisation, the oldest membership first."""
    rows = db.session.execute(
        sa.select(Organisation.id, Organisation.name, sa.func.array_agg(Member.role).label("roles"))
        .join(Member, Member.organisation_id == Organisation.id)
        .where(Member.agent_id == agent_id)
        .group_by(Organisation.id)
        .order_by(sa.func.min(Member.created_at), Organisation.id)
    )
    return [Membership(row.id, row.name, frozenset(row.roles)) for row in rows]


def list_member_ids(organisation_id: UUID, roles: Iterable[str]) -> Sequence[UUID]:
    """The agents of an organisation who have one of these roles."""
    members = sa.select(Member.agent_id).where(Member.organisation_id == organisation_id, Member.role.in_(list(roles)))
    return db.session.scalars(members.distinct().order_by(Member.agent_id)).all()


def list_agent_ids(role: str) -> Sequence[UUID]:
    """Every agent who has this role, in whatever organisation."""
    return db.session.scalars(sa.select(Member.agent_id).where(Member.role == role).distinct()).all()


def find_agent_email(agent_id: UUID) -> str | None:
    """The professional address of an agent, unsealed."""
    sealed = db.session.scalar(sa.select(Agent.email_sealed).where(Agent.id == agent_id))
    return crypto.unseal(sealed, f"identity:email:{agent_id}").decode() if sealed else None


def ins_lookup(ins: Ins) -> bytes:
    """The keyed hash under which a matricule is indexed."""
    return crypto.lookup_hash(f"{ins.oid}|{ins.matricule}")


def _valid() -> sa.ColumnElement[bool]:
    return sa.or_(Representation.valid_until.is_(None), Representation.valid_until >= clock.today())


def _represented_by(person_id: UUID) -> sa.Select[Patient]:
    return (
        sa.select(Patient)
        .join(Representation, Representation.patient_id == Patient.id)
        .where(Representation.person_id == person_id, _valid())
        .order_by(Patient.birth_family_name, Patient.birth_given_names)
    )


def _patient_view(patient: Patient) -> PatientView:
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
    )


def _require(row: Row | None, kind: str) -> Row:
    if row is None:
        raise NotFound(f"This {kind} does not exist.")
    return row
