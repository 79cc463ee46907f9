"""Members of a publisher's organisation: invited by e-mail, given a level, removed. One administrator always stays."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from identity_core import queries
from identity_core.errors import LastAdministrator
from identity_core.events import MemberInvited
from identity_core.models import Invitation
from identity_core.rules import PUBLISHING, ROLES_OF, MemberLevel, Role, normal_email
from identity_core.service import organisations, tokens
from platform_core import audit, clock, crypto, events
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Conflict, Forbidden, NotFound
from platform_core.ids import uuid7

INVITATION_LASTS = timedelta(days=7)
MOST_INVITATIONS = 50


def invite_member(*, email: str, level: MemberLevel, by: Actor) -> UUID:
    """Ask somebody to join the administrator's organisation. Returns the id of the invitation.

    It lasts a week, and is accepted by an agent whose provider vouches for this very address. Inviting an address
    again replaces the invitation before. Raises `Invalid` (`invalid-email`), `Conflict` (`member-already`,
    `too-many-invitations`).
    """
    organisation_id = _administered(by)
    address = normal_email(email)
    lookup = queries.email_lookup(address)
    queries.lock_organisation(organisation_id)
    if any(normal_email(member.email) == address for member in queries.list_members(organisation_id) if member.email):
        raise Conflict("This person is a member already.", code="member-already")
    _cancel(organisation_id, Invitation.email_lookup == lookup)
    if len(queries.list_invitations(organisation_id)) >= MOST_INVITATIONS:
        raise Conflict("Too many invitations wait for an answer.", code="too-many-invitations")
    invitation_id, now = uuid7(), clock.now()
    db.session.add(
        Invitation(
            id=invitation_id,
            organisation_id=organisation_id,
            email_lookup=lookup,
            email_sealed=crypto.seal(address.encode(), f"identity:invitation:{invitation_id}"),
            level=level,
            invited_by_name=by.name,
            created_at=now,
            expires_at=now + INVITATION_LASTS,
        )
    )
    db.session.flush()
    _audit("identity:member:invite", organisation_id, by, level=str(level))
    events.publish(MemberInvited(organisation_id, address))
    return invitation_id


def cancel_invitation(*, invitation_id: UUID, by: Actor) -> None:
    """Take an invitation back. Raises `NotFound` when it is not one of the organisation, or was answered."""
    organisation_id = _administered(by)
    if not _cancel(organisation_id, Invitation.id == invitation_id):
        raise NotFound("This invitation does not exist.")
    _audit("identity:member:uninvite", organisation_id, by)


def accept_invitation(*, invitation_id: UUID, by: Actor) -> UUID:
    """Join an organisation at the level of the invitation, once. Returns the organisation.

    The invitation must be to the address that the agent's provider vouches for. Raises `NotFound`.
    """
    offered = {offer.id: offer for offer in queries.list_offers(_agent(by))}.get(invitation_id)
    if offered is None:
        raise NotFound("This invitation does not exist, has expired or is for another address.")
    taken = sa.update(Invitation).where(
        Invitation.id == invitation_id, Invitation.accepted_at.is_(None), Invitation.cancelled_at.is_(None)
    )
    if db.session.scalar(taken.values(accepted_at=clock.now()).returning(Invitation.id)) is None:
        raise NotFound("This invitation was used already.")
    for role in ROLES_OF[offered.level]:
        organisations.add_member(organisation_id=offered.organisation_id, agent_id=_agent(by), role=role, by=by)
    return offered.organisation_id


def change_level(*, agent_id: UUID, level: MemberLevel, by: Actor) -> None:
    """Give a member another level. Raises `NotFound`, `LastAdministrator`."""
    organisation_id = _administered(by)
    held = _held(organisation_id, agent_id)
    wanted = ROLES_OF[level]
    _check_one_stays(organisation_id, agent_id, leaves=Role.ADMINISTRATOR in held - wanted)
    for role in held - wanted:
        organisations.remove_member(organisation_id=organisation_id, agent_id=agent_id, role=role, by=by)
    for role in wanted - held:
        organisations.add_member(organisation_id=organisation_id, agent_id=agent_id, role=role, by=by)


def remove_member(*, agent_id: UUID, by: Actor) -> None:
    """Take a member out: their next page is refused and their tokens are revoked. One may leave by oneself.

    Raises `NotFound`, `LastAdministrator`.
    """
    organisation_id = by.organisation_id if agent_id == by.id else _administered(by)
    if organisation_id is None:
        raise NotFound("This person is not a member of your organisation.")
    held = _held(organisation_id, agent_id)
    _check_one_stays(organisation_id, agent_id, leaves=Role.ADMINISTRATOR in held)
    for role in held:
        organisations.remove_member(organisation_id=organisation_id, agent_id=agent_id, role=role, by=by)
    tokens.revoke_tokens_of(organisation_id=organisation_id, agent_id=agent_id)


def _administered(by: Actor) -> UUID:
    if by.organisation_id is None or not by.has_role(Role.ADMINISTRATOR):
        raise Forbidden("Only an administrator of the organisation rules its members.", code="role-missing")
    return by.organisation_id


def _agent(by: Actor) -> UUID:
    if by.id is None:
        raise Forbidden("Somebody must be signed in.", code="role-missing")
    return by.id


def _held(organisation_id: UUID, agent_id: UUID) -> frozenset[Role]:
    """The publishing roles that the member holds; changes to one organisation's members wait for one another."""
    queries.lock_organisation(organisation_id)
    held = queries.roles_of(agent_id=agent_id, organisation_id=organisation_id) & PUBLISHING
    if not held:
        raise NotFound("This person is not a member of your organisation.")
    return frozenset(Role(role) for role in held)


def _check_one_stays(organisation_id: UUID, agent_id: UUID, *, leaves: bool) -> None:
    if not leaves:
        return
    if set(queries.list_member_ids(organisation_id, [Role.ADMINISTRATOR])) == {agent_id}:
        raise LastAdministrator("The last administrator stays: name another one first.")


def _cancel(organisation_id: UUID, which: sa.ColumnElement[bool]) -> bool:
    waiting = sa.update(Invitation).where(
        Invitation.organisation_id == organisation_id,
        which,
        Invitation.accepted_at.is_(None),
        Invitation.cancelled_at.is_(None),
    )
    return bool(db.session.scalars(waiting.values(cancelled_at=clock.now()).returning(Invitation.id)).all())


def _audit(act: str, organisation_id: UUID, by: Actor, **details: str) -> None:
    audit.record(act, by=by, object_type="organisation", object_id=organisation_id, **details)
