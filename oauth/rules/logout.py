"""Signing out at an app's request (RP-Initiated Logout 1.0) and telling apps of it (Back-Channel Logout 1.0)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from oauth.rules.clients import is_loopback
from platform_core.errors import Fault, Invalid

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TYPE = "logout+jwt"


@dataclass(frozen=True, slots=True)
class Hint:
    """What an id_token says of a sign-in: for which client, and the pairwise subject."""

    client_id: str
    subject: str


def read_hint(token: str, *, issuer: str, jwks: Mapping[str, Any], algorithms: list[str]) -> Hint | None:
    """The id_token that an app was given, expired or not (RP-Initiated Logout §4). None for one that is not ours."""
    try:
        claims = jwt.decode(token, KeySet.import_key_set(jwks), algorithms=algorithms).claims  # type: ignore[arg-type]
    except (JoseError, ValueError):
        return None
    client_id, subject = claims.get("aud"), claims.get("sub")
    if claims.get("iss") != issuer or not isinstance(client_id, str) or not isinstance(subject, str):
        return None
    return Hint(client_id, subject)


def address_of_return(uri: str, state: str) -> str:
    """Where the browser goes on once signed out (§3)."""
    separator = "&" if urlsplit(uri).query else "?"
    return f"{uri}{separator}{urlencode({'state': state})}" if state else uri


def check_backchannel(uri: str, *, allow_loopback: bool) -> None:
    """Whether logout tokens may be sent there (Back-Channel Logout §2.2). Raises `Invalid`."""
    parts = urlsplit(uri)
    local = allow_loopback and parts.scheme == "http" and is_loopback(parts.hostname)
    if not (parts.scheme == "https" or local) or not parts.hostname or parts.fragment or parts.username:
        message = "must be an https address without fragment"
        raise Invalid(
            f"The backchannel_logout_uri {message}.",
            code="invalid_client_metadata",
            faults=[Fault("backchannel_logout_uri", message)],
        )


def logout_claims(*, issuer: str, client_id: str, subject: str, sid: str, jti: str, now: int) -> dict[str, Any]:
    """The claims of a logout token (Back-Channel Logout §2.4): no nonce, so that it is never taken for an id_token."""
    return {
        "iss": issuer,
        "aud": client_id,
        "sub": subject,
        "sid": sid,
        "iat": now,
        "exp": now + 120,
        "jti": jti,
        "events": {EVENT: {}},
    }
