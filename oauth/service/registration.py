"""Clients that register themselves (RFC 7591) and manage their own registration (RFC 7592).

A publisher opens it with an initial access token; each client then holds a registration token of its own, which every
update renews.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from oauth import models, queries
from oauth.rules import registration as rules
from oauth.rules.clients import Client, ClientStatus, Environment, Profile
from oauth.rules.details import TYPE
from oauth.rules.registration import Wanted
from oauth.service import ceilings, clients
from oauth.service.authentication import endpoint
from oauth.service.identity import ALGORITHMS
from platform_core import audit
from platform_core.access import Actor, ActorKind
from platform_core.crypto import hash_token
from platform_core.database import db
from platform_core.errors import Fault, Invalid, NotFound, Unauthenticated
from platform_core.ids import opaque
from store.queries.applications import get_application

MOST_USES = 100
MOST_DAYS = 30


def open_registration(
    *, application_id: UUID, environment: Environment, uses: int, days: int, by: Actor, now: datetime
) -> str:
    """An initial access token (RFC 7591 §3), shown once: it registers `uses` clients of the application within `days`.

    Raises `Invalid`, naming the field.
    """
    for name, value, most in (("uses", uses, MOST_USES), ("days", days, MOST_DAYS)):
        if not 1 <= value <= most:
            raise Invalid(f"{name} lies between 1 and {most}.", faults=[Fault(name, f"between 1 and {most}")])
    text = opaque()
    row = models.InitialToken(
        token_hash=hash_token(text),
        application_id=application_id,
        environment=environment,
        uses_left=uses,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    db.session.add(row)
    db.session.flush()
    audit.record(
        "oauth:registration:opened", by=by, object_type="application", object_id=application_id, environment=environment
    )
    return text


def close_registration(*, application_id: UUID, token_id: UUID, by: Actor) -> None:
    """Forget an initial access token before its time. Raises `NotFound`."""
    closed = sa.delete(models.InitialToken).where(
        models.InitialToken.id == token_id, models.InitialToken.application_id == application_id
    )
    if not db.session.scalar(closed.returning(models.InitialToken.id)):
        raise NotFound("This token does not exist.")
    audit.record("oauth:registration:closed", by=by, object_type="application", object_id=application_id)


def forget_initial_tokens(before: datetime) -> None:
    """Delete the initial access tokens that ended before."""
    db.session.execute(sa.delete(models.InitialToken).where(models.InitialToken.expires_at < before))


def register_client(*, token: str, metadata: object, now: datetime) -> dict[str, Any]:
    """Register a client (RFC 7591 §3.1): the client information response, its registration token included.

    A refused registration costs no use of the initial token. Raises `Unauthenticated`, `Invalid`
    (`invalid_redirect_uri`, `invalid_client_metadata`, `unapproved_software_statement`), `Conflict`
    (`application-not-listed`).
    """
    application_id, environment = _spend(token, now)
    application = get_application(application_id)
    wanted = rules.read_metadata(metadata)
    by = Actor(ActorKind.APPLICATION, application_id, application.name)
    offered: dict[str, Any] = {
        "redirect_uris": wanted.redirect_uris,
        "jwk": next(iter(wanted.jwks), None),
        "jwks_uri": wanted.jwks_uri,
        "by": by,
        "application_id": application_id,
    }
    if environment is Environment.PRODUCTION:
        client = clients.issue_client(**offered)
        if wanted.profile not in {None, client.profile}:
            raise rules.unfit("profile", f"the application was referenced under {client.profile}")
    else:
        client = clients.issue_sandbox_client(
            name=application.name,
            profile=wanted.profile or Profile.FAPI2,
            organisation_id=application.organisation_id,
            **offered,
        )
    clients.replace_keys(client_pk=client.pk, jwks=wanted.jwks, jwks_uri=wanted.jwks_uri)
    row = db.session.get_one(models.Client, client.pk)
    return _describe(_keep(row, wanted), _renew_token(row))


def show_registration(*, client_id: str, token: str) -> dict[str, Any]:
    """The registration as it stands (RFC 7592 §2.1). Raises `Unauthenticated`."""
    return _describe(_authorised(client_id, token), token)


def update_registration(*, client_id: str, token: str, metadata: object) -> dict[str, Any]:
    """Replace the registration as a whole (RFC 7592 §2.2), within what `rules.check_update` leaves open. The token that
    was used is worth nothing any more. Raises `Unauthenticated`, `Invalid`."""
    row = _authorised(client_id, token)
    client = queries.get_client(row.id)
    wanted = rules.read_metadata(metadata)
    rules.check_update(client, metadata if isinstance(metadata, dict) else {}, wanted)
    by = _itself(client)
    clients.replace_redirect_uris(client_pk=row.id, redirect_uris=wanted.redirect_uris, by=by)
    clients.replace_keys(client_pk=row.id, jwks=wanted.jwks, jwks_uri=wanted.jwks_uri)
    answer = _describe(_keep(row, wanted), _renew_token(row))
    audit.record("oauth:client:updated", by=by, object_type="client", object_id=row.id)
    return answer


def end_registration(*, client_id: str, token: str) -> None:
    """Close the client for good (RFC 7592 §2.3): its tokens die, the consents stay, out of its reach. Raises
    `Unauthenticated`."""
    row = _authorised(client_id, token)
    row.registration_hash = None
    clients.disable_client(client_pk=row.id, by=_itself(queries.get_client(row.id)))


def _spend(token: str, now: datetime) -> tuple[UUID, Environment]:
    """Count one use of an initial token, by one statement: two calls cannot share the last one."""
    table = models.InitialToken
    spent = (
        sa.update(table)
        .where(table.token_hash == hash_token(token), table.uses_left > 0, table.expires_at > now)
        .values(uses_left=table.uses_left - 1)
        .returning(table.application_id, table.environment)
    )
    row = db.session.execute(spent).one_or_none()
    if row is None:
        raise Unauthenticated("The initial access token is unknown, spent or expired.", code="invalid-token")
    return row.application_id, Environment(row.environment)


def _authorised(client_id: str, token: str) -> models.Client:
    query = sa.select(models.Client).where(
        models.Client.client_id == client_id, models.Client.status == ClientStatus.ACTIVE
    )
    row = db.session.scalar(query.with_for_update())
    known = row.registration_hash if row else None
    if row is None or known is None or not hmac.compare_digest(known, hash_token(token)):
        raise Unauthenticated("The registration access token is not that of this client.", code="invalid-token")
    return row


def _keep(row: models.Client, wanted: Wanted) -> models.Client:
    """Keep what narrows a client below its listing. Raises `Invalid` when it would widen it."""
    client = queries.get_client(row.id)
    if wanted.scope:
        rules.check_scope(wanted, ceilings.ceiling_of_application(client))
    row.grant_types, row.scope = list(wanted.grant_types), wanted.scope
    return row


def _renew_token(row: models.Client) -> str:
    text = opaque()
    row.registration_hash = hash_token(text)
    db.session.flush()
    return text


def _itself(client: Client) -> Actor:
    return Actor(ActorKind.APPLICATION, client.app_id, client.name)


def _describe(row: models.Client, token: str) -> dict[str, Any]:
    """The client information response (RFC 7591 §3.2.1)."""
    db.session.flush()
    client = queries.get_client(row.id)
    keys: Mapping[str, Any] = {"jwks_uri": client.jwks_uri} if client.jwks_uri else {"jwks": {"keys": [*client.keys]}}
    return {
        "client_id": client.client_id,
        "client_id_issued_at": int(row.created_at.timestamp()),
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "grant_types": list(client.grant_types),
        "response_types": ["code"],
        "token_endpoint_auth_method": client.auth_method,
        **({} if client.is_public else keys),
        **({"scope": client.scope} if client.scope else {}),
        "profile": client.profile,
        "dpop_bound_access_tokens": client.binds_tokens,
        "require_pushed_authorization_requests": client.profile is Profile.FAPI2,
        "authorization_details_types": [TYPE],
        "id_token_signed_response_alg": ALGORITHMS[client.profile],
        "subject_type": "pairwise",
        "registration_access_token": token,
        "registration_client_uri": endpoint(f"/oauth/register/{client.client_id}"),
    }
