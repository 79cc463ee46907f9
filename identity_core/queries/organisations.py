"""Reads: organisations, their members, invitations and tokens, the agents who sign in for them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from identity_core.models import AccessToken, Agent, Invitation, Member, Organisation
from identity_core.queries.people import email_lookup, require_row
from identity_core.rules import PUBLISHING, MemberLevel, member_level, normal_email
from platform_core import clock, crypto
from platform_core.database import db


@dataclass(frozen=True, slots=True)
class OrganisationView:
    id: UUID
    name: str
    siren: str


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


@dataclass(frozen=True, slots=True)
class AgentView:
    id: UUID
    display_name: str


def get_organisation(organisation_id: UUID) -> OrganisationView:
    """The organisation of that id. Raises `NotFound`."""
    row = require_row(db.session.get(Organisation, organisation_id), "organisation")
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


def _email(agent: Agent) -> str:
    return crypto.unseal(agent.email_sealed, f"identity:email:{agent.id}").decode() if agent.email_sealed else ""
