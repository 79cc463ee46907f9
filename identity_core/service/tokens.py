"""Personal access tokens of publishers: made in their space, shown once, found by their hash."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from identity_core import queries
from identity_core.models import AccessToken, Agent
from identity_core.rules import PUBLISHING, TOKEN_PREFIX, Role, check_token_request, granted_scopes
from platform_core import audit, clock, crypto
from platform_core.access import Actor, ActorKind
from platform_core.callers import Caller
from platform_core.database import db
from platform_core.errors import Conflict, Forbidden, NotFound, Unauthenticated
from platform_core.ids import opaque, uuid7

MOST_TOKENS = 20
_SEEN_AGAIN = timedelta(minutes=1)


def create_token(*, name: str, scopes: Collection[str], days: int, by: Actor) -> str:
    """Make a token of the agent for the organisation they act for, which lives `days` (1 to 365).

    Returns its text, which is kept nowhere. Raises `Invalid` (`invalid-token-request`), `Conflict`
    (`too-many-tokens`).
    """
    if by.id is None or by.organisation_id is None:
        raise Forbidden("Only a member of an organisation makes a token.", code="role-missing")
    check_token_request(name=name, scopes=scopes, days=days, roles=by.roles)
    queries.lock_organisation(by.organisation_id)
    if len(queries.list_tokens(by.organisation_id, agent_id=by.id)) >= MOST_TOKENS:
        raise Conflict(f"{MOST_TOKENS} tokens live already: revoke one first.", code="too-many-tokens")
    text, now = TOKEN_PREFIX + opaque(), clock.now()
    token = AccessToken(
        id=uuid7(),
        organisation_id=by.organisation_id,
        agent_id=by.id,
        token_hash=crypto.hash_token(text),
        name=name.strip(),
        ending=text[-4:],
        scopes=sorted(scopes),
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    db.session.add(token)
    audit.record("identity:token:create", by=by, object_type="access_token", object_id=token.id, scopes=token.scopes)
    return text


def revoke_token(*, token_id: UUID, by: Actor) -> None:
    """End a token at once: one's own, or any of the organisation for an administrator. Raises `NotFound`."""
    mine = [AccessToken.id == token_id, AccessToken.organisation_id == by.organisation_id]
    if not by.has_role(Role.ADMINISTRATOR):
        mine.append(AccessToken.agent_id == by.id)
    revoked = sa.update(AccessToken).where(*mine, AccessToken.revoked_at.is_(None)).values(revoked_at=clock.now())
    if db.session.scalar(revoked.returning(AccessToken.id)) is None:
        raise NotFound("This token does not exist, or is revoked already.")
    audit.record("identity:token:revoke", by=by, object_type="access_token", object_id=token_id)


def revoke_tokens_of(*, organisation_id: UUID, agent_id: UUID) -> None:
    """End every token of somebody who leaves the organisation."""
    theirs = (AccessToken.organisation_id == organisation_id, AccessToken.agent_id == agent_id)
    alive = sa.update(AccessToken).where(*theirs, AccessToken.revoked_at.is_(None))
    db.session.execute(alive.values(revoked_at=clock.now()))


def verify_token(text: str) -> Caller:
    """Who calls with this token: the agent, with the roles that they still have and no scope beyond these.

    The look-up compares SHA-256 digests of 256 random bits: its time tells nothing of a token. Raises
    `Unauthenticated`.
    """
    now = clock.now()
    query = sa.select(AccessToken, Agent).join(Agent).where(AccessToken.token_hash == crypto.hash_token(text))
    row = db.session.execute(query).one_or_none()
    if row is None or row.AccessToken.revoked_at is not None or row.AccessToken.expires_at <= now:
        raise Unauthenticated("The personal access token is unknown, expired or revoked.")
    token, agent = row.AccessToken, row.Agent
    roles = queries.roles_of(agent_id=agent.id, organisation_id=token.organisation_id) & PUBLISHING
    if not roles:
        raise Unauthenticated("The owner of this token has left the organisation.")
    if token.last_used_at is None or token.last_used_at < now - _SEEN_AGAIN:
        token.last_used_at = now
    actor = Actor(
        ActorKind.AGENT,
        agent.id,
        f"{agent.given_name} {agent.family_name}",
        organisation_id=token.organisation_id,
        roles=frozenset(roles),
        assurance="token",
    )
    return Caller(actor, granted_scopes(token.scopes, roles))
