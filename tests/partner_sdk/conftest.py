"""A small platform: it answers the SDK through a requests adapter and checks each proof it is shown."""

import base64
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey
from requests.adapters import BaseAdapter

from partner_sdk import Grant, PartnerClient
from partner_sdk._keys import challenge_of

ISSUER = "https://ens.example"
CLIENT_ID = "balance-plus"
CALLBACK = "https://balance.example/callback"
EXAMPLES = Path(__file__).parents[2] / "partner_sdk" / "examples"
# The examples are scripts beside the SDK, outside its wheel: they import one another by their bare names.
sys.path.append(str(EXAMPLES))
Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


class Request:
    """What the platform received, read."""

    def __init__(self, prepared: requests.PreparedRequest) -> None:
        self.method = prepared.method or ""
        self.url = prepared.url or ""
        self.headers = prepared.headers
        self.path = urlsplit(self.url).path
        self.query = dict(parse_qsl(urlsplit(self.url).query))
        self.body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body or b""

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def proof(self) -> jwt.Token:
        """The DPoP proof, verified with the key it carries and against this very request."""
        text = self.headers["DPoP"]
        key = ECKey.import_key(header_of(text)["jwk"])
        token = jwt.decode(text, key, algorithms=["ES256"])
        assert token.header["typ"] == "dpop+jwt"
        assert not key.is_private
        assert token.claims["htm"] == self.method
        assert token.claims["htu"] == self.url.partition("?")[0]
        assert abs(token.claims["iat"] - time.time()) < 60
        return token


class FakePlatform(BaseAdapter):
    """Answers by path. `script[path]` is a list of answers to give first, in order; an exception in it is raised."""

    def __init__(self, client_key: ECKey) -> None:
        super().__init__()
        self.requests: list[Request] = []
        self.script: dict[str, list[Answer | Exception]] = {}
        self.routes: dict[str, Callable[[Request], Answer]] = {
            "/.well-known/oauth-authorization-server": lambda _: (200, self.metadata),
            "/oauth/par": self.push,
            "/oauth/token": self.issue,
        }
        self.metadata: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/oauth/authorize",
            "token_endpoint": f"{ISSUER}/oauth/token",
            "pushed_authorization_request_endpoint": f"{ISSUER}/oauth/par",
            "token_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256", "EdDSA"],
        }
        self.client_key = client_key
        self.pushed: dict[str, str] = {}
        self.assertions_seen: set[str] = set()
        self.tokens_issued = 0

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        received = Request(request)
        self.requests.append(received)
        scripted = self.script.get(received.path, [])
        answer = scripted.pop(0) if scripted else self._answer(received)
        if isinstance(answer, Exception):
            raise answer
        return _response(request, *answer)

    def close(self) -> None:
        return None

    def calls(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    def _answer(self, request: Request) -> Answer:
        if request.path not in self.routes:
            return 404, {"code": "not-found"}
        return self.routes[request.path](request)

    def push(self, request: Request) -> Answer:
        self.authenticate(request)
        self.pushed = request.form
        return 201, {"request_uri": "urn:ietf:params:oauth:request_uri:r1", "expires_in": 90}

    def issue(self, request: Request) -> Answer:
        self.authenticate(request)
        form = request.form
        if form["grant_type"] == "authorization_code":
            assert form["code"] == "code-1"
            assert challenge_of(form["code_verifier"]) == self.pushed["code_challenge"]
            assert form["redirect_uri"] == self.pushed["redirect_uri"]
        self.tokens_issued += 1
        return 200, {
            "access_token": f"access-{self.tokens_issued}",
            "token_type": "DPoP" if "DPoP" in request.headers else "Bearer",
            "expires_in": 600,
            "refresh_token": "refresh-1",
            "scope": "offline_access",
            "grant_id": "g-1",
            "patient": "p-1",
            "authorization_details": json.loads(self.pushed.get("authorization_details", "[]")),
        }

    def authenticate(self, request: Request) -> None:
        """RFC 7523 §3: right key, right audience, short life, never seen before."""
        if "client_assertion" not in request.form:
            assert request.form["client_id"] == CLIENT_ID
            return
        claims = jwt.decode(request.form["client_assertion"], self.client_key, algorithms=["ES256"]).claims
        assert claims["iss"] == claims["sub"] == CLIENT_ID
        assert claims["aud"] == ISSUER
        assert claims["exp"] - time.time() <= 60
        assert claims["jti"] not in self.assertions_seen
        self.assertions_seen.add(claims["jti"])


def _response(
    request: requests.PreparedRequest, status: int, body: Any, headers: dict[str, str] | None = None
) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.url = request.url or ""
    response.request = request
    response.headers.update({"X-Request-Id": "req-1", **(headers or {})})
    response._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return response


def header_of(token: str) -> dict[str, Any]:
    """The header of a JWS, not verified."""
    part = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.fixture(scope="session")
def client_key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "k1"}, private=True)


@pytest.fixture
def platform(client_key: ECKey) -> FakePlatform:
    return FakePlatform(client_key)


@pytest.fixture
def waits() -> list[float]:
    """The seconds the SDK would have slept."""
    return []


@pytest.fixture
def connect(platform: FakePlatform, client_key: ECKey, waits: list[float]) -> Iterator[Callable[..., PartnerClient]]:
    """Make clients of the fake platform, which never sleep."""
    clients = []

    def make(**settings: Any) -> PartnerClient:
        session = requests.Session()
        session.mount(ISSUER, platform)
        key = client_key.as_dict(private=True)
        client = PartnerClient(
            ISSUER,
            **{
                "client_id": CLIENT_ID,
                "private_key": key,
                "redirect_uri": CALLBACK,
                "session": session,
                **settings,
            },
        )
        client._transport._sleep = waits.append
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def ens(connect: Callable[..., PartnerClient]) -> PartnerClient:
    return connect()


@pytest.fixture
def grant(ens: PartnerClient) -> Grant:
    """A grant to read and write weights and blood pressures."""
    login = ens.start_authorization(
        datatypes=["measures.body-weight", "measures.blood-pressure"],
        actions=["read", "write"],
        purpose="prevention",
    )
    return ens.finish_authorization(login, f"{CALLBACK}?code=code-1&state={login.state}&iss={ISSUER}")


def outcome(code: str, message: str = "", expression: str | None = None) -> dict[str, Any]:
    """An OperationOutcome of the platform."""
    issue: dict[str, Any] = {
        "severity": "error",
        "code": "processing",
        "details": {"coding": [{"system": "urn:ens:error", "code": code}]},
    }
    if message:
        issue["diagnostics"] = message
    if expression:
        issue["expression"] = [expression]
    return {"resourceType": "OperationOutcome", "issue": [issue]}
