"""Reads: who a patient, a professional, an agent or an organisation is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa

from identity_core.models import (
    AccessToken,
    Agent,
    Invitation,
    Member,
    Organisation,
    Patient,
    Person,
    Professional,
    Representation,
)
from identity_core.rules import PUBLISHING, IdentityStatus, MemberLevel, member_level, normal_email
from identity_core.workflow import SpaceState
from platform_core import clock, crypto
from platform_core.database import db
from platform_core.errors import NotFound
from platform_core.health_identity import Ins

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class PatientView:
    """A patient as other rooms see them. `sex` is `male`, `female` or `unknown`; no matricule.

    `region` is the INSEE code of the region where they say they live, None when they did not tell it.
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


@dataclass(frozen=True, slots=True)
class MemberView:
    """Somebody who has a part in the publisher's space of an organisation."""

    agent_id: UUID
    name: str
    email: str
    level: MemberLevel
    since: datetime
    last_signed_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class InvitationView:
    """An invitation that nobody has answered; `expires_at` is when it lapses."""

    id: UUID
    organisation_id: UUID
    organisation_name: str
    email: str
    level: MemberLevel
    invited_by: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TokenView:
    """A personal access token that is neither revoked nor expired. `ending` are its last four characters."""

    id: UUID
    agent_id: UUID
    owner: str
    name: str
    ending: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


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


@dataclass(frozen=True, slots=True)
class AgentView:
    id: UUID
    display_name: str


def list_agents(role: str) -> Sequence[AgentView]:
    """Every agent who has this role, in whatever organisation, by name."""
    named = sa.select(Agent).where(Agent.id.in_(sa.select(Member.agent_id).where(Member.role == role)))
    agents = db.session.scalars(named.order_by(Agent.family_name, Agent.given_name, Agent.id))
    return [AgentView(agent.id, f"{agent.given_name} {agent.family_name}") for agent in agents]


def find_agent_email(agent_id: UUID) -> str | None:
    """The professional address of an agent, unsealed."""
    sealed = db.session.scalar(sa.select(Agent.email_sealed).where(Agent.id == agent_id))
    return crypto.unseal(sealed, f"identity:email:{agent_id}").decode() if sealed else None


def roles_of(*, agent_id: UUID, organisation_id: UUID) -> frozenset[str]:
    """The roles of an agent in an organisation; empty when they are not one of its members."""
    held = sa.select(Member.role).where(Member.agent_id == agent_id, Member.organisation_id == organisation_id)
    return frozenset(db.session.scalars(held))


def lock_organisation(organisation_id: UUID) -> None:
    """Have changes to the members and tokens of an organisation wait for one another until commit."""
    db.session.execute(sa.select(Organisation.id).where(Organisation.id == organisation_id).with_for_update())


def list_members(organisation_id: UUID) -> Sequence[MemberView]:
    """Who has a part in the publisher's space of an organisation, by name."""
    roles, since = sa.func.array_agg(Member.role), sa.func.min(Member.created_at)
    rows = db.session.execute(
        sa.select(Agent, roles.label("roles"), since.label("since"))
        .join(Member, Member.agent_id == Agent.id)
        .where(Member.organisation_id == organisation_id, Member.role.in_(PUBLISHING))
        .group_by(Agent.id)
        .order_by(Agent.family_name, Agent.given_name, Agent.id)
    )
    return [
        MemberView(
            row.Agent.id,
            f"{row.Agent.given_name} {row.Agent.family_name}",
            _email(row.Agent),
            member_level(row.roles) or MemberLevel.VIEWER,
            row.since,
            row.Agent.last_signed_in_at,
        )
        for row in rows
    ]


def list_invitations(organisation_id: UUID) -> Sequence[InvitationView]:
    """The invitations of an organisation that wait for an answer, the newest first."""
    return _waiting(Invitation.organisation_id == organisation_id)


def list_offers(agent_id: UUID) -> Sequence[InvitationView]:
    """The invitations that this agent may accept: those to the address that their provider vouches for."""
    address = find_agent_email(agent_id)
    return _waiting(Invitation.email_lookup == email_lookup(normal_email(address))) if address else []


def _waiting(which: sa.ColumnElement[bool]) -> Sequence[InvitationView]:
    rows = db.session.execute(
        sa.select(Invitation, Organisation.name)
        .join(Organisation)
        .where(
            which,
            Invitation.accepted_at.is_(None),
            Invitation.cancelled_at.is_(None),
            Invitation.expires_at > clock.now(),
        )
        .order_by(Invitation.created_at.desc(), Invitation.id)
    )
    return [
        InvitationView(
            row.Invitation.id,
            row.Invitation.organisation_id,
            row.name,
            crypto.unseal(row.Invitation.email_sealed, f"identity:invitation:{row.Invitation.id}").decode(),
            MemberLevel(row.Invitation.level),
            row.Invitation.invited_by_name,
            row.Invitation.expires_at,
        )
        for row in rows
    ]


def list_tokens(organisation_id: UUID, *, agent_id: UUID | None = None) -> Sequence[TokenView]:
    """The live personal access tokens of an organisation, or of one of its members, the newest first."""
    alive = [AccessToken.revoked_at.is_(None), AccessToken.expires_at > clock.now()]
    query = sa.select(AccessToken, Agent).join(Agent).where(AccessToken.organisation_id == organisation_id, *alive)
    if agent_id is not None:
        query = query.where(AccessToken.agent_id == agent_id)
    return [
        TokenView(
            token.id,
            token.agent_id,
            f"{owner.given_name} {owner.family_name}",
            token.name,
            token.ending,
            tuple(token.scopes),
            token.created_at,
            token.expires_at,
            token.last_used_at,
        )
        for token, owner in db.session.execute(query.order_by(AccessToken.created_at.desc(), AccessToken.id))
    ]


def email_lookup(address: str) -> bytes:
    """The keyed hash under which an invited address is found."""
    return crypto.lookup_hash(f"email|{address}")


def _email(agent: Agent) -> str:
    return crypto.unseal(agent.email_sealed, f"identity:email:{agent.id}").decode() if agent.email_sealed else ""


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
        region=patient.region,
    )


def _require(row: Row | None, kind: str) -> Row:
    if row is None:
        raise NotFound(f"This {kind} does not exist.")
    return row
