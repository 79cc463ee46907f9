"""Reads: clients with the keys that count now, tokens by their hash."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from oauth import models
from oauth.rules.clients import AuthMethod, Client, Environment, KeySet, Profile, Structure
from oauth.rules.tokens import TokenKind
from oauth.workflow import StructureState
from platform_core import clock
from platform_core.crypto import hash_token
from platform_core.database import db, run, run_first
from platform_core.errors import NotFound


@dataclass(frozen=True, slots=True)
class TokenView:
    """A stored token, alive or not. Times are UTC; `jkt` is the key it is bound to."""

    id: UUID
    kind: TokenKind
    client_pk: UUID
    patient_id: UUID | None
    person_id: UUID | None
    grant_id: UUID | None
    professional_id: UUID | None
    session_id: UUID | None
    scope: str
    jkt: str | None
    family_id: UUID
    assurance: str
    signed_in_at: datetime | None
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    rotated_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        return self.revoked_at is None and self.rotated_at is None and self.expires_at > now


@dataclass(frozen=True, slots=True)
class KeyView:
    """A registered public key; `expires_at` is set once it is being replaced."""

    thumbprint: str
    kid: str
    kind: str
    added_at: datetime
    expires_at: datetime | None


_TOKEN_COLUMNS = [getattr(models.Token, name) for name in TokenView.__dataclass_fields__]


def find_client(client_id: str, *, first: bool = False) -> Client | None:
    """The active client of that public identifier. With `first` nothing was written yet in this transaction: a
    connection that died while pooled is replaced."""
    return next(_clients("c.client_id = %(value)s", client_id, send=run_first if first else run), None)


def get_client(pk: UUID) -> Client:
    """The active client of that key. Raises `NotFound`."""
    client = next(_clients("c.id = %(value)s", pk), None)
    if client is None:
        raise NotFound("This client does not exist.")
    return client


def get_client_of(application_id: UUID, client_id: str) -> Client:
    """The active client of that public identifier, when it is one of the application. Raises `NotFound`."""
    client = find_client(client_id)
    if client is None or client.application_id != application_id:
        raise NotFound("This client does not exist.")
    return client


def list_clients(application_id: UUID) -> Sequence[Client]:
    """The active clients of an application, the oldest first."""
    return list(_clients("c.application_id = %(value)s", application_id))


def list_structures() -> Sequence[tuple[Structure, Sequence[Client]]]:
    """Every structure with its active clients, by name; those that ended last."""
    table = models.Structure
    rows = db.session.scalars(sa.select(table).order_by(table.state == StructureState.ENDED, table.name, table.id))
    return [
        (
            Structure(row.id, row.finess, row.name, StructureState(row.state)),
            list(_clients("c.structure_id = %(value)s", row.id)),
        )
        for row in rows
    ]


def find_structure(finess: str) -> Structure | None:
    """The structure of that FINESS number, unless it ended."""
    table = models.Structure
    present = (table.finess == finess, table.state != StructureState.ENDED)
    row = db.session.scalar(sa.select(table).where(*present))
    return Structure(row.id, row.finess, row.name, StructureState(row.state)) if row else None


@dataclass(frozen=True, slots=True)
class LinkedSoftware:
    """Software that works for a professional now: since when, and until when at most."""

    client: Client
    since: datetime
    until: datetime


def list_linked_software(professional_id: UUID) -> Sequence[LinkedSoftware]:
    """The software that holds a live token of a professional, by name."""
    table = models.Token
    alive = (table.professional_id == professional_id, table.revoked_at.is_(None), table.expires_at > clock.now())
    query = sa.select(table.client_pk, sa.func.min(table.issued_at), sa.func.max(table.expires_at)).where(*alive)
    found = [
        LinkedSoftware(client, since, until)
        for client_pk, since, until in db.session.execute(query.group_by(table.client_pk))
        for client in _clients("c.id = %(value)s", client_pk)
    ]
    return sorted(found, key=lambda one: (one.client.name, one.client.client_id))


def list_tested_clients() -> Sequence[Client]:
    """The active sandbox clients that belong to an application of the store."""
    return list(_clients("c.environment = %(value)s AND c.application_id IS NOT NULL", Environment.SANDBOX))


def is_public_origin(origin: str) -> bool:
    """Whether an active public client has a redirect URI of that origin: its page may call from a browser."""
    return bool(run(_ORIGIN, {"origin": origin}))


_ORIGIN = """
SELECT 1 FROM oauth_client c, jsonb_array_elements_text(c.redirect_uris) uri
 WHERE c.is_public AND c.status = 'active' AND (uri = %(origin)s OR starts_with(uri, %(origin)s || '/')) LIMIT 1
"""


def list_keys(client_pk: UUID) -> Sequence[KeyView]:
    """The keys that authenticate a client now, the newest first."""
    rows = db.session.execute(
        sa.select(models.ClientKey)
        .where(models.ClientKey.client_pk == client_pk, _counts())
        .order_by(models.ClientKey.added_at.desc())
    ).scalars()
    return [KeyView(k.thumbprint, k.jwk["kid"], _kind(k.jwk), k.added_at, k.expires_at) for k in rows]


@dataclass(frozen=True, slots=True)
class Opening:
    """An initial access token that still registers clients."""

    id: UUID
    environment: str
    uses_left: int
    expires_at: datetime


def list_openings(application_id: UUID) -> Sequence[Opening]:
    """The initial access tokens of an application that still serve, the oldest first."""
    table = models.InitialToken
    query = sa.select(table.id, table.environment, table.uses_left, table.expires_at)
    living = query.where(table.application_id == application_id, table.uses_left > 0, table.expires_at > clock.now())
    return [Opening(*row) for row in db.session.execute(living.order_by(table.created_at, table.id))]


def find_token(text: str, *, lock: bool = False) -> TokenView | None:
    """The token of that text, dead or alive. With `lock` its row is held until the transaction ends."""
    query = sa.select(*_TOKEN_COLUMNS).where(models.Token.token_hash == hash_token(text))
    row = db.session.execute(query.with_for_update() if lock else query).one_or_none()
    return TokenView(**{**row._mapping, "kind": TokenKind(row.kind)}) if row else None


def _clients(condition: str, value: object, *, send: Callable[..., list[Any]] = run) -> Iterator[Client]:
    """Active clients with the keys that count now, in one statement: it is on the path of every token request."""
    rows = send(_CLIENTS.format(condition=condition), {"value": value, "now": clock.now()})
    return (_client(row) for row in rows)


_CLIENTS = """
SELECT c.*, z.finess, z.name AS structure_name, z.state AS structure_state, s.fetched_at, s.fresh_until, s.fault,
       CASE WHEN c.jwks_uri IS NULL
            THEN (SELECT jsonb_agg(k.jwk) FROM oauth_client_key k
                   WHERE k.client_pk = c.id AND (k.expires_at IS NULL OR k.expires_at > %(now)s))
            ELSE s.keys END AS keys
  FROM oauth_client c
  LEFT JOIN oauth_client_keyset s ON s.client_pk = c.id
  LEFT JOIN oauth_structure z ON z.id = c.structure_id
 WHERE c.status = 'active' AND {condition} ORDER BY c.id
"""


def _counts() -> sa.ColumnElement[bool]:
    return sa.or_(models.ClientKey.expires_at.is_(None), models.ClientKey.expires_at > clock.now())


def _client(row: Any) -> Client:
    return Client(
        pk=row.id,
        client_id=row.client_id,
        application_id=row.application_id,
        organisation_id=row.organisation_id,
        environment=Environment(row.environment),
        profile=Profile(row.profile),
        is_public=row.is_public,
        name=row.name,
        redirect_uris=tuple(row.redirect_uris),
        keys=tuple(row.keys or ()),
        auth_method=AuthMethod(row.auth_method),
        jwks_uri=row.jwks_uri,
        keyset=KeySet(row.fetched_at, row.fresh_until, row.fault) if row.fetched_at else None,
        tls_subject=row.tls_subject,
        last_used_at=row.last_used_at,
        post_logout_redirect_uris=tuple(row.post_logout_redirect_uris),
        backchannel_logout_uri=row.backchannel_logout_uri,
        registered_grants=None if row.grant_types is None else tuple(row.grant_types),
        scope=row.scope,
        may_introspect=row.may_introspect,
        structure=_structure(row) if row.structure_id else None,
    )


def _structure(row: Any) -> Structure:
    return Structure(row.structure_id, row.finess, row.structure_name, StructureState(row.structure_state))


def _kind(jwk: dict[str, Any]) -> str:
    return str(jwk.get("crv", jwk["kty"]))
