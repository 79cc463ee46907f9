"""The authorization endpoint in a browser: what it redirects, where, and what it never redirects."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent.service import requests as consent
from consent.workflow import Answer
from oauth.rules.keys import read_part
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from tests.oauth.partner import CALLBACK, FAPI, Partner, answer_as, open_in, query_of


@pytest.fixture
def browser(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as browser:
        yield browser


@pytest.mark.requirement("A1.11", "A5.1", FAPI + "happy-flow")
def test_the_decision_comes_back_to_the_app_by_303(browser: FlaskClient, partner: Partner, patient: UUID) -> None:
    path = answer_as(patient, open_in(browser, partner), Answer.GRANT)
    answer = browser.get(path)
    assert answer.status_code == 303
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    sent = query_of(answer.headers["Location"])
    assert set(sent) == {"code", "state", "iss"}
    assert partner.exchange(sent["code"]).status_code == 200


@pytest.mark.requirement("A5.1", FAPI + "user-rejects-authentication")
@pytest.mark.parametrize("decision", [Answer.REFUSE, Answer.POSTPONE])
def test_anything_but_a_grant_is_access_denied(
    browser: FlaskClient, partner: Partner, patient: UUID, decision: Answer
) -> None:
    path = answer_as(patient, open_in(browser, partner), decision)
    sent = query_of(browser.get(path).headers["Location"])
    assert sent == {"error": "access_denied", "state": "état-42", "iss": partner.issuer}


def test_the_decision_is_read_once_and_by_the_browser_that_opened(
    app: Flask, browser: FlaskClient, partner: Partner, patient: UUID
) -> None:
    path = answer_as(patient, open_in(browser, partner), Answer.GRANT)
    assert app.test_client().get(path).status_code == 404
    assert browser.get(path).status_code == 303
    assert browser.get(path).status_code == 400


def test_an_undecided_request_goes_nowhere(browser: FlaskClient, partner: Partner, patient: UUID) -> None:
    request_id = open_in(browser, partner)
    path = answer_as(patient, open_in(browser, partner), Answer.GRANT)
    with transaction():
        waiting = consent.get_request(request_id=request_id, browser_key=_browser_key(browser)).resume_path
    answer = browser.get(waiting)
    assert answer.status_code == 409
    assert "pas encore répondu" in answer.text
    assert browser.get(path).status_code == 303


def _browser_key(browser: FlaskClient) -> str:
    with browser.session_transaction() as session:
        return str(session["browser_key"])


def test_a_stored_request_lives_half_an_hour(
    browser: FlaskClient, partner: Partner, patient: UUID, clock: FrozenClock
) -> None:
    path = answer_as(patient, open_in(browser, partner), Answer.GRANT)
    clock.move(minutes=31)
    assert browser.get(path).status_code == 400


@pytest.mark.requirement("A1.15", FAPI + "ensure-authorization-request-without-state-success")
def test_absent_state_stays_absent(browser: FlaskClient, partner: Partner, patient: UUID) -> None:
    path = answer_as(patient, open_in(browser, partner, state=None), Answer.GRANT)
    assert set(query_of(browser.get(path).headers["Location"])) == {"code", "iss"}


@pytest.mark.requirement("A1.4")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "inconnu"},
        {"client_id": None},
        {"redirect_uri": "https://evil.exemple.fr/"},
        {"redirect_uri": CALLBACK + "?ajout=1"},
        {"redirect_uri": "https://evil.exemple.fr/", "response_type": "token"},
        {"redirect_uri": "https://evil.exemple.fr/", "scope": "inconnu"},
        {"redirect_uri": "https://evil.exemple.fr/", "response_mode": "web_message"},
        {"redirect_uri": "https://evil.exemple.fr/", "scope": "profile", "response_type": "code id_token"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_is_redirected_to_an_unknown_address(public: Partner, changes: dict[str, Any], method: str) -> None:
    parameters = {k: v for k, v in public.request(**changes).items() if v is not None}
    options = {"query_string": parameters} if method == "GET" else {"data": parameters}
    answer = public.http.open("/oauth/authorize", method=method, **options)
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert "Location" not in answer.headers


@pytest.mark.requirement("A1.1", "A5.1")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"scope": "inconnu"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"request": "x"}, "request_not_supported"),
    ],
)
def test_an_error_is_told_to_a_known_address_with_state_and_iss(
    public: Partner, changes: dict[str, Any], error: str
) -> None:
    parameters = {k: v for k, v in public.request(**changes).items() if v is not None}
    answer = public.http.get("/oauth/authorize", query_string=parameters)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(CALLBACK + "?")
    sent = query_of(answer.headers["Location"])
    assert (sent["error"], sent["state"], sent["iss"]) == (error, "état-42", public.issuer)


@pytest.mark.requirement("SM48")
@pytest.mark.requirement("SM49")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_smart_app_sends_its_parameters_through_the_browser(
    browser: FlaskClient, public: Partner, patient: UUID, method: str
) -> None:
    scope = "launch/patient openid fhirUser patient/OauthTest.rs"
    parameters = public.request(scope=scope)
    del parameters["authorization_details"]
    options = {"query_string": parameters} if method == "GET" else {"data": parameters}
    stored = browser.open("/oauth/authorize", method=method, **options)
    assert stored.status_code == 303
    opened = browser.get(stored.headers["Location"])
    request_id = UUID(opened.headers["Location"].rsplit("/", 1)[1])
    sent = query_of(browser.get(answer_as(patient, request_id, Answer.GRANT)).headers["Location"])
    assert public.exchange(sent["code"]).json["token_type"] == "Bearer"


@pytest.mark.requirement("A3.5", FAPI + "ensure-unsigned-authorization-request-without-using-par-fails")
def test_a_fapi2_app_must_push(partner: Partner) -> None:
    sent = query_of(partner.http.get("/oauth/authorize", query_string=partner.request()).headers["Location"])
    assert sent["error"] == "invalid_request"


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state"])
def test_a_repeated_parameter_is_not_redirected(public: Partner, name: str) -> None:
    parameters = public.request()
    parameters[name] = [parameters[name], "autre"]
    assert public.http.get("/oauth/authorize", query_string=parameters).status_code == 400


@pytest.mark.requirement(
    "A1.15",
    FAPI + "ensure-authorization-request-with-long-state",
    FAPI + "ensure-authorization-request-with-long-nonce",
    FAPI + "ensure-authorization-request-with-64-char-nonce-success",
    FAPI + "ensure-authorization-request-without-nonce-success",
    FAPI + "ensure-other-scope-order-succeeds",
)
@pytest.mark.parametrize(
    "changes",
    [
        {"state": "e" * 1024},
        {"nonce": "n" * 64},
        {"nonce": "n" * 384},
        {"nonce": None},
        {"scope": "offline_access openid"},
        {
            "claims": '{"id_token": {"acr": {"essential": true}}}',
            "display": "popup",
            "ui_locales": "en-GB se",
            "login_hint": "camille",
            "inconnu": "x",
        },
    ],
    ids=lambda changes: "+".join(changes),
)
def test_what_a_request_may_hold_besides(
    browser: FlaskClient, partner: Partner, patient: UUID, changes: dict[str, Any]
) -> None:
    path = answer_as(patient, open_in(browser, partner, **changes), Answer.GRANT)
    sent = query_of(browser.get(path).headers["Location"])
    assert sent["state"] == changes.get("state", "état-42")
    tokens = partner.exchange(sent["code"]).json
    claims = read_part(tokens["id_token"].split(".")[1])
    assert claims.get("nonce") == changes.get("nonce", "nonce-42")
    assert set(tokens["scope"].split()) == {"openid", "offline_access"}


@pytest.mark.requirement("A1.11", "A1.4")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_answer_of_the_endpoint_keeps_the_method_of_its_request(public: Partner, method: str) -> None:
    for changes in ({}, {"response_type": "token"}, {"redirect_uri": "https://evil.exemple.fr/"}):
        asked = public.request(scope="patient/OauthTest.rs", authorization_details=None, **changes)
        given = {name: value for name, value in asked.items() if value is not None}
        options = {"query_string": given} if method == "GET" else {"data": given}
        assert public.http.open("/oauth/authorize", method=method, **options).status_code in {303, 400}
