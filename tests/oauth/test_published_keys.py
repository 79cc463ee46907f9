"""Keys that a client publishes at its `jwks_uri`: fetched when they must be, never more, and never from inside."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from flask import Flask
from joserfc.jwk import ECKey, OctKey

from oauth import service
from oauth.rules.clients import Profile
from platform_core import outbound
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.errors import Conflict, Invalid
from tests.oauth.partner import CALLBACK, TESTER, Credentials, Partner


@dataclass
class Publisher:
    """A server of one key set, which counts how often it is asked."""

    keys: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    status: int = 200
    body: bytes | None = None
    asked: int = 0
    port: int = 0

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks.json"

    def answer(self) -> bytes:
        self.asked += 1
        return json.dumps({"keys": self.keys}).encode() if self.body is None else self.body


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    served = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = served.answer()
            self.send_response(served.status)
            for name, value in served.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Keep the output of tests for tests."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    served.port = server.server_address[1]
    monkeypatch.setattr(outbound, "_trusted_origins", lambda: {("127.0.0.1", served.port)})
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


def new_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


def public(*keys: ECKey) -> list[dict[str, Any]]:
    return [dict(key.as_dict(private=False)) for key in keys]


@pytest.fixture
def publishing(app: Flask, publisher: Publisher, clock: FrozenClock) -> Partner:
    """A client whose first key is named `un`."""
    key = new_key("un")
    publisher.keys = public(key)
    with transaction():
        client = service.issue_sandbox_client(
            name="Balance+",
            profile=Profile.FAPI2,
            redirect_uris=[CALLBACK],
            jwk=None,
            jwks_uri=publisher.uri,
            by=TESTER,
        )
    return Partner(app, Credentials(client, key))


def ask(partner: Partner, key: ECKey | None = None, kid: str | None = None, **header: Any) -> tuple[int, str]:
    """Ask for the app's own token with an assertion whose header names a key."""
    signer = key or partner.credentials.key
    named = {"kid": kid or signer.kid, **header}
    answer = partner.post(
        "/oauth/token",
        {"grant_type": "client_credentials", "client_assertion": partner.assertion(key=signer, header=named)},
    )
    return answer.status_code, str(answer.json.get("error_description", ""))


@pytest.mark.requirement("A7.3", "SM296", "SM297", "SM339", "SM342")
def test_published_keys_authenticate_and_are_fetched_once(publishing: Partner, publisher: Publisher) -> None:
    assert not publishing.client.is_public
    assert [ask(publishing)[0] for _ in range(3)] == [200, 200, 200]
    assert publisher.asked == 1
    assert publishing.push().status_code == 201
    assert publisher.asked == 1


@pytest.mark.requirement("A7.3", "SM341")
@pytest.mark.parametrize(
    ("cache_control", "kept", "gone"),
    [
        (None, 299, 301),
        ("max-age=30", 29, 31),
        ("public, max-age=600", 599, 601),
        ("max-age=86400", 3599, 3601),
        ("no-store", 4, 6),
        ("max-age=0", 4, 6),
    ],
)
def test_a_copy_counts_no_longer_than_its_publisher_says_nor_than_an_hour(
    publishing: Partner, publisher: Publisher, clock: FrozenClock, cache_control: str | None, kept: int, gone: int
) -> None:
    if cache_control:
        publisher.headers["Cache-Control"] = cache_control
    for seconds, fetched in ((0, 1), (kept, 1), (gone - kept, 2)):
        clock.move(seconds=seconds)
        assert ask(publishing)[0] == 200
        assert publisher.asked == fetched


@pytest.mark.requirement("A7.3")
def test_a_new_key_is_found_by_its_name_at_once_and_invented_names_are_not_asked_for(
    publishing: Partner, publisher: Publisher, clock: FrozenClock
) -> None:
    assert ask(publishing)[0] == 200
    successor = new_key("deux")
    publisher.keys = public(publishing.credentials.key, successor)
    clock.move(seconds=59)
    assert ask(publishing, successor)[0] == 401
    clock.move(seconds=2)
    assert ask(publishing, successor)[0] == 200
    assert publisher.asked == 2
    assert [ask(publishing, kid=f"inventé-{number}")[0] for number in range(5)] == [401] * 5
    assert publisher.asked == 2


def test_a_key_that_is_withdrawn_authenticates_no_more_once_the_copy_is_old(
    publishing: Partner, publisher: Publisher, clock: FrozenClock
) -> None:
    assert ask(publishing)[0] == 200
    publisher.keys = public(new_key("deux"))
    clock.move(minutes=6)
    assert ask(publishing)[0] == 401


PRIVATE = dict(new_key("privée").as_dict(private=True))
BROKEN: dict[str, dict[str, Any]] = {
    "404": {"status": 404},
    "a redirection": {"status": 302},
    "HTML": {"headers": {"Content-Type": "text/html"}},
    "no type": {"headers": {}},
    "too large": {"body": b'{"keys": [], "x": "' + b"x" * 70_000 + b'"}'},
    "not JSON": {"body": b"{"},
    "a list": {"body": b"[]"},
    "keys not a list": {"body": b'{"keys": {}}'},
    "keys not objects": {"body": b'{"keys": ["x"]}'},
    "too many": {"keys": public(*(new_key(str(number)) for number in range(21)))},
    "a private key": {"keys": [PRIVATE]},
    "a symmetric key": {"keys": [dict(OctKey.generate_key(256).as_dict(private=True))]},
}


@pytest.mark.requirement("A7.3", "A12")
@pytest.mark.parametrize("wrong", BROKEN.values(), ids=BROKEN)
def test_a_set_that_is_not_one_refuses_the_client_and_is_not_asked_for_again_at_once(
    publishing: Partner, publisher: Publisher, clock: FrozenClock, wrong: dict[str, Any]
) -> None:
    right = {name: getattr(publisher, name) for name in wrong}
    for name, value in wrong.items():
        setattr(publisher, name, publisher.keys + value if name == "keys" else value)
    status, told = ask(publishing)
    assert (status, told[:34]) == (401, "The keys at jwks_uri cannot be rea")
    assert ask(publishing)[0] == 401
    assert publisher.asked == 1
    for name, value in right.items():
        setattr(publisher, name, value)
    clock.move(seconds=61)
    assert ask(publishing)[0] == 200


def test_keys_of_other_kinds_are_left_out(publishing: Partner, publisher: Publisher) -> None:
    others = [
        {"kty": "inconnu", "kid": "un"},
        {**public(new_key("chiffrement"))[0], "use": "enc"},
        dict(ECKey.generate_key("P-521").as_dict(private=False)),
    ]
    publisher.keys = others + publisher.keys
    assert ask(publishing)[0] == 200


def test_a_publisher_that_is_away_costs_nothing_that_still_counts(
    publishing: Partner, publisher: Publisher, clock: FrozenClock
) -> None:
    assert ask(publishing)[0] == 200
    publisher.status = 500
    clock.move(seconds=61)
    assert ask(publishing, kid="inventé")[0] == 401
    assert publisher.asked == 2
    assert ask(publishing)[0] == 200


@pytest.mark.requirement("A7.3", "SM338")
def test_an_assertion_cannot_bring_its_own_keys(publishing: Partner, publisher: Publisher, partner: Partner) -> None:
    assert ask(publishing, jku=publisher.uri)[0] == 200
    assert ask(publishing, jku="https://evil.exemple.fr/jwks.json") == (401, "jku is not the jwks_uri of this client.")
    evil = new_key("un")
    for header in ({"x5u": "https://evil.exemple.fr/"}, {"jwk": public(evil)[0]}, {"x5c": ["AAAA"]}):
        assert ask(publishing, evil, **header)[0] == 401
        assert ask(publishing, **header)[0] == 200
    assert ask(partner, kid=partner.credentials.key.kid, jku="https://evil.exemple.fr/jwks.json")[0] == 401


@pytest.mark.requirement("A7.3")
def test_an_inner_address_is_never_called(publishing: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "_trusted_origins", set)
    status, told = ask(publishing)
    assert (status, "https" in told) == (401, True)


@pytest.mark.parametrize(
    "uri",
    [
        "http://balance.exemple.fr/jwks.json",
        "https://moi@balance.exemple.fr/jwks.json",
        "https://balance.exemple.fr/jwks.json#x",
        "https:///jwks.json",
        "ftp://balance.exemple.fr/",
        "https://[",
        "",
    ],
)
def test_the_addresses_where_keys_may_not_be_published(app: Flask, uri: str) -> None:
    with pytest.raises(Invalid) as refused, transaction():
        service.issue_sandbox_client(
            name="x", profile=Profile.FAPI2, redirect_uris=[CALLBACK], jwk=None, jwks_uri=uri, by=TESTER
        )
    assert refused.value.code == "invalid_client_metadata"


def test_keys_are_given_by_value_or_by_address(publishing: Partner) -> None:
    jwk = public(new_key("deux"))[0]
    with pytest.raises(Conflict) as refused, transaction():
        service.rotate_key(client_pk=publishing.client.pk, jwk=jwk, by=TESTER)
    assert refused.value.code == "keys-published"
    with pytest.raises(Invalid), transaction():
        service.issue_sandbox_client(
            name="x",
            profile=Profile.FAPI2,
            redirect_uris=[CALLBACK],
            jwk=jwk,
            jwks_uri="https://balance.exemple.fr/jwks.json",
            by=TESTER,
        )
