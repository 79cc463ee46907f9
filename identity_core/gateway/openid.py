"""OpenID Connect relying party (OpenID Connect Core 1.0, code flow with PKCE) towards the three identity providers.

FranceConnect, Pro Santé Connect and ProConnect differ by scopes, level and claims only. The userinfo answer must be a
signed JWT (§5.3.2). Keys are fetched again when a token names one that is not known.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from identity_core.errors import SignInFailed
from identity_core.rules import reaches
from platform_core import clock, config, crypto, outbound
from platform_core.config import IdentityProvider
from platform_core.errors import Unavailable

ALGORITHMS = ["ES256", "RS256"]
LEEWAY_SECONDS = 30
_FRESH = timedelta(hours=1)
_REFETCH = timedelta(seconds=30)
_MEANS = re.compile(r"[A-Za-z0-9._:/-]{1,64}")
_MOST_MEANS = 10
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a kind of provider: scopes and the least level of authentication."""

    scope: str
    acr: str


REQUESTS = {
    "citizen": Request("openid identite_pivot preferred_username email", "eidas2"),
    "pro": Request("openid scope_all", "eidas1"),
    "agent": Request("openid given_name usual_name email siret", "eidas1"),
}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a provider vouches for, verified. `claims` are those of the userinfo answer; `proven_at` is when the person
    last proved there who they are (`auth_time`), `amr` by what means, separated by spaces, if it says so."""

    subject: str
    acr: str
    id_token: str
    claims: Mapping[str, Any]
    proven_at: datetime | None = None
    amr: str = ""


class OpenIdProvider:
    """One provider: its published metadata and keys, kept an hour, and the calls made to it."""

    def __init__(self, settings: IdentityProvider) -> None:
        self.settings = settings
        self._metadata: dict[str, Any] = {}
        self._keys = KeySet([])
        self._discovered_at: datetime | None = None

    @property
    def issuer_key(self) -> str:
        """How stored subjects name the provider. A simulated one moves with the port of the machine, hence its kind."""
        return "simulated" if self.settings.simulated else self.settings.issuer

    def authorization_url(
        self, *, kind: str, state: str, nonce: str, verifier: str, redirect_uri: str, acr: str = "", again: bool = False
    ) -> str:
        """Where to send the browser (§3.1.2.1, RFC 7636 with S256). Raises `Unavailable`.

        `acr` asks for a stronger level than usual; `again` that the person prove anew who they are.
        """
        self._discover()
        challenge = crypto.base64url(hashlib.sha256(verifier.encode()).digest())
        parameters = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": REQUESTS[kind].scope,
            "acr_values": acr if reaches(acr, REQUESTS[kind].acr) else REQUESTS[kind].acr,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if again else {}),
        }
        return f"{self._metadata['authorization_endpoint']}?{urlencode(parameters)}"

    def finish(self, *, kind: str, code: str, nonce: str, verifier: str, redirect_uri: str) -> SignedIn:
        """Exchange the code and verify what comes back (§3.1.3, §5.3). Raises `SignInFailed`, `Unavailable`."""
        self._discover()
        tokens = self._exchange(code, verifier, redirect_uri)
        claims = self.verify_id_token(tokens["id_token"], nonce=nonce)
        if not reaches(claims["acr"], REQUESTS[kind].acr):
            raise SignInFailed("The level of authentication is lower than asked.")
        userinfo = self.verify_userinfo(self._fetch_userinfo(tokens["access_token"]), subject=claims["sub"])
        return SignedIn(claims["sub"], claims["acr"], tokens["id_token"], userinfo, _proven_at(claims), _amr(claims))

    def verify_id_token(self, token: str, *, nonce: str) -> dict[str, Any]:
        """The claims of an id_token after every check of §3.1.3.7. Raises `SignInFailed`."""
        needed = {name: {"essential": True} for name in ("exp", "iat", "sub", "acr", "nonce")}
        claims = self._verify(token, **needed)
        if claims.get("azp", self.settings.client_id) != self.settings.client_id:
            raise SignInFailed("The id_token was made for another client.")
        if not hmac.compare_digest(str(claims["nonce"]), nonce):
            raise SignInFailed("The id_token belongs to another sign-in.")
        return claims

    def verify_userinfo(self, token: str, *, subject: str) -> dict[str, Any]:
        """The claims of a signed userinfo answer about this subject (§5.3.2). Raises `SignInFailed`."""
        claims = self._verify(token, sub={"essential": True})
        if not hmac.compare_digest(claims["sub"], subject):
            raise SignInFailed("The userinfo answer is about somebody else.")
        return claims

    def sign_out_url(self, *, id_token: str, return_uri: str) -> str | None:
        """Where to send the browser to sign out there too (RP-Initiated Logout 1.0 §2), when the provider can."""
        try:
            self._discover()
        except Unavailable:
            return None
        endpoint = self._metadata.get("end_session_endpoint")
        parameters = {"id_token_hint": id_token, "post_logout_redirect_uri": return_uri}
        return f"{endpoint}?{urlencode(parameters)}" if endpoint else None

    def _verify(self, token: str, **options: Any) -> dict[str, Any]:
        registry = jwt.JWTClaimsRegistry(
            now=int(clock.now().timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.client_id},
            **options,
        )
        try:
            claims = self._decode(token)
            registry.validate(claims)
        except (JoseError, ValueError) as error:
            raise SignInFailed(f"What the provider signed does not hold: {error}") from error
        return claims

    def _decode(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(token, self._keys, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError):
            if self._discovered_at and self._discovered_at > clock.now() - _REFETCH:
                raise
        self._fetch_keys()
        return jwt.decode(token, self._keys, algorithms=ALGORITHMS).claims

    def _exchange(self, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": self.settings.client_id,
            "client_secret": self.settings.client_secret,
        }
        with outbound.session() as http:
            response = http.post(self._metadata["token_endpoint"], data=form)
        if response.status_code >= 500:
            raise Unavailable("The identity provider is failing.")
        try:
            tokens: dict[str, Any] = response.json()
        except ValueError:
            tokens = {}
        if response.status_code != 200 or not {"id_token", "access_token"} <= set(tokens):
            raise SignInFailed("The provider refused the code.")
        return tokens

    def _fetch_userinfo(self, access_token: str) -> str:
        with outbound.session() as http:
            response = http.get(
                self._metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {access_token}"}
            )
        if response.status_code != 200 or not response.headers.get("Content-Type", "").startswith("application/jwt"):
            raise SignInFailed("The provider gave no signed userinfo.")
        return response.text

    def _discover(self) -> None:
        """Read the metadata (Discovery 1.0 §4) and the keys, unless they are fresh. Raises `Unavailable`."""
        if self._discovered_at and self._discovered_at > clock.now() - _FRESH:
            return
        metadata = _get_json(f"{self.settings.issuer}/.well-known/openid-configuration")
        if metadata.get("issuer") != self.settings.issuer or not all(metadata.get(name) for name in _ENDPOINTS):
            raise Unavailable("The identity provider publishes unfit metadata.")
        self._metadata = metadata
        self._fetch_keys()

    def _fetch_keys(self) -> None:
        try:
            self._keys = KeySet.import_key_set(_get_json(self._metadata["jwks_uri"]))
        except (JoseError, ValueError, KeyError) as error:
            raise Unavailable("The identity provider publishes unfit keys.") from error
        self._discovered_at = clock.now()


def provider(kind: str) -> OpenIdProvider:
    """The provider of a kind of people: `citizen`, `pro` or `agent`."""
    return _provider(getattr(config.current(), f"{kind}_idp"))


def _amr(claims: Mapping[str, Any]) -> str:
    """The means of RFC 8176 that the provider names (OpenID Connect Core §2)."""
    named = claims.get("amr")
    means = named if isinstance(named, list) else []
    return " ".join(one for one in means[:_MOST_MEANS] if isinstance(one, str) and _MEANS.fullmatch(one))


def _proven_at(claims: Mapping[str, Any]) -> datetime | None:
    told = claims.get("auth_time")
    now = clock.now()
    return min(datetime.fromtimestamp(told, UTC), now) if isinstance(told, int) and told > 0 else None


@lru_cache(maxsize=16)
def _provider(settings: IdentityProvider) -> OpenIdProvider:
    return OpenIdProvider(settings)


def _get_json(url: str) -> Any:
    with outbound.session() as http:
        response = http.get(url)
    try:
        found = response.json() if response.status_code == 200 else {}
    except ValueError:
        found = {}
    if not found:
        raise Unavailable(f"{urlsplit(url).hostname} does not publish what an identity provider must.")
    return found
