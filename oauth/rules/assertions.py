"""Client assertions (private_key_jwt: RFC 7523, SMART asymmetric authentication), all checks but the replay."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from oauth.errors import InvalidClient
from oauth.rules.clients import Client, Profile
from oauth.rules.keys import ASSERTION_ALGORITHMS, algorithms_of, read_part, read_signed, registered_key

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST = timedelta(minutes=5)
LEEWAY = timedelta(seconds=10)
_LONGEST_TEXT = 8192


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion that holds: its `jti` and when it can be forgotten."""

    jti: str
    expires_at: datetime


def claimed_client(assertion: str) -> str:
    """The `sub` of an assertion, before anything is verified. Raises `InvalidClient`."""
    segments = assertion.split(".")
    try:
        if len(segments) != 3 or len(assertion) > _LONGEST_TEXT:
            raise ValueError("not a compact JWS")
        subject = read_part(segments[1]).get("sub")
    except ValueError:
        raise InvalidClient("The client assertion is not a JWT.") from None
    if not isinstance(subject, str) or not subject:
        raise InvalidClient("The client assertion has no sub.")
    return subject


def key_name(assertion: str) -> object:
    """The `kid` of an assertion, before anything is verified. Raises `InvalidClient`."""
    return _header(assertion).get("kid")


def read_assertion(assertion: str, *, client: Client, issuer: str, token_endpoint: str, now: datetime) -> Assertion:
    """Verify an assertion with the client's keys and by the rules of its profile; a key in its header is not read.

    `fapi2`: the audience is the issuer as one string. `smart`: issuer or token endpoint. Raises `InvalidClient`.
    """
    claims = _verified(assertion, client)
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
        raise InvalidClient("iss and sub must be the client_id.")
    _check_audience(claims.get("aud"), client.profile, issuer, token_endpoint)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= 256:
        raise InvalidClient("jti is missing.")
    return Assertion(jti, _check_times(claims, now))


def _verified(assertion: str, client: Client) -> dict[str, Any]:
    header = _header(assertion)
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ASSERTION_ALGORITHMS[client.profile] or "crit" in header:
        raise InvalidClient(f"alg must be one of {', '.join(ASSERTION_ALGORITHMS[client.profile])}.")
    if header.get("jku", client.jwks_uri) != client.jwks_uri:
        raise InvalidClient("jku is not the jwks_uri of this client.")
    for jwk in client.keys:
        if kid is not None and jwk.get("kid") != kid:
            continue
        key = registered_key(jwk)
        if algorithm not in algorithms_of(key):
            continue
        try:
            return read_signed(assertion, key, algorithm)
        except ValueError:
            continue
    raise InvalidClient("No registered key verifies the client assertion.")


def _header(assertion: str) -> dict[str, Any]:
    try:
        return read_part(assertion.partition(".")[0])
    except ValueError:
        raise InvalidClient("The client assertion is not a JWT.") from None


def _check_audience(audience: object, profile: Profile, issuer: str, token_endpoint: str) -> None:
    if profile is Profile.FAPI2:
        if audience != issuer:
            raise InvalidClient("aud must be the issuer, as a single string.")
        return
    values = audience if isinstance(audience, list) else [audience]
    if not {issuer, token_endpoint} & {value for value in values if isinstance(value, str)}:
        raise InvalidClient("aud must be the issuer or the token endpoint.")


def _check_times(claims: dict[str, Any], now: datetime) -> datetime:
    """The expiry, at most five minutes ahead; `nbf` and `iat` may not lie in the future."""
    expires = _instant(claims.get("exp"))
    if expires is None or expires + LEEWAY <= now:
        raise InvalidClient("exp is missing or past.")
    if expires > now + LONGEST + LEEWAY:
        raise InvalidClient("exp is more than five minutes ahead.")
    for name in ("nbf", "iat"):
        if name in claims:
            instant = _instant(claims[name])
            if instant is None or instant > now + LEEWAY:
                raise InvalidClient(f"{name} lies in the future.")
    return expires + LEEWAY


def _instant(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None
