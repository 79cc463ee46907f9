"""Public keys that others sign with: which algorithms are read, how a JWK is imported and bounded."""

import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from oauth.rules.clients import Profile
from platform_core.errors import Fault, Invalid

PROOF_ALGORITHMS = ("ES256", "PS256", "EdDSA", "Ed25519")
ASSERTION_ALGORITHMS = {
    Profile.FAPI2: ("ES256", "PS256", "EdDSA", "Ed25519"),
    Profile.SMART: ("ES384", "RS384", "ES256"),
}
_CLASSES: dict[str, type[Key]] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}
_FITTING = {
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "Ed25519": ("EdDSA", "Ed25519"),
    "RSA": ("PS256", "RS384"),
}
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_LEAST_RSA_BITS = 2048


def import_public_key(jwk: object) -> Key:
    """Read a public EC, RSA or OKP key. Raises `ValueError` when it is private, symmetric, weak or unreadable."""
    if not isinstance(jwk, dict):
        raise ValueError("the key is not a JSON object")
    if is_secret(jwk):
        raise ValueError("the key is not a public one")
    key_class = _CLASSES.get(str(jwk.get("kty")))
    if key_class is None:
        raise ValueError("the key type is not EC, RSA or OKP")
    if jwk["kty"] == "RSA" and len(str(jwk.get("n", ""))) * 6 < _LEAST_RSA_BITS:
        raise ValueError(f"an RSA key has at least {_LEAST_RSA_BITS} bits")
    try:
        key = key_class.import_key(jwk)
        fitting = algorithms_of(key)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ValueError("the key cannot be read") from error
    if not fitting:
        raise ValueError("the key is on a curve that is not used, or too weak")
    return key


def registered_key(jwk: Mapping[str, Any]) -> Key:
    """A key that was checked when it was registered or fetched; the same one is imported once."""
    return _registered(orjson.dumps(jwk))


@lru_cache(maxsize=4096)
def _registered(jwk: bytes) -> Key:
    return import_public_key(orjson.loads(jwk))


def is_secret(jwk: Mapping[str, Any]) -> bool:
    """Whether a JWK is symmetric or holds a private member: it is nobody's business here."""
    return jwk.get("kty") == "oct" or bool(_PRIVATE_MEMBERS & jwk.keys())


def algorithms_of(key: Key) -> tuple[str, ...]:
    """The signature algorithms that a key may be used with."""
    if isinstance(key, RSAKey):
        strong = key.raw_value.key_size >= _LEAST_RSA_BITS
        return _FITTING["RSA"] if strong else ()
    return _FITTING.get(str(getattr(key, "curve_name", "")), ())


def read_signed(text: str, key: Key, algorithm: str) -> dict[str, Any]:
    """The claims of a compact JWS (RFC 7515 §7.1) whose header was read already, signed with this key and algorithm.

    The caller has checked that the algorithm fits the key. Raises `ValueError`.
    """
    signed, _, signature = text.rpartition(".")
    try:
        holds = jws.JWSRegistry.algorithms[algorithm].verify(signed.encode(), _decoded(signature), key)
    except (JoseError, ValueError, TypeError):
        holds = False
    if not holds:
        raise ValueError("the signature does not hold")
    return read_part(signed.partition(".")[2])


def read_part(segment: str) -> dict[str, Any]:
    """The header or the claims of a compact JWS, not verified. Raises `ValueError`."""
    part = orjson.loads(_decoded(segment))
    if not isinstance(part, dict):
        raise ValueError("not a JSON object")
    return part


def _decoded(segment: str) -> bytes:
    return base64.b64decode(segment + "=" * (-len(segment) % 4), altchars="-_", validate=True)


def client_jwk(jwk: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """The public half to register for a client, with its thumbprint as `kid` when it has none (RFC 7638).

    Raises `Invalid` (`invalid_client_metadata`) when the key is private, unreadable or unfit for the profile.
    """
    try:
        key = import_public_key(dict(jwk))
    except ValueError as error:
        raise _unfit(str(error)) from None
    if not set(algorithms_of(key)) & set(ASSERTION_ALGORITHMS[profile]):
        raise _unfit(f"a key of the profile {profile} signs with {', '.join(ASSERTION_ALGORITHMS[profile])}")
    public = dict(key.as_dict(private=False))
    public.setdefault("kid", key.thumbprint())
    return public


def _unfit(message: str) -> Invalid:
    return Invalid(
        f"The key cannot be registered: {message}.", code="invalid_client_metadata", faults=[Fault("jwk", message)]
    )
