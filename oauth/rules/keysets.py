"""Key sets that clients publish at their `jwks_uri`: which addresses, which sets, and how long a copy counts."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson

from oauth.rules.clients import Client, is_loopback
from oauth.rules.keys import import_public_key, is_secret
from platform_core.errors import Fault, Invalid

SHORTEST = timedelta(seconds=5)
"""What `no-store` and `max-age=0` come to: the time of the one request that the set was fetched for."""
USUAL = timedelta(minutes=5)
LONGEST = timedelta(hours=1)
PAUSE = timedelta(seconds=60)
"""How long a set that could not be read, or in which a `kid` was not found, is not fetched again."""
MOST_BYTES = 64 * 1024
MOST_KEYS = 20
_TYPES = frozenset({"application/json", "application/jwk-set+json"})
_MAX_AGE = re.compile(r"max-age=\"?(\d{1,9})", re.IGNORECASE)
_FORBIDS = re.compile(r"no-store|no-cache", re.IGNORECASE)


def check_jwks_uri(uri: str, *, has_key: bool, allow_loopback: bool) -> None:
    """Whether a client may publish its keys there: https, or loopback http when it is allowed, and no key by value
    (RFC 7591 §2). Raises `Invalid` (`invalid_client_metadata`)."""
    try:
        parts = urlsplit(uri)
        right = parts.scheme == "https" or (allow_loopback and parts.scheme == "http" and is_loopback(parts.hostname))
        right = right and bool(parts.hostname) and parts.username is None and "#" not in uri and uri.isprintable()
    except ValueError:
        right = False
    if has_key:
        raise _unfit("give keys by value or jwks_uri, not both")
    if not right:
        raise _unfit("jwks_uri must be an https address, without user name or fragment")


def read_keyset(status: int, media_type: str, body: bytes) -> list[dict[str, Any]]:
    """The public keys of an answer; those of types that nobody here reads are left out (RFC 7517 §5).

    Raises `ValueError`: another status, type or shape, too large, or a private or symmetric key among them, which
    makes the whole set suspect.
    """
    if status != 200:
        raise ValueError("the answer is not 200")
    if media_type.partition(";")[0].strip().lower() not in _TYPES:
        raise ValueError("the answer is not a JSON key set")
    if len(body) > MOST_BYTES:
        raise ValueError(f"the key set is larger than {MOST_BYTES} bytes")
    keys = orjson.loads(body)
    keys = keys.get("keys") if isinstance(keys, dict) else None
    if not isinstance(keys, list) or len(keys) > MOST_KEYS or not all(isinstance(key, dict) for key in keys):
        raise ValueError(f"the key set has no list of {MOST_KEYS} keys at most")
    if any(is_secret(key) for key in keys):
        raise ValueError("the key set holds a private or symmetric key")
    return [key for key in keys if _signs(key)]


def _signs(jwk: Mapping[str, Any]) -> bool:
    if jwk.get("use", "sig") != "sig":
        return False
    try:
        import_public_key(dict(jwk))
    except ValueError:
        return False
    return True


def fresh_for(cache_control: str) -> timedelta:
    """How long a copy counts: no longer than the publisher says (SMART App Launch 2.2, client-confidential-
    asymmetric), an hour at most, five minutes when nothing is said."""
    if _FORBIDS.search(cache_control):
        return SHORTEST
    said = _MAX_AGE.search(cache_control)
    return min(max(timedelta(seconds=int(said[1])), SHORTEST), LONGEST) if said else USUAL


def must_fetch(client: Client, kid: object, now: datetime) -> bool:
    """Whether the keys of a client are to be fetched before its assertion is judged.

    They are when there is no fresh copy, or when that copy lacks the `kid`, once in a while only: nobody can make the
    server call a publisher again and again by inventing names of keys.
    """
    if client.jwks_uri is None:
        return False
    known = client.keyset
    if known is None or known.fresh_until <= now:
        return True
    lacks = kid is not None and all(key.get("kid") != kid for key in client.keys)
    return lacks and known.fetched_at + PAUSE <= now


def _unfit(message: str) -> Invalid:
    return Invalid(
        f"The keys cannot be registered: {message}.",
        code="invalid_client_metadata",
        faults=[Fault("jwks_uri", message)],
    )
