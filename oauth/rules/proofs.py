"""DPoP proofs (RFC 9449 §4.3), all checks but the replay of their `jti`."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from joserfc.jwk import Key

from oauth.errors import InvalidProof
from oauth.rules.keys import PROOF_ALGORITHMS, algorithms_of, import_public_key, read_part, read_signed
from platform_core.crypto import base64url, hash_token

AHEAD = timedelta(seconds=10)
LIFETIME = timedelta(seconds=60)
_LONGEST = 8192
_LONGEST_HEADER = 2048
_LONGEST_JTI = 256
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds: the thumbprint of its key (RFC 7638), its `jti`, when it can be forgotten, and the nonce that
    it claims to have been given, for the endpoint to judge."""

    jkt: str
    jti: str
    expires_at: datetime
    nonce: object


@dataclass(frozen=True, slots=True)
class _Header:
    algorithm: str
    key: Key
    jkt: str


def read_proof(proofs: Sequence[str], *, method: str, url: str, now: datetime, access_token: str = "") -> Proof:
    """Check the one proof of a request made with `method` on `url`.

    `access_token` is the token sent with it, empty at the authorization server's own endpoints. Raises `InvalidProof`.
    """
    if len(proofs) != 1:
        raise InvalidProof("exactly one DPoP header is expected")
    text = proofs[0]
    segments = text.split(".")
    if len(segments) != 3 or len(text) > _LONGEST or len(segments[0]) > _LONGEST_HEADER:
        raise InvalidProof("the proof is not a compact JWT")
    header = _read_header(segments[0])
    try:
        claims = read_signed(text, header.key, header.algorithm)
    except ValueError as error:
        raise InvalidProof(str(error)) from None
    issued = _check_claims(claims, method=method, url=url, now=now)
    if access_token:
        _check_token_hash(claims.get("ath"), access_token)
    return Proof(header.jkt, claims["jti"], issued + LIFETIME + AHEAD, claims.get("nonce"))


@lru_cache(maxsize=4096)
def _read_header(segment: str) -> _Header:
    """The key of a proof. A client sends the same header again and again, so the imported key is kept."""
    try:
        header = read_part(segment)
    except ValueError:
        raise InvalidProof("the header cannot be read") from None
    if header.get("typ") != "dpop+jwt":
        raise InvalidProof("typ must be dpop+jwt")
    if header.get("alg") not in PROOF_ALGORITHMS or "crit" in header:
        raise InvalidProof(f"alg must be one of {', '.join(PROOF_ALGORITHMS)}")
    try:
        key = import_public_key(header.get("jwk"))
    except ValueError as error:
        raise InvalidProof(f"jwk: {error}") from None
    if header["alg"] not in algorithms_of(key):
        raise InvalidProof("alg does not fit the key")
    return _Header(header["alg"], key, key.thumbprint())


def _check_claims(claims: dict[str, Any], *, method: str, url: str, now: datetime) -> datetime:
    jti, issued = claims.get("jti"), claims.get("iat")
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI:
        raise InvalidProof("jti is missing")
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        raise InvalidProof("iat is missing")
    age = now.timestamp() - issued
    if not -AHEAD.total_seconds() <= age <= LIFETIME.total_seconds():
        raise InvalidProof("iat is too far from the present")
    if claims.get("htm") != method:
        raise InvalidProof("htm is not the method of the request")
    if not isinstance(claims.get("htu"), str) or not _same_target(claims["htu"], url):
        raise InvalidProof("htu is not the address of the request")
    return now - timedelta(seconds=age)


def _check_token_hash(claimed: object, access_token: str) -> None:
    expected = base64url(hash_token(access_token))
    if not isinstance(claimed, str) or not hmac.compare_digest(claimed.encode(), expected.encode()):
        raise InvalidProof("ath is not the hash of the access token")


def _same_target(claimed: str, url: str) -> bool:
    """Compare without query and fragment, after the normalisation of RFC 3986 §6.2.2 and §6.2.3."""
    if claimed == url:
        return True
    try:
        return _normal(urlsplit(claimed)) == _normal(urlsplit(url))
    except ValueError:
        return False


def _normal(parts: SplitResult) -> tuple[str, str, int | None, str]:
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(scheme), parts.path or "/"
