"""Introspection (RFC 7662), and its answer as a signed JWT (RFC 9701). What may not be known is not active."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from oauth import queries
from oauth.queries import TokenView
from oauth.rules import scopes
from oauth.rules.clients import Client
from oauth.rules.tokens import TokenKind
from oauth.service.access import verify_access
from oauth.service.authentication import endpoint
from oauth.service.identity import ALGORITHMS, SIGNING_USE
from oauth.service.tokens import describe_token
from platform_core import config, signing
from platform_core.errors import Forbidden

MEDIA_TYPE = "application/token-introspection+jwt"
_INACTIVE: dict[str, Any] = {"active": False}


def authorise_introspection(*, authorization: str, proofs: Sequence[str], certificate: str, now: datetime) -> Client:
    """The resource server that calls with its own token of the scope `ens:introspect` (RFC 7662 §2.1).

    Raises `Unauthenticated`, `Forbidden` (`insufficient_scope`) once the right was withdrawn.
    """
    token = verify_access(
        authorization=authorization,
        proofs=proofs,
        method="POST",
        url=endpoint("/oauth/introspect"),
        now=now,
        certificate=certificate,
    )
    client = queries.get_client(token.client_pk)
    if scopes.INTROSPECT not in scopes.split(token.scope) or not client.may_introspect:
        raise Forbidden(f"A token of the scope {scopes.INTROSPECT} is expected.", code="insufficient_scope")
    return client


def introspect(text: str, *, caller: Client, now: datetime) -> dict[str, Any]:
    """What the caller may know of a token: a client of its own, a resource server of the access tokens of its
    environment (sandbox or production)."""
    token = queries.find_token(text)
    if token is None or not token.is_live(now):
        return _INACTIVE
    if token.client_pk == caller.pk:
        return describe_token(token, client=caller, issuer=config.current().base_url)
    return _for_resource_server(token, caller)


def _for_resource_server(token: TokenView, caller: Client) -> dict[str, Any]:
    if not caller.may_introspect or token.kind is not TokenKind.ACCESS:
        return _INACTIVE
    client = queries.get_client(token.client_pk)
    if client.environment is not caller.environment:
        return _INACTIVE
    return describe_token(token, client=client, issuer=config.current().base_url)


def sign_introspection(claims: dict[str, Any], *, caller: Client, now: datetime) -> str:
    """The answer as a JWT for that caller alone (RFC 9701 §5); it has no `sub` nor `exp`, so that nobody takes it for
    a token."""
    body = {
        "iss": config.current().base_url,
        "aud": caller.client_id,
        "iat": int(now.timestamp()),
        "token_introspection": claims,
    }
    return signing.sign_jwt(SIGNING_USE, ALGORITHMS[caller.profile], body, typ="token-introspection+jwt")
