"""The whole way of a grant, from the pushed request to the end of the consent, by a client written with joserfc."""

import json
from uuid import UUID

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.oauth.partner import CALLBACK, WEIGHT, Partner, query_of


def test_a_fapi2_app_gets_bound_tokens_and_reads_its_consent(partner: Partner, patient: UUID) -> None:
    pushed = partner.push(authorization_details=json.dumps([{**WEIGHT, "periodicity": {"max": 1, "per": "day"}}]))
    assert pushed.status_code == 201
    assert 5 <= pushed.json["expires_in"] <= 600
    assert pushed.headers["Cache-Control"] == "no-store"

    decided = partner.decide(pushed.json["request_uri"], patient)
    assert decided.json["redirect_to"].startswith(CALLBACK + "?")
    answer = query_of(decided.json["redirect_to"])
    assert (answer["state"], answer["iss"]) == ("état-42", partner.issuer)

    tokens = partner.exchange(answer["code"])
    assert tokens.status_code == 200
    assert (tokens.headers["Cache-Control"], tokens.headers["Pragma"]) == ("no-store", "no-cache")
    body = tokens.json
    assert (body["token_type"], body["expires_in"]) == ("DPoP", 600)
    assert body["scope"] == "openid offline_access"
    (detail,) = body["authorization_details"]
    assert detail["datatypes"] == ["oauthtest.weight"]
    assert (detail["actions"], detail["periodicity"]) == (["read", "write"], {"max": 1, "per": "day"})
    assert body["patient"] != str(patient)

    consent = partner.call("GET", "/api/v1/consent", body["access_token"])
    assert consent.status_code == 200
    assert (consent.json["grant_id"], consent.json["status"]) == (body["grant_id"], "active")
    assert {item["remaining"] for item in consent.json["items"]} == {1}


def test_the_id_token_is_signed_by_the_profile_and_names_nobody(
    partner: Partner, smart: Partner, patient: UUID
) -> None:
    keys = KeySet.import_key_set(partner.http.get("/oauth/jwks").json)
    for app, algorithm in ((partner, "ES256"), (smart, "RS256")):
        body = app.grant(patient, scope="openid offline_access fhirUser")
        token = jwt.decode(body["id_token"], keys, algorithms=[algorithm])
        claims = token.claims
        assert (claims["iss"], claims["aud"], claims["nonce"]) == (app.issuer, app.client.client_id, "nonce-42")
        assert claims["exp"] > claims["iat"]
        assert claims["fhirUser"] == f"{app.issuer}/fhir/Patient/{body['patient']}"
        assert set(claims) <= {"iss", "aud", "iat", "exp", "acr", "nonce", "at_hash", "auth_time", "sub", "fhirUser"}
        user = app.call("GET", "/oauth/userinfo", body["access_token"])
        assert user.json == {"sub": claims["sub"], "fhirUser": claims["fhirUser"]}


def test_two_apps_know_one_patient_by_unrelated_ids(partner: Partner, other: Partner, patient: UUID) -> None:
    assert partner.grant(patient)["patient"] != other.grant(patient)["patient"]


def test_a_second_authorization_amends_the_consent_and_closes_the_earlier_tokens(
    partner: Partner, patient: UUID
) -> None:
    first = partner.grant(patient)
    second = partner.grant(patient, authorization_details=json.dumps([{**WEIGHT, "datatypes": ["oauthtest.pain"]}]))
    assert second["grant_id"] == first["grant_id"]
    assert second["authorization_details"][0]["datatypes"] == ["oauthtest.pain"]
    assert partner.call("GET", "/api/v1/consent", first["access_token"]).status_code == 401
    assert partner.refresh(first["refresh_token"]).json["error"] == "invalid_grant"


def test_without_offline_access_there_is_no_refresh_token_and_without_openid_no_id_token(
    partner: Partner, patient: UUID
) -> None:
    body = partner.grant(patient, scope="")
    assert "refresh_token" not in body
    assert "id_token" not in body
    assert partner.call("GET", "/oauth/userinfo", body["access_token"]).status_code == 403


@pytest.mark.requirement("SM75")
def test_a_smart_app_asks_by_scopes_and_gets_bearer_tokens(smart: Partner, patient: UUID) -> None:
    body = smart.grant(
        patient,
        scope="launch/patient offline_access patient/OauthTest.rs?category=oauth-test",
        authorization_details=None,
        aud=f"{smart.issuer}/fhir",
    )
    assert body["token_type"] == "Bearer"
    assert body["scope"].split(" ")[:2] == ["launch/patient", "offline_access"]
    assert set(body["scope"].split(" ")[2:]) == {
        "patient/OauthTest.rs?code=http://loinc.org|29463-7",
        "patient/OauthTest.rs?code=http://loinc.org|39156-5",
        "patient/OauthTest.rs?code=http://loinc.org|72514-3",
    }
    assert smart.call("GET", "/api/v1/consent", body["access_token"]).status_code == 200
    refreshed = smart.refresh(body["refresh_token"])
    assert refreshed.status_code == 200
    assert "refresh_token" not in refreshed.json


@pytest.mark.requirement("A11.3", "A11.4", "A11.6")
def test_what_the_patient_narrowed_is_what_everybody_is_told(partner: Partner, patient: UUID) -> None:
    asked = {**WEIGHT, "datatypes": ["measures.body-weight", "measures.steps"]}
    kept = {**asked, "datatypes": ["measures.steps"], "actions": ["read"]}
    uri = partner.push(authorization_details=json.dumps([asked])).json["request_uri"]
    decided = partner.decide(uri, patient, details=[kept]).json["redirect_to"]
    granted = partner.exchange(query_of(decided)["code"]).json
    (detail,) = granted["authorization_details"]
    assert (detail["datatypes"], detail["actions"]) == (["measures.steps"], ["read"])
    token = granted["access_token"]
    assert partner.refresh(granted["refresh_token"]).json["authorization_details"] == [detail]
    assert partner.post("/oauth/introspect", {"token": token}).json["authorization_details"] == [detail]
    both = "http://loinc.org|41950-7,http://loinc.org|29463-7"
    refused = partner.call("GET", "/fhir/Observation", token, query_string={"code": both})
    assert (refused.status_code, refused.json["issue"][0]["details"]["coding"][0]["code"]) == (403, "consent-not-given")


def test_the_app_ends_its_own_grant(partner: Partner, other: Partner, patient: UUID) -> None:
    body = partner.grant(patient)
    path = f"/oauth/grants/{body['grant_id']}"
    assert partner.call("GET", path, partner.app_token()).json["status"] == "active"
    assert partner.call("GET", path, body["access_token"]).json["patient"] == body["patient"]
    assert other.call("GET", path, other.app_token()).status_code == 404
    assert other.call("DELETE", path, other.app_token()).status_code == 404
    assert partner.call("DELETE", path, partner.app_token()).status_code == 204
    assert partner.call("GET", path, partner.app_token()).json["status"] == "ended"
    refused = partner.refresh(body["refresh_token"])
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_grant")
    assert refused.json["error_description"] == "consent-ended"


def test_a_grants_own_token_says_nothing_of_another_grant(partner: Partner, other: Partner, patient: UUID) -> None:
    mine, foreign = partner.grant(patient), other.grant(patient)
    assert partner.call("GET", f"/oauth/grants/{foreign['grant_id']}", mine["access_token"]).status_code == 404


def test_the_refusal_of_a_patient_says_nothing_more(partner: Partner, patient: UUID) -> None:
    decided = partner.decide(partner.push().json["request_uri"], patient, "refuse")
    assert query_of(decided.json["redirect_to"]) == {
        "error": "access_denied",
        "state": "état-42",
        "iss": partner.issuer,
    }


def test_no_token_code_or_assertion_reaches_a_log(
    partner: Partner, patient: UUID, caplog: pytest.LogCaptureFixture, app: Flask
) -> None:
    caplog.set_level("DEBUG")
    code = partner.code(patient)
    assertion = partner.assertion()
    body = partner.exchange(code, client_assertion=assertion).json
    partner.refresh(body["refresh_token"])
    secrets = [code, assertion, body["access_token"], body["refresh_token"], body["id_token"]]
    assert [secret for secret in secrets if secret in caplog.text] == []
