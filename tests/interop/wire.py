"""A client that only knows what the standards say: the same black box for our server and for another's."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from joserfc.jwk import ECKey, Key

from platform_core import clock
from tests.interop.conftest import DETAILS
from tests.oauth.partner import digest, query_of, signed

SCOPE = "openid offline_access"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Decide = Callable[["WireClient", str], str]


@dataclass
class WireClient:
    """A FAPI 2.0 client of some server; `decide` has a person grant a pushed request and returns the callback."""

    metadata: dict[str, Any]
    client_id: str
    redirect_uri: str
    key: ECKey
    decide: Decide
    proof_key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    nonce: str | None = None

    def assertion(self, *, key: Key | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A client assertion; a claim or header member given replaces the right one, None leaves it out."""
        now = int(clock.now().timestamp())
        right = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.metadata["issuer"],
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
        }
        heading = {"alg": "ES256", "kid": self.key.kid, **(header or {})}
        return signed(_without_none(heading), _without_none({**right, **claims}), key or self.key)

    def proof(
        self,
        method: str,
        url: str,
        *,
        token: str | None = None,
        key: ECKey | None = None,
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A DPoP proof; a claim or header member given replaces the right one, None leaves it out."""
        key = key or self.proof_key
        right = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url,
            "iat": int(clock.now().timestamp()),
            "ath": digest(token) if token else None,
            "nonce": self.nonce,
        }
        heading = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False), **(header or {})}
        return signed(_without_none(heading), _without_none({**right, **claims}), key)

    def post(self, name: str, form: dict[str, Any], *, proofs: list[str] | None = None) -> requests.Response:
        """Post to an endpoint of the metadata, with a fresh assertion and a fresh proof unless others are given."""
        url = self.metadata[f"{name}_endpoint"]
        authentication = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion()}
        proofs = [self.proof("POST", url)] if proofs is None else proofs
        # requests folds no header: several proofs are sent as one header, which no proof survives.
        headers = {"DPoP": ", ".join(proofs)} if proofs else {}
        answer = requests.post(url, data=_without_none({**authentication, **form}), headers=headers, timeout=10)
        self.nonce = answer.headers.get("DPoP-Nonce", self.nonce)
        return answer

    def request(self, **changes: Any) -> dict[str, Any]:
        right = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": SCOPE,
            "state": "état-42",
            "code_challenge": digest(self.verifier),
            "code_challenge_method": "S256",
            "authorization_details": json.dumps(DETAILS),
        }
        return {**right, **changes}

    def push(self, *, proofs: list[str] | None = None, **changes: Any) -> requests.Response:
        return self.post("pushed_authorization_request", self.request(**changes), proofs=proofs)

    def code(self, **changes: Any) -> str:
        """A code that a person granted."""
        pushed = self.push(proofs=[], **changes)
        assert pushed.status_code == 201, pushed.text
        address = self.decide(self, pushed.json()["request_uri"])
        return query_of(address)["code"]

    def exchange(self, code: str, *, proofs: list[str] | None = None, **changes: Any) -> requests.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return self.post("token", {**form, **changes}, proofs=proofs)

    def prime(self) -> None:
        """Learn the nonce that the server wants in proofs, if it wants one."""
        self.post("token", {"grant_type": "client_credentials", "scope": "ens:app"})

    def grant(self) -> dict[str, Any]:
        """The token response of a whole flow."""
        answer = self.exchange(self.code())
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def refresh(self, token: str, *, proofs: list[str] | None = None, **changes: Any) -> requests.Response:
        return self.post("token", {"grant_type": "refresh_token", "refresh_token": token, **changes}, proofs=proofs)

    def userinfo(self, token: str, *, scheme: str = "DPoP", proofs: list[str] | None = None) -> requests.Response:
        """Call a resource that both kinds of server have."""
        url = self.metadata["userinfo_endpoint"]
        proofs = [self.proof("GET", url, token=token)] if proofs is None else proofs
        headers = {"Authorization": f"{scheme} {token}", **({"DPoP": ", ".join(proofs)} if proofs else {})}
        return requests.get(url, headers=headers, timeout=10)

    def is_active(self, token: str) -> bool:
        """What introspection says of a token."""
        return bool(self.post("introspection", {"token": token}).json()["active"])


def _without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
