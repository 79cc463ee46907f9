"""A partner app written with joserfc alone: it signs, proves and posts as RFC 7523, 7636, 9126 and 9449 say."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.jwk import ECKey, Key
from werkzeug.test import TestResponse

from consent.service import requests as consent
from consent.workflow import Answer
from oauth import queries, service
from oauth.rules.clients import Client, Profile
from platform_core import clock, config
from platform_core.access import Actor, ActorKind
from platform_core.database import transaction
from platform_core.ids import uuid7

FAPI = "fapi2-security-profile-final-"
"""What the names of the OpenID conformance modules begin with."""
CALLBACK = "https://balance.exemple.fr/retour"
TESTER = Actor(ActorKind.OPERATOR, None, "Essai")
WEIGHT = {
    "type": "urn:ens:health-data",
    "datatypes": ["oauthtest.weight"],
    "actions": ["read", "write"],
    "purpose": "prevention",
}


def digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def sandbox_client(
    profile: Profile = Profile.FAPI2, *, public: bool = False, callback: str = CALLBACK
) -> "Credentials":
    """A sandbox client of its own, with its key."""
    private = None if public else service.generate_key(profile)
    with transaction():
        client = service.issue_sandbox_client(
            name="Balance+",
            profile=profile,
            redirect_uris=[callback],
            jwk=service.public_half(private) if private else None,
            by=TESTER,
        )
    return Credentials(client, ECKey.import_key(private) if private else None)


@dataclass
class Credentials:
    client: Client
    key: ECKey | None


@dataclass
class Partner:
    """One client that speaks to the application; `proof_key` is the key its tokens are bound to."""

    app: Flask
    credentials: Credentials
    proof_key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))

    def __post_init__(self) -> None:
        self.http = self.app.test_client()
        self.client = self.credentials.client
        self.issuer = config.current().base_url
        self.verifier = secrets.token_urlsafe(48)

    def assertion(
        self, *, key: Key | None = None, alg: str | None = None, header: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """A client assertion; a claim given replaces the right one, None leaves it out; `header` adds members."""
        now = int(clock.now().timestamp())
        right = {
            "iss": self.client.client_id,
            "sub": self.client.client_id,
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
        }
        said = {name: value for name, value in {**right, **claims}.items() if value is not None}
        signer = key or self.credentials.key
        algorithm = alg or ("ES256" if self.client.profile is Profile.FAPI2 else "ES384")
        return signed({"alg": algorithm, **(header or {})}, said, signer)

    def proof(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        key: Key | None = None,
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A DPoP proof; a claim or header member given replaces the right one, None leaves it out."""
        key = key or self.proof_key
        right: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": self.issuer + path,
            "iat": int(clock.now().timestamp()),
            "ath": digest(token) if token else None,
        }
        said = {name: value for name, value in {**right, **claims}.items() if value is not None}
        heading = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False), **(header or {})}
        heading = {name: value for name, value in heading.items() if value is not None}
        return signed(heading, said, key)

    def post(self, path: str, form: dict[str, Any], *, proofs: list[str] | None = None) -> TestResponse:
        """Post to an endpoint as this client, with a fresh assertion and a fresh proof unless others are given."""
        if self.client.is_public:
            authentication = {"client_id": self.client.client_id}
        else:
            authentication = {
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": self.assertion(),
            }
        if proofs is None:
            proofs = [self.proof("POST", path)] if self.client.binds_tokens else []
        filled = {name: value for name, value in {**authentication, **form}.items() if value is not None}
        return self.http.post(path, data=filled, headers=[("DPoP", proof) for proof in proofs])

    def request(self, **changes: Any) -> dict[str, Any]:
        """The parameters of an authorization request."""
        right: dict[str, Any] = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uris[0],
            "scope": "openid offline_access",
            "state": "état-42",
            "nonce": "nonce-42",
            "code_challenge": digest(self.verifier),
            "code_challenge_method": "S256",
            "authorization_details": json.dumps([WEIGHT]),
            "aud": f"{self.issuer}/fhir" if self.client.profile is Profile.SMART else None,
        }
        return {**right, **changes}

    def push(self, *, proofs: list[str] | None = None, **changes: Any) -> TestResponse:
        return self.post("/oauth/par", self.request(**changes), proofs=proofs)

    def decide(
        self, request_uri: str, patient: UUID, decision: str = "grant", details: list[Any] | None = None
    ) -> TestResponse:
        body = {"request_uri": request_uri, "patient": str(patient), "decision": decision}
        if details is not None:
            body["authorization_details"] = details  # type: ignore[assignment]
        return self.call("POST", "/api/v1/sandbox/decisions", self.app_token(), json=body)

    def code(self, patient: UUID, **changes: Any) -> str:
        """An authorization code that a synthetic patient granted."""
        decided = self.decide(self.push(**changes).json["request_uri"], patient)
        assert decided.status_code == 200, decided.text
        return query_of(decided.json["redirect_to"])["code"]

    def exchange(self, code: str, *, proofs: list[str] | None = None, **changes: Any) -> TestResponse:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.client.redirect_uris[0],
            "code_verifier": self.verifier,
        }
        return self.post("/oauth/token", {**form, **changes}, proofs=proofs)

    def grant(self, patient: UUID, **changes: Any) -> dict[str, Any]:
        """The token response of a whole flow."""
        answer = self.exchange(self.code(patient, **changes))
        assert answer.status_code == 200, answer.text
        return dict(answer.json)

    def refresh(self, token: str, *, proofs: list[str] | None = None, **changes: Any) -> TestResponse:
        form = {"grant_type": "refresh_token", "refresh_token": token, **changes}
        return self.post("/oauth/token", form, proofs=proofs)

    def app_token(self) -> str:
        answer = self.post("/oauth/token", {"grant_type": "client_credentials", "scope": "ens:app"})
        assert answer.status_code == 200, answer.text
        return str(answer.json["access_token"])

    def call(
        self, method: str, path: str, token: str, *, proofs: list[str] | None = None, **options: Any
    ) -> TestResponse:
        """Call a resource with a token, in the way it is bound."""
        if not self.client.binds_tokens:
            headers = [("Authorization", f"Bearer {token}")]
        else:
            proofs = [self.proof(method, path, token=token)] if proofs is None else proofs
            headers = [("Authorization", f"DPoP {token}"), *(("DPoP", proof) for proof in proofs)]
        return self.http.open(path, method=method, headers=headers, **options)

    def reload(self) -> Client:
        with transaction():
            return queries.get_client(self.client.pk)


def open_in(browser: FlaskClient, partner: Partner, **changes: Any) -> UUID:
    """Push, open, and give the id of the consent request that the browser is sent to."""
    uri = partner.push(**changes).json["request_uri"]
    answer = browser.get("/oauth/authorize", query_string={"client_id": partner.client.client_id, "request_uri": uri})
    assert answer.status_code == 303
    path = answer.headers["Location"]
    assert path.startswith("/consentement/")
    return UUID(path.rsplit("/", 1)[1])


def answer_as(
    patient: UUID, request_id: UUID, decision: Answer, *, person_id: UUID | None = None, acr: str = "eidas2"
) -> str:
    """Decide as the screen does; returns the resume path."""
    by = Actor(ActorKind.PATIENT, person_id or uuid7(), "Camille", assurance=acr)
    with transaction(patient_id=patient):
        return consent.decide_request(request_id=request_id, patient_id=patient, decision=decision, by=by).resume_path


def signed(header: dict[str, Any], claims: dict[str, Any], key: Key) -> str:
    """A compact JWT, signed by hand: joserfc itself refuses to make some of the wrong headers."""
    text = f"{_segment(header)}.{_segment(claims)}"
    if header.get("alg") in {None, "none"}:
        return f"{text}."
    signature = jws.JWSRegistry.algorithms[header["alg"]].sign(text.encode(), key)
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _segment(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
