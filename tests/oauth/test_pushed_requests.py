"""Pushed requests (RFC 9126): what is refused, bound to whom, opened how often."""

import json
from typing import Any
from uuid import UUID

import pytest
from joserfc.jwk import ECKey

from platform_core.clock import FrozenClock
from tests.oauth.partner import CALLBACK, WEIGHT, Partner, query_of


@pytest.mark.requirement("A3")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
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


@pytest.mark.requirement("A11")
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


@pytest.mark.parametrize("text", ["{}", "[]", "non", '"x"', "[1]", json.dumps([WEIGHT] * 51)])
def test_details_of_another_shape_are_refused(partner: Partner, text: str) -> None:
    assert partner.push(authorization_details=text).json["error"] == "invalid_authorization_details"


def test_one_request_asks_one_thing_once(partner: Partner) -> None:
    twice = [WEIGHT, {**WEIGHT, "periodicity": {"once": True}}]
    assert partner.push(authorization_details=json.dumps(twice)).json["error"] == "invalid_authorization_details"
    purposes = [WEIGHT, {**WEIGHT, "datatypes": ["oauthtest.pain"], "purpose": "suivi"}]
    assert partner.push(authorization_details=json.dumps(purposes)).json["error"] == "invalid_authorization_details"


@pytest.mark.requirement("A3")
def test_a_request_uri_opens_once(partner: Partner, patient: UUID) -> None:
    uri = partner.push().json["request_uri"]
    query = {"client_id": partner.client.client_id, "request_uri": uri}
    assert partner.http.get("/oauth/authorize", query_string=query).status_code == 303
    again = partner.http.get("/oauth/authorize", query_string=query)
    assert (again.status_code, again.mimetype) == (400, "text/html")


@pytest.mark.requirement("A3")
def test_a_request_uri_dies_and_belongs_to_its_client(partner: Partner, other: Partner, clock: FrozenClock) -> None:
    uri = partner.push().json["request_uri"]
    foreign = {"client_id": other.client.client_id, "request_uri": uri}
    assert other.http.get("/oauth/authorize", query_string=foreign).status_code == 400
    clock.move(seconds=91)
    late = {"client_id": partner.client.client_id, "request_uri": uri}
    assert partner.http.get("/oauth/authorize", query_string=late).status_code == 400


@pytest.mark.requirement("A6")
def test_dpop_jkt_must_be_the_key_of_the_proof(partner: Partner) -> None:
    elsewhere = ECKey.generate_key("P-256").thumbprint()
    assert partner.push(dpop_jkt=elsewhere).json["error"] == "invalid_dpop_proof"
    assert partner.push(dpop_jkt=partner.proof_key.thumbprint()).status_code == 201


@pytest.mark.requirement("A6")
@pytest.mark.parametrize("named_by", ["proof", "dpop_jkt"])
def test_the_code_is_bound_to_the_key_named_at_par(partner: Partner, patient: UUID, named_by: str) -> None:
    bound = {"proofs": []} if named_by == "dpop_jkt" else {}
    pushed = partner.push(dpop_jkt=partner.proof_key.thumbprint() if named_by == "dpop_jkt" else None, **bound)
    code = query_of(partner.decide(pushed.json["request_uri"], patient).json["redirect_to"])["code"]
    wrong = partner.proof("POST", "/oauth/token", key=ECKey.generate_key("P-256"))
    assert partner.exchange(code, proofs=[wrong]).json["error"] == "invalid_grant"


def test_a_parameter_given_twice_is_refused(partner: Partner) -> None:
    form = {**partner.request(), "scope": ["openid", "offline_access"]}
    assert partner.post("/oauth/par", form).json["error"] == "invalid_request"


def test_a_public_client_pushes_without_authentication_and_another_cannot(public: Partner, partner: Partner) -> None:
    assert public.push(authorization_details=None, scope="patient/OauthTest.rs").status_code == 201
    answer = partner.http.post("/oauth/par", data=partner.request())
    assert answer.json["error"] == "invalid_client"


def test_only_post_is_allowed(partner: Partner) -> None:
    assert partner.http.get("/oauth/par").status_code == 405
