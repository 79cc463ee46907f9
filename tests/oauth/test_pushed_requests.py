"""Pushed requests (RFC 9126): what is refused, bound to whom, opened how often."""

import json
from typing import Any
from uuid import UUID

import pytest
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from platform_core.clock import FrozenClock
from tests.oauth.partner import CALLBACK, FAPI, WEIGHT, Partner, query_of


@pytest.mark.requirement(
    "A2.2",
    "A3.4",
    FAPI + "ensure-response-type-token-fails",
    FAPI + "ensure-response-type-code-idtoken-fails",
    FAPI + "ensure-registered-redirect-uri",
    FAPI + "ensure-redirect-uri-in-authorization-request",
    FAPI + "par-authorization-request-containing-request_uri-form-param",
    FAPI + "par-ensure-pkce-required",
    FAPI + "par-plain-pkce-rejected",
)
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post.jwt"}, "invalid_request"),
        ({"resource": "https://autre.exemple.fr/fhir"}, "invalid_target"),
        ({"resource": ["http://127.0.0.1/fhir", "https://autre.exemple.fr/"]}, "invalid_target"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "https://evil.exemple.fr/retour"}, "invalid_request"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_request"),
        ({"redirect_uri": CALLBACK + "?x=1"}, "invalid_request"),
        ({"redirect_uri": CALLBACK + "#x"}, "invalid_request"),
        ({"redirect_uri": CALLBACK.upper()}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "court"}, "invalid_request"),
        ({"scope": "openid inconnu"}, "invalid_scope"),
        ({"scope": "user/Observation.rs"}, "invalid_scope"),
        ({"scope": "patient/Observation.sr"}, "invalid_scope"),
        ({"authorization_details": None}, "invalid_scope"),
        ({"aud": "https://autre.exemple.fr/fhir"}, "invalid_request"),
        ({"state": "x" * 3000}, "invalid_request"),
        ({"dpop_jkt": "court"}, "invalid_request"),
    ],
)
def test_a_wrong_parameter_is_refused(partner: Partner, changes: dict[str, Any], error: str) -> None:
    answer = partner.push(**changes)
    assert (answer.status_code, answer.json["error"]) == (400, error)


@pytest.mark.requirement("A11.1", "A11")
@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"type": "urn:autre"}, "authorization_details[0].type"),
        ({"inconnu": 1}, "inconnu"),
        ({"actions": ["delete"]}, "authorization_details[0].actions[0]"),
        ({"datatypes": []}, "authorization_details[0].datatypes"),
        ({"datatypes": ["oauthtest.rien"]}, "authorization_details[0].datatypes[0]"),
        ({"datatypes": ["oauthtest.weight", "oauthtest.bmi"]}, "authorization_details[0].datatypes[1]"),
        ({"purpose": "publicite"}, "authorization_details[0].purpose"),
        ({"periodicity": {"max": 97, "per": "day"}}, "authorization_details[0].periodicity"),
        ({"periodicity": {"max": 1}}, "authorization_details[0].periodicity"),
        ({"periodicity": {"once": True, "on_demand": True}}, "authorization_details[0].periodicity"),
        ({"periodicity": {"once": False}}, "authorization_details[0].periodicity"),
        ({"data_period": {"from": "2026-13-01"}}, "authorization_details[0].data_period"),
        ({"data_period": {"from": "2026-02-01", "to": "2026-01-01"}}, "authorization_details[0].data_period"),
        ({"valid_until": "2026-02-30"}, "authorization_details[0].valid_until"),
        ({"valid_until": "2020-01-01"}, "authorization_details[0].valid_until"),
        ({"valid_until": "2029-01-01"}, "authorization_details[0].valid_until"),
    ],
)
def test_a_wrong_detail_is_refused_by_its_member(
    partner: Partner, clock: FrozenClock, change: dict[str, Any], member: str
) -> None:
    answer = partner.push(authorization_details=json.dumps([{**WEIGHT, **change}]))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_authorization_details")
    assert member in answer.json["error_description"]


@pytest.mark.requirement("A11.1", "A11.1")
@pytest.mark.parametrize("text", ["{}", "[]", "non", '"x"', "[1]", json.dumps([WEIGHT] * 51)])
def test_details_of_another_shape_are_refused(partner: Partner, text: str) -> None:
    assert partner.push(authorization_details=text).json["error"] == "invalid_authorization_details"


def test_one_request_asks_one_thing_once(partner: Partner) -> None:
    twice = [WEIGHT, {**WEIGHT, "periodicity": {"once": True}}]
    assert partner.push(authorization_details=json.dumps(twice)).json["error"] == "invalid_authorization_details"
    purposes = [WEIGHT, {**WEIGHT, "datatypes": ["oauthtest.pain"], "purpose": "suivi"}]
    assert partner.push(authorization_details=json.dumps(purposes)).json["error"] == "invalid_authorization_details"


def opened(partner: Partner, uri: str) -> TestResponse:
    """What a browser that was never here gets for a request_uri."""
    query = {"client_id": partner.client.client_id, "request_uri": uri}
    return partner.app.test_client().get("/oauth/authorize", query_string=query)


@pytest.mark.requirement("A3.1", FAPI + "par-attempt-reuse-request_uri")
def test_a_request_uri_serves_one_authorization(partner: Partner, patient: UUID) -> None:
    uri = partner.push().json["request_uri"]
    assert partner.decide(uri, patient).status_code == 200
    again = opened(partner, uri)
    assert (again.status_code, again.mimetype) == (400, "text/html")
    assert "Location" not in again.headers
    assert partner.decide(uri, patient).status_code >= 400


@pytest.mark.requirement(FAPI + "par-ensure-reused-request-uri-prior-to-auth-completion-succeeds")
def test_a_request_uri_may_be_loaded_again_until_it_is_answered(partner: Partner, patient: UUID) -> None:
    uri = partner.push().json["request_uri"]
    pages = [opened(partner, uri) for _ in range(2)]
    assert [page.status_code for page in pages] == [303, 303]
    assert pages[0].headers["Location"] != pages[1].headers["Location"]
    assert partner.decide(uri, patient).status_code == 200


@pytest.mark.requirement("A3.2", FAPI + "par-attempt-to-use-expired-request_uri")
def test_a_request_uri_lives_as_long_as_was_said_even_when_it_was_opened(partner: Partner, clock: FrozenClock) -> None:
    pushed = partner.push().json
    assert 60 <= pushed["expires_in"] <= 600
    clock.move(seconds=pushed["expires_in"] - 1)
    assert opened(partner, pushed["request_uri"]).status_code == 303
    clock.move(seconds=2)
    assert opened(partner, pushed["request_uri"]).status_code == 400


@pytest.mark.requirement("A3.3", FAPI + "par-attempt-to-use-request_uri-for-different-client")
def test_a_request_uri_belongs_to_its_client(partner: Partner, other: Partner) -> None:
    uri = partner.push().json["request_uri"]
    assert opened(other, uri).status_code == 400
    assert opened(partner, "https://autre.exemple.fr/request.jwt").status_code == 400
    assert opened(partner, uri).status_code == 303


@pytest.mark.requirement("A6.6", FAPI + "ensure-mismatched-dpop-jkt-fails")
def test_dpop_jkt_must_be_the_key_of_the_proof(partner: Partner) -> None:
    elsewhere = ECKey.generate_key("P-256").thumbprint()
    assert partner.push(dpop_jkt=elsewhere).json["error"] == "invalid_dpop_proof"
    assert partner.push(dpop_jkt=partner.proof_key.thumbprint()).status_code == 201


@pytest.mark.requirement(
    "A6.6",
    FAPI + "ensure-dpop-auth-code-binding-success",
    FAPI + "ensure-dpopproof-at-par-endpoint-binding-success",
    FAPI + "ensure-token-endpoint-fails-with-mismatched-dpop-jkt",
    FAPI + "ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt",
)
@pytest.mark.parametrize("named_by", ["proof", "dpop_jkt"])
def test_the_code_is_bound_to_the_key_named_at_par(partner: Partner, patient: UUID, named_by: str) -> None:
    bound = {"proofs": []} if named_by == "dpop_jkt" else {}
    pushed = partner.push(dpop_jkt=partner.proof_key.thumbprint() if named_by == "dpop_jkt" else None, **bound)
    code = query_of(partner.decide(pushed.json["request_uri"], patient).json["redirect_to"])["code"]
    wrong = partner.proof("POST", "/oauth/token", key=ECKey.generate_key("P-256"))
    assert partner.exchange(code, proofs=[wrong]).json["error"] == "invalid_grant"
    again = partner.push(dpop_jkt=partner.proof_key.thumbprint() if named_by == "dpop_jkt" else None, **bound)
    code = query_of(partner.decide(again.json["request_uri"], patient).json["redirect_to"])["code"]
    assert partner.exchange(code).status_code == 200


@pytest.mark.requirement(FAPI + "par-without-duplicate-parameters")
def test_a_parameter_given_twice_is_refused(partner: Partner) -> None:
    form = {**partner.request(), "scope": ["openid", "offline_access"]}
    assert partner.post("/oauth/par", form).json["error"] == "invalid_request"


def test_a_public_client_pushes_without_authentication_and_another_cannot(public: Partner, partner: Partner) -> None:
    assert public.push(authorization_details=None, scope="patient/OauthTest.rs").status_code == 201
    answer = partner.http.post("/oauth/par", data=partner.request())
    assert answer.json["error"] == "invalid_client"


@pytest.mark.requirement("A3.6", FAPI + "par-attempt-invalid-http-method")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_post_is_allowed(partner: Partner, method: str) -> None:
    answer = partner.http.open("/oauth/par", method=method)
    assert (answer.status_code, answer.mimetype) == (405, "application/json")


@pytest.mark.requirement("A3.6")
def test_a_pushed_request_is_created_and_kept_by_no_cache(partner: Partner) -> None:
    answer = partner.push()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert set(answer.json) == {"request_uri", "expires_in"}
    assert partner.push(state="x" * 2_000_000).status_code in {400, 413}


@pytest.mark.requirement("A1.16")
def test_the_fhir_base_may_be_named_as_a_resource(partner: Partner, public: Partner) -> None:
    base = f"{partner.issuer}/fhir"
    for resource in (base, base + "/", [base, base]):
        assert partner.push(resource=resource).status_code == 201
    scope = {"authorization_details": None, "scope": "patient/OauthTest.rs"}
    assert public.push(**scope, aud=None).json["error"] == "invalid_request"
    assert public.push(**scope, aud=None, resource=base).status_code == 201
    assert public.push(**scope, aud="https://autre.exemple.fr/fhir").json["error"] == "invalid_request"
