"""Private keys: the client's own (private_key_jwt, RFC 7523) and the one that each grant proves (DPoP, RFC
9449)."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from . import _json
from .errors import PartnerError

_ALGORITHMS = {
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "Ed25519": ("Ed25519", "EdDSA"),
    "RSA": ("PS256", "RS384"),
}
_KEY_CLASSES = (ECKey, RSAKey, OKPKey)
_ASSERTION_LIFETIME = 55


class ClientKey:
    """The key whose public half is registered with the app; signs the assertions that authenticate it."""

    def __init__(self, material: dict[str, Any] | str | bytes) -> None:
        self._key = _import_private_key(material)
        self._family = "RSA" if isinstance(self._key, RSAKey) else str(self._key.curve_name)
        if self._family not in _ALGORITHMS:
            raise ValueError(f"private_key is on the curve {self._family}: give a P-256, P-384, Ed25519 or RSA key.")

    def assertion(self, *, client_id: str, audience: str, supported: list[str] | None) -> str:
        """A fresh client assertion (RFC 7523 §3), valid for less than 60 seconds, in an algorithm the server
        reads.

        Raises PartnerError when the server reads none that fits the key.
        """
        algorithm = self._algorithm(supported)
        header = {"alg": algorithm, "typ": "JWT"}
        if self._key.kid:
            header["kid"] = self._key.kid
        issued = int(time.time())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "jti": secrets.token_urlsafe(24),
            "iat": issued,
            "exp": issued + _ASSERTION_LIFETIME,
        }
        return jwt.encode(header, claims, self._key, algorithms=[algorithm])

    def _algorithm(self, supported: list[str] | None) -> str:
        candidates = _ALGORITHMS[self._family]
        for algorithm in candidates:
            if supported is None or algorithm in supported:
                return algorithm
        raise PartnerError(f"The server accepts {', '.join(supported or [])}: none fits a {self._family} key.")


class ProofKey:
    """The ES256 key pair that a grant's tokens are bound to. Remembers the server's nonces; safe between
    threads, since each is one assignment and an outdated nonce only costs one more exchange."""

    def __init__(self, key: ECKey) -> None:
        self._key = key
        self._nonces: dict[tuple[str, bool], str] = {}

    @classmethod
    def generate(cls) -> ProofKey:
        return cls(ECKey.generate_key("P-256", private=True))

    @classmethod
    def from_jwk(cls, jwk: dict[str, Any]) -> ProofKey:
        return cls(ECKey.import_key(jwk))

    def to_jwk(self) -> dict[str, Any]:
        """The private key as a JWK: to be kept as safely as a token."""
        return dict(self._key.as_dict(private=True))

    def proof(self, method: str, url: str, *, access_token: str | None = None) -> str:
        """A DPoP proof for one request (RFC 9449 §4.2): `htu` has neither query nor fragment."""
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url.partition("#")[0].partition("?")[0],
            "iat": int(time.time()),
        }
        if access_token is not None:
            claims["ath"] = _digest(access_token)
        if nonce := self._nonces.get(_server(url, access_token)):
            claims["nonce"] = nonce
        header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": self._key.as_dict(private=False)}
        return jwt.encode(header, claims, self._key, algorithms=["ES256"])

    def remember_nonce(self, response: requests.Response, *, access_token: str | None) -> None:
        """Keep the nonce for the next proof; the authorization server and the resource server have each their
        own."""
        if nonce := response.headers.get("DPoP-Nonce"):
            self._nonces[_server(response.url, access_token)] = nonce


class ProofOnly:
    """Credentials of a call to the authorization server: a proof, and no token yet."""

    def __init__(self, key: ProofKey) -> None:
        self._key = key

    def headers(self, method: str, url: str) -> dict[str, str]:
        return {"DPoP": self._key.proof(method, url)}

    def learn(self, response: requests.Response) -> None:
        self._key.remember_nonce(response, access_token=None)


class TokenCredentials:
    """Credentials of a call with an access token: DPoP when it is bound to a key, else Bearer (RFC 6750)."""

    def __init__(self, access_token: str, key: ProofKey | None) -> None:
        self.access_token = access_token
        self._key = key

    def headers(self, method: str, url: str) -> dict[str, str]:
        if self._key is None:
            return {"Authorization": f"Bearer {self.access_token}"}
        proof = self._key.proof(method, url, access_token=self.access_token)
        return {"Authorization": f"DPoP {self.access_token}", "DPoP": proof}

    def learn(self, response: requests.Response) -> None:
        if self._key is not None:
            self._key.remember_nonce(response, access_token=self.access_token)


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636 §4.2)."""
    return _digest(verifier)


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def _server(url: str, access_token: str | None) -> tuple[str, bool]:
    return urlsplit(url).netloc, access_token is not None


def _import_private_key(material: dict[str, Any] | str | bytes) -> ECKey | RSAKey | OKPKey:
    if isinstance(material, str | bytes) and material.strip()[:1] in ("{", b"{"):
        material = _json.loads(material)
    for key_class in _KEY_CLASSES:
        try:
            key = key_class.import_key(material)
        except (JoseError, ValueError, KeyError, TypeError):
            continue
        if isinstance(material, dict) and material.get("kty") != key.key_type:
            continue
        if key.is_private:
            return key
        raise ValueError("private_key holds a public key: give the private half, which the platform never sees.")
    raise ValueError("private_key is not readable: give a JWK (dict or JSON) or a PEM of an EC, Ed25519 or RSA key.")
