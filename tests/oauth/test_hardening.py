"""The endpoints before hostile or clumsy callers: methods, types, sizes, characters, headers, logs."""

import logging
import re
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from oauth import service
from oauth.rules.clients import Environment, Profile
from platform_core import clock, crypto
from platform_core.database import transaction
from tests.oauth.partner import TESTER, Partner, sandbox_client
from tests.oauth.test_devices import decide, poll, start
from tests.oauth.test_registration import bearer, metadata
from tests.store.conftest import People, bring_to

FORMS = [f"/oauth/{name}" for name in ("par", "token", "revoke", "introspect", "device_authorization")]
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
SOME_ID = "01900000-0000-7000-8000-000000000000"


def test_every_route_refuses_the_methods_that_it_does_not_serve(app: Flask, client: FlaskClient) -> None:
    served: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(("/oauth/", "/.well-known/")):
            path = re.sub("<[^>]+>", SOME_ID, rule.rule)
            served.setdefault(path, set()).update(rule.methods or ())
    assert len(served) >= 14
    for path, methods in sorted(served.items()):
        for method in sorted(METHODS - methods):
            answer = client.open(path, method=method)
            assert answer.status_code == 405, (method, path)
            assert method not in answer.headers["Allow"], (method, path)


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
def test_parameters_come_in_a_form_and_nowhere_else(client: FlaskClient, path: str, kind: str) -> None:
    answer = client.post(path, data=b'{"grant_type": "client_credentials"}', content_type=kind)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert "x-www-form-urlencoded" in answer.json["error_description"]


@pytest.mark.requirement("A1.13")
@pytest.mark.parametrize("path", FORMS)
def test_a_parameter_in_the_address_counts_for_nothing(partner: Partner, path: str) -> None:
    query = {"client_assertion": partner.assertion(), "client_id": partner.client.client_id, "token": "x"}
    answer = partner.http.post(path, query_string=query)
    assert answer.status_code in {400, 401}


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("name", ["client_id", "token", "scope", "inconnu"])
def test_a_parameter_given_twice_is_refused(partner: Partner, path: str, name: str) -> None:
    answer = partner.post(path, {name: ["a", "a"]})
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", FORMS)
def test_a_body_too_large_is_refused(client: FlaskClient, path: str) -> None:
    answer = client.post(path, data={"token": "a" * 2_000_000})
    assert answer.status_code in {400, 413}
    assert answer.mimetype == "application/json"


ODD = ["\0", "a\0b", "\ufffe", "\U0001f600" * 40, "é" * 3000, "%00", "\r\nX: y", '"\\', " ", "../..", "\u202e"]


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_odd_characters_are_refused_in_the_protocol(partner: Partner, path: str, text: str) -> None:
    names = ("token", "scope", "state", "redirect_uri", "code", "refresh_token", "authorization_details", "nonce")
    answer = partner.post(path, {"grant_type": "authorization_code", **dict.fromkeys(names, text)})
    assert answer.status_code in {200, 400, 401}, answer.text
    assert answer.mimetype == "application/json"
    assert "error" in answer.json or answer.json == {"active": False} or path == "/oauth/revoke"


texts = st.text(max_size=40) | st.sampled_from(
    ["", "code", "S256", "openid", "patient/*.rs", "[]", "[{}]", "null", "1e999"]
)
parameters = st.sampled_from(
    "grant_type code redirect_uri code_verifier refresh_token token token_type_hint scope client_id client_assertion"
    " client_assertion_type response_type code_challenge code_challenge_method authorization_details state nonce"
    " request request_uri response_mode aud resource dpop_jkt device_code max_age prompt id_token_hint".split()
)


@pytest.fixture(scope="module")
def fuzzed(application: Flask) -> Partner:
    with application.app_context():
        return Partner(application, sandbox_client())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(FORMS), form=st.dictionaries(parameters, texts, max_size=6), known=st.booleans())
def test_no_parameter_makes_the_server_fail(fuzzed: Partner, path: str, form: dict[str, str], known: bool) -> None:
    answer = fuzzed.post(path, form) if known else fuzzed.http.post(path, data=form)
    assert answer.status_code < 500, answer.text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["keys", "kty", "x", "kid"]), inner),
    max_leaves=6,
)
members = st.sampled_from(
    "redirect_uris jwks jwks_uri grant_types scope profile token_endpoint_auth_method client_name response_types"
    " dpop_bound_access_tokens subject_type contacts".split()
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(members, json_values, min_size=1, max_size=4))
def test_no_metadata_make_the_server_fail(client: FlaskClient, initial_token: str, changes: dict[str, Any]) -> None:
    answer = client.post("/oauth/register", json={**metadata(), **changes}, headers=bearer(initial_token))
    assert answer.status_code in {201, 400, 401, 429}, answer.text


@pytest.fixture
def initial_token(people: People) -> str:
    application_id, _ = bring_to("draft", people)
    with transaction():
        return service.open_registration(
            application_id=application_id, environment=Environment.SANDBOX, uses=100, days=1, by=TESTER, now=clock.now()
        )


@pytest.mark.requirement("SM86", "SM87")
def test_no_answer_with_a_secret_is_kept_or_told_to_the_next_page(
    partner: Partner, patient: UUID, initial_token: str
) -> None:
    granted = partner.exchange(partner.code(patient))
    token = granted.json["access_token"]
    answers = [
        granted,
        partner.push(),
        partner.refresh(granted.json["refresh_token"]),
        partner.post("/oauth/introspect", {"token": token}),
        partner.call("GET", "/oauth/userinfo", token),
        partner.call("GET", f"/oauth/grants/{granted.json['grant_id']}", token),
        partner.http.post("/oauth/register", json=metadata(), headers=bearer(initial_token)),
        partner.http.get("/oauth/authorize"),
    ]
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
    assert all(answer.headers["X-Content-Type-Options"] == "nosniff" for answer in answers)
    assert answers[-1].headers["Referrer-Policy"] == "no-referrer"
    assert {answer.mimetype for answer in answers[:-1]} == {"application/json"}


SECRET = re.compile(
    r"(access|refresh|id|registration_access)_token|(device_|user_)?code|code_verifier|client_assertion|token|request_uri"
    r"|jwks|code_challenge|id_token_hint"
)


class Witness:
    """Every secret that a client sends or is given."""

    def __init__(self, partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: set[str] = {partner.verifier}
        self._open = partner.http.open
        monkeypatch.setattr(partner.http, "open", self.open)

    def open(self, *args: Any, **options: Any) -> TestResponse:
        headers = options.get("headers") or ()
        pairs = headers.items() if isinstance(headers, dict) else headers
        self.seen |= {text.rpartition(" ")[2] for name, text in pairs if name in {"Authorization", "DPoP"}}
        form = options.get("data")
        self._keep(form if isinstance(form, dict) else {})
        answer = self._open(*args, **options)
        self._keep(answer.get_json(silent=True) or {})
        return answer

    def _keep(self, pairs: dict[str, Any]) -> None:
        found = {value for name, value in pairs.items() if SECRET.fullmatch(name) and isinstance(value, str)}
        self.seen |= {text for text in found if len(text) > 16}
        if "user_code" in pairs:
            self.seen.add(pairs["user_code"])


@pytest.mark.parametrize("profile", list(Profile))
def test_no_secret_of_a_whole_run_reaches_a_log(
    app: Flask,
    patient: UUID,
    owner: sa.Engine,
    initial_token: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    profile: Profile,
) -> None:
    matricule = "287044410912345"
    partner = Partner(app, sandbox_client(profile))
    with owner.begin() as connection:
        values = {"id": patient, "sealed": crypto.seal(matricule.encode(), f"identity:ins:{patient}"), "hash": b"\x01"}
        connection.execute(
            sa.text(
                "UPDATE identity_patient SET ins_sealed = :sealed, ins_lookup = :hash, ins_oid = '1.2.250.1.213.1.4.8'"
                " WHERE id = :id"
            ),
            values,
        )
    witness = Witness(partner, monkeypatch)
    for name in ("", "werkzeug", "flask", "celery", "urllib3", "psycopg", "joserfc"):
        caplog.set_level(logging.DEBUG, name)
    granted = partner.grant(patient)
    renewed = partner.refresh(granted["refresh_token"]).json
    partner.call("GET", "/oauth/userinfo", renewed["access_token"])
    partner.http.open("/oauth/userinfo", method="POST", data={"access_token": renewed["access_token"]})
    partner.call("GET", "/fhir/Patient", renewed["access_token"])
    hint = {"id_token_hint": granted["id_token"]}
    partner.push(**hint)
    partner.http.open("/oauth/end_session", method="POST", data=hint)
    device = start(partner)
    poll(partner, device["device_code"])
    decide(partner, device["user_code"], patient)
    poll(partner, device["device_code"])
    partner.post("/oauth/introspect", {"token": renewed["access_token"]})
    partner.post("/oauth/token", {"grant_type": "authorization_code", "code": "faux-code-qui-ne-vaut-rien"})
    partner.exchange("un-autre-code-qui-ne-vaut-rien", code_verifier="court")
    told = partner.http.open("/oauth/register", method="POST", json=metadata(), headers=bearer(initial_token)).json
    partner.http.open(f"/oauth/register/{told['client_id']}", headers=bearer(told["registration_access_token"]))
    partner.post("/oauth/revoke", {"token": granted["refresh_token"]})
    partner.refresh(granted["refresh_token"])
    said = "\n".join(str(record.__dict__) + record.getMessage() for record in caplog.records)
    assert len(witness.seen) > 20
    assert {secret for secret in witness.seen | {matricule} if secret in said} == set()
