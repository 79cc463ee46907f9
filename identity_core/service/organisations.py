"""Organisations and the roles of their members."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from identity_core import queries
from identity_core.models import Member, Organisation
from identity_core.rules import Role
from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import NotFound
from platform_core.health_identity import Siren
from platform_core.ids import uuid7


def register_organisation(*, name: str, siren: Siren, by: Actor, synthetic: bool = False) -> UUID:
    """Enrol a legal person, once per SIREN; `synthetic` marks one made up for trials. Returns its id."""
    known = queries.find_organisation_by_siren(siren.number)
    if known:
        return known.id
    organisation = Organisation(id=uuid7(), name=name, siren=siren.number, synthetic=synthetic, created_at=clock.now())
    db.session.add(organisation)
    db.session.flush()
    audit.record("identity:organisation:register", by=by, object_type="organisation", object_id=organisation.id)
    return organisation.id


def add_member(*, organisation_id: UUID, agent_id: UUID, role: Role, by: Actor) -> None:
    """Give an agent a role in an organisation; giving it twice changes nothing."""
    row = {"organisation_id": organisation_id, "agent_id": agent_id, "role": role, "created_at": clock.now()}
    added = db.session.execute(insert(Member).values(row).on_conflict_do_nothing().returning(Member.role))
    if added.first():
        audit.record(
            "identity:member:add",
            by=by,
            object_type="organisation",
            object_id=organisation_id,
            agent=str(agent_id),
            role=role,
        )


def remove_member(*, organisation_id: UUID, agent_id: UUID, role: Role, by: Actor) -> None:
    """Take a role back: the next page of the agent is refused. Raises `NotFound` when it was not held."""
    removed = db.session.execute(
        sa.delete(Member)
        .where(Member.organisation_id == organisation_id, Member.agent_id == agent_id, Member.role == role)
        .returning(Member.role)
    )
    if not removed.first():
        raise NotFound("This agent does not hold this role.")
    audit.record(
        "identity:member:remove",
        by=by,
        object_type="organisation",
        object_id=organisation_id,
        agent=str(agent_id),
        role=role,
    )
