"""The authorization server beside a certified one (oidc-provider, in Node), on the same machine and in the same run."""

import json
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests
from joserfc.jwk import ECKey

from benchmarks import load
from benchmarks.partner import Requests
from benchmarks.stage import Bench
from partner_sdk._keys import ClientKey, ProofKey, _digest
from tests.node import find_node, has_clients

PEER = Path(__file__).parents[1] / "tests" / "interop" / "provider.mjs"
_FORM = "application/x-www-form-urlencoded"
_DETAILS = {
    "type": "urn:ens:health-data",
    "datatypes": ["measures.body-weight"],
    "actions": ["read"],
    "purpose": "prevention",
}


@dataclass
class Server:
    """An authorization server and one FAPI 2.0 client of it; `decide` has somebody grant a pushed request and gives
    the address of return."""

    metadata: dict[str, Any]
    client_id: str
    redirect_uri: str
    key: ClientKey
    decide: Callable[["Server", str], str]
    proofs: ProofKey = field(default_factory=ProofKey.generate)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def port(self) -> int:
        return int(urlsplit(self.metadata["issuer"]).port or 80)

    def signed(self, **form: str) -> dict[str, str]:
        """A form with a fresh assertion."""
        assertion = self.key.assertion(client_id=self.client_id, audience=self.metadata["issuer"], supported=["ES256"])
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        return {**form, "client_id": self.client_id, "client_assertion_type": kind, "client_assertion": assertion}

    def proven(self, method: str, url: str, token: str | None = None) -> dict[str, str]:
        return {"DPoP": self.proofs.proof(method, url, access_token=token)}

    def prepare(self, endpoint: str, **form: str) -> bytes:
        """A request to an endpoint, as bytes."""
        url = self.metadata[f"{endpoint}_endpoint"]
        return self.http("POST", url, {"Content-Type": _FORM}, body=urlencode(self.signed(**form)).encode())

    def http(
        self, method: str, url: str, headers: dict[str, str], *, body: bytes = b"", token: str | None = None
    ) -> bytes:
        parts = urlsplit(url)
        return load.http(method, parts.path, {**headers, **self.proven(method, url, token)}, body, host=parts.netloc)

    def post(self, endpoint: str, **form: str) -> dict[str, Any]:
        """Send one at once; once more when the server wants its nonce in the proof. Returns what it answers."""
        url = self.metadata[f"{endpoint}_endpoint"]
        for _ in range(2):
            answer = requests.post(url, data=self.signed(**form), headers=self.proven("POST", url), timeout=30)
            self.proofs.remember_nonce(answer, access_token=None)
            if answer.ok:
                return dict(answer.json())
        raise SystemExit(f"{url} refused: {answer.text}")

    def request(self) -> dict[str, str]:
        """The parameters of an authorization request."""
        return {
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": "openid offline_access",
            "code_challenge": _digest(self.verifier),
            "code_challenge_method": "S256",
            "authorization_details": json.dumps([_DETAILS]),
        }

    def code(self) -> dict[str, str]:
        """The form that exchanges a code just granted."""
        address = self.decide(self, self.post("pushed_authorization_request", **self.request())["request_uri"])
        code = parse_qs(urlsplit(address).query)["code"][0]
        exchange = {"code": code, "redirect_uri": self.redirect_uri, "code_verifier": self.verifier}
        return {"grant_type": "authorization_code", **exchange}


def measures(server: Server) -> Iterator[tuple[str, Requests, int]]:
    """What is measured: its name, its requests, and how many of them."""
    grants = [server.post("token", **server.code()) for _ in range(8)]
    tokens = cycle(grant["access_token"] for grant in grants)
    yield "pushed request", _repeated(lambda: server.prepare("pushed_authorization_request", **server.request())), 300
    yield "introspection", _repeated(lambda: server.prepare("introspection", token=next(tokens))), 400
    yield "userinfo: a bound token and its proof (DPoP)", _repeated(lambda: _call(server, next(tokens))), 400
    turns = cycle({"grant_type": "refresh_token", "refresh_token": grant["refresh_token"]} for grant in grants)
    yield "token by refresh", _repeated(lambda: server.prepare("token", **next(turns))), 300
    yield "token by code", _repeated(lambda: server.prepare("token", **server.code())), 100


def _repeated(make: Callable[[], bytes]) -> Requests:
    return lambda count: (make() for _ in range(count))


def _call(server: Server, token: str) -> bytes:
    return server.http("GET", server.metadata["userinfo_endpoint"], {"Authorization": f"DPoP {token}"}, token=token)


def ours(bench: Bench) -> Server:
    """The platform, whose synthetic patients grant in turn."""
    metadata = requests.get(f"{bench.config.base_url}/.well-known/openid-configuration", timeout=30).json()
    patients = cycle(patient.id for patient in bench.partner.sandbox.patients()[len(bench.grants) :])
    callback = f"http://127.0.0.1:{bench.config.demo_partner_port}/callback"
    url = f"{bench.config.base_url}/api/v1/sandbox/decisions"

    def grant(server: Server, request_uri: str) -> str:
        headers = {"Authorization": f"DPoP {own}", **server.proven("POST", url, own)}
        body = {"request_uri": request_uri, "patient": next(patients), "decision": "grant"}
        return str(requests.post(url, json=body, headers=headers, timeout=30).json()["redirect_to"])

    server = Server(metadata, bench.client_id, callback, ClientKey(bench.client_key), grant)
    own = server.post("token", grant_type="client_credentials", scope="ens:app")["access_token"]
    return server


@contextmanager
def peer() -> Iterator[Server | None]:
    """oidc-provider under the rules of FAPI 2.0, one process; None where there is no Node."""
    if not has_clients():
        yield None
        return
    key, own = (ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True) for _ in range(2))
    known = {"client_id": "bench", "redirect_uri": "https://bench.exemple.fr/retour"}
    settings = {"clients": [{**known, "jwk": key.as_dict(private=False)}], "key": own.as_dict(private=True)}
    command = [find_node() or "node", str(PEER)]
    with subprocess.Popen(command, text=True, stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as process:
        if process.stdin is None or process.stdout is None:
            raise SystemExit("The peer cannot be talked to.")
        process.stdin.write(json.dumps(settings) + "\n")
        process.stdin.flush()
        issuer = process.stdout.readline().strip()
        metadata = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=30).json()
        yield Server(metadata, **known, key=ClientKey(key.as_dict(private=True)), decide=_follow)


def _follow(server: Server, request_uri: str) -> str:
    browser = requests.Session()
    asked = urlencode({"client_id": server.client_id, "request_uri": request_uri})
    address = f"{server.metadata['authorization_endpoint']}?{asked}"
    while not address.startswith(server.redirect_uri):
        address = urljoin(address, browser.get(address, allow_redirects=False, timeout=30).headers["Location"])
    return address
