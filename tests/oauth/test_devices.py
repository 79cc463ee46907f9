"""Devices without a browser (RFC 8628): the code, who may type it, the polls."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from identity_core.service.seeding import Seeded, seed_people
from oauth import service
from oauth.rules.devices import ALPHABET, read_code, write_code
from platform_app.simulated.people import load_people
from platform_core import clock as real_clock
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.errors import TooManyRequests
from tests.oauth.partner import Partner
from tests.signing_in import read_csrf_token, sign_in_citizen

GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def start(partner: Partner, **changes: Any) -> dict[str, Any]:
    right = partner.request()
    asked = {name: right[name] for name in ("scope", "authorization_details")} | changes
    answer = partner.post("/oauth/device_authorization", asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def poll(partner: Partner, device_code: str, **options: Any) -> TestResponse:
    return partner.post("/oauth/token", {"grant_type": GRANT, "device_code": device_code}, **options)


def decide(partner: Partner, user_code: str, patient: UUID, decision: str = "grant") -> TestResponse:
    body = {"user_code": user_code, "patient": str(patient), "decision": decision}
    return partner.call("POST", "/api/v1/sandbox/decisions", partner.app_token(), json=body)


@pytest.mark.requirement("A13")
def test_a_device_gets_its_tokens_once_the_person_has_decided(
    partner: Partner, patient: UUID, clock: FrozenClock
) -> None:
    device = start(partner)
    assert (device["expires_in"], device["interval"]) == (600, 5)
    assert device["verification_uri"] == f"{partner.issuer}/appareil"
    assert device["verification_uri_complete"] == f"{partner.issuer}/appareil?user_code={device['user_code']}"
    assert poll(partner, device["device_code"]).json["error"] == "authorization_pending"
    decided = decide(partner, device["user_code"].lower().replace("-", " "), patient)
    assert decided.json == {"redirect_to": f"{partner.issuer}/appareil/fini"}
    clock.move(seconds=6)
    tokens = poll(partner, device["device_code"]).json
    assert tokens["token_type"] == "DPoP"
    assert {"access_token", "refresh_token", "id_token", "grant_id", "authorization_details"} <= set(tokens)
    assert partner.call("GET", "/api/v1/consent", tokens["access_token"]).json["status"] == "active"
    clock.move(seconds=6)
    assert poll(partner, device["device_code"]).json["error"] == "invalid_grant"


@pytest.mark.requirement("A13")
@pytest.mark.parametrize("which", ["smart", "public"])
def test_a_client_without_bound_tokens_has_devices_too(
    request: pytest.FixtureRequest, patient: UUID, partner: Partner, which: str
) -> None:
    client: Partner = request.getfixturevalue(which)
    device = start(client)
    assert poll(client, device["device_code"]).json["error"] == "authorization_pending"


@pytest.mark.requirement("A13")
def test_a_refusal_reaches_the_device(partner: Partner, patient: UUID) -> None:
    device = start(partner)
    decide(partner, device["user_code"], patient, "refuse")
    assert poll(partner, device["device_code"]).json["error"] == "access_denied"


@pytest.mark.requirement("A13")
def test_polling_too_often_lengthens_the_interval(partner: Partner, clock: FrozenClock) -> None:
    code = start(partner)["device_code"]
    seen = []
    for seconds in (0, 4, 9, 14, 15, 25):
        clock.move(seconds=seconds)
        seen.append(poll(partner, code).json["error"])
    pending, slow = "authorization_pending", "slow_down"
    assert seen == [pending, slow, slow, slow, slow, pending]


@pytest.mark.requirement("A13")
def test_of_two_polls_at_once_one_must_slow_down(partner: Partner) -> None:
    code = start(partner)["device_code"]
    with ThreadPoolExecutor(2) as pool:
        errors = sorted(answer.json["error"] for answer in pool.map(lambda _: poll(partner, code), range(2)))
    assert errors == ["authorization_pending", "slow_down"]


@pytest.mark.requirement("A13")
@pytest.mark.parametrize(("seconds", "error"), [(599, "authorization_pending"), (600, "expired_token")])
def test_a_device_code_lives_ten_minutes(partner: Partner, clock: FrozenClock, seconds: int, error: str) -> None:
    code = start(partner)["device_code"]
    clock.move(seconds=seconds)
    assert poll(partner, code).json["error"] == error


@pytest.mark.requirement("A13")
def test_a_device_code_is_bound_to_its_client_and_to_its_key(partner: Partner, other: Partner, patient: UUID) -> None:
    device = start(partner)
    assert poll(other, device["device_code"]).json["error"] == "invalid_grant"
    stranger = partner.proof("POST", "/oauth/token", key=ECKey.generate_key("P-256"))
    assert poll(partner, device["device_code"], proofs=[stranger]).json["error"] == "invalid_grant"
    assert decide(other, device["user_code"], patient).json["code"] == "invalid_grant"
    decide(partner, device["user_code"], patient)
    assert poll(partner, device["device_code"]).status_code == 200


@pytest.mark.requirement("A13")
def test_the_first_poll_binds_a_device_that_sent_no_proof(partner: Partner) -> None:
    right = partner.request()
    asked = {name: right[name] for name in ("scope", "authorization_details")}
    code = partner.post("/oauth/device_authorization", asked, proofs=[]).json["device_code"]
    assert poll(partner, code).json["error"] == "authorization_pending"
    stranger = partner.proof("POST", "/oauth/token", key=ECKey.generate_key("P-256"))
    assert poll(partner, code, proofs=[stranger]).json["error"] == "invalid_grant"


@pytest.mark.requirement("A13")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"authorization_details": None, "scope": "openid"}, "invalid_scope"),
        ({"authorization_details": "[]"}, "invalid_authorization_details"),
        ({"resource": "https://ailleurs.exemple.fr"}, "invalid_target"),
    ],
)
def test_a_device_asks_by_the_rules_of_every_request(partner: Partner, changes: dict[str, Any], error: str) -> None:
    asked = {"authorization_details": partner.request()["authorization_details"], **changes}
    assert partner.post("/oauth/device_authorization", asked).json["error"] == error


def test_an_unknown_device_code_and_no_code_are_refused(partner: Partner) -> None:
    assert poll(partner, "inconnu").json["error"] == "invalid_grant"
    assert poll(partner, "").json["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("BCDF-GHJK", "BCDFGHJK"),
        (" bcdf ghjk ", "BCDFGHJK"),
        ("BCDFGHJ", None),
        ("BCDFGHJKL", None),
        ("ABCDEFGH", None),
        ("", None),
        ("bcdf–ghjk", "BCDFGHJK"),
    ],
)
def test_a_code_is_read_as_people_type_it(typed: str, read: str | None) -> None:
    assert read_code(typed) == read


def test_no_letter_of_a_code_is_a_vowel_or_looks_like_a_digit() -> None:
    assert not set(ALPHABET) & set("AEIOUY")
    assert read_code(write_code("BCDFGHJK")) == "BCDFGHJK"


@pytest.mark.requirement("A13")
def test_wrong_codes_are_limited_for_a_person_and_then_forgotten(
    partner: Partner, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, person, another = start(partner)["user_code"], uuid4(), uuid4()

    def guess(typed: str, person_id: UUID) -> object:
        with transaction():
            return service.find_device(typed=typed, person_id=person_id, address="", now=real_clock.now())

    assert [guess("BBBB-BBBB", person) for _ in range(5)] == [None] * 5
    with pytest.raises(TooManyRequests):
        guess(code, person)
    assert guess(code, another)
    monkeypatch.setattr("oauth.service.devices.GUESSES_OF_ALL", 5)
    with pytest.raises(TooManyRequests):
        guess(code, another)
    clock.move(seconds=601)
    assert guess("BBBB-BBBB", person) is None


@pytest.fixture
def people(app: Flask) -> Seeded:
    with transaction():
        return seed_people(load_people(), issuer="simulated")


@pytest.fixture
def browser(client: FlaskClient, people: Seeded) -> FlaskClient:
    """Camille's browser, signed in."""
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=people.patients["camille"])
    return client


def type_code(browser: FlaskClient, code: str, step: str = "") -> TestResponse:
    g.pop("csrf_token", None)
    token = read_csrf_token(browser, "/appareil")
    return browser.post(f"/appareil{step}", data={"code": code, "csrf_token": token})


@pytest.mark.requirement("A13")
def test_the_page_tells_which_app_asks_before_it_hands_over(
    app: Flask, browser: FlaskClient, people: Seeded, partner: Partner
) -> None:
    code = start(partner)["user_code"]
    assert code in browser.get("/appareil", query_string={"user_code": code}).text
    assert type_code(browser, "BBBB-BBBB").status_code == 422
    found = type_code(browser, code.lower())
    assert "Balance+" in found.text
    assert "Sur la même connexion internet que vous" in found.text
    on = type_code(browser, code, "/continuer")
    assert (on.status_code, on.headers["Location"][:14]) == (303, "/consentement/")
    assert type_code(browser, code).headers["Location"] == on.headers["Location"]
    dominiques = app.test_client()
    sign_in_citizen(dominiques, person_id=people.persons["dominique"], patient_id=people.patients["dominique"])
    assert type_code(dominiques, code).status_code == 422
    assert type_code(dominiques, code, "/continuer").status_code == 422


def test_the_page_says_when_too_many_codes_were_wrong(browser: FlaskClient) -> None:
    assert [type_code(browser, "BBBB-BBBB").status_code for _ in range(6)] == [422] * 5 + [429]
