"""A thief, a careless partner and a forger against the endpoints and the FHIR API: what they hold is worth nothing."""

import json
import logging
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
import sqlalchemy as sa
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from tests.oauth.conftest import insert_patient, other, partner, patient, public, real_patient, smart
from tests.oauth.partner import WEIGHT, Partner

__all__ = ["other", "partner", "patient", "public", "real_patient", "smart"]

WEIGHTS = "/fhir/Observation?code=http://loinc.org|29463-7"
PATH = "/fhir/Observation"


def asked(*datatypes: str, **changes: Any) -> str:
    """Authorization details for measures, read and write unless said."""
    categories = [f"measures.{name}" for name in datatypes or ("body-weight",)]
    return json.dumps([{**WEIGHT, "datatypes": categories, **changes}])


def tokens(partner: Partner, patient: UUID, *datatypes: str, **changes: Any) -> dict[str, Any]:
    return partner.grant(patient, authorization_details=asked(*datatypes, **changes))


def search(partner: Partner, token: str, *, scheme: str = "DPoP", proofs: list[str] | None = None) -> TestResponse:
    proofs = [partner.proof("GET", PATH, token=token)] if proofs is None else proofs
    headers = [("Authorization", f"{scheme} {token}"), *(("DPoP", proof) for proof in proofs)]
    return partner.http.get(WEIGHTS, headers=headers)


def test_a_bound_token_is_worth_nothing_as_bearer_with_or_without_its_proof(partner, patient):
    token = tokens(partner, patient)["access_token"]
    assert search(partner, token, scheme="Bearer", proofs=[]).status_code == 401
    assert search(partner, token, scheme="Bearer").status_code == 401
    assert search(partner, token).status_code == 200


def test_a_thief_who_proves_another_key_gets_nothing(partner, patient):
    token = tokens(partner, patient)["access_token"]
    thief = ECKey.generate_key("P-256")
    answer = search(partner, token, proofs=[partner.proof("GET", PATH, token=token, key=thief)])
    assert answer.status_code == 401
    assert answer.json["issue"][0]["details"]["coding"][0]["code"] == "invalid-dpop-proof"


def test_a_proof_seen_on_a_served_call_serves_nobody_again(partner, patient):
    token = tokens(partner, patient)["access_token"]
    proof = partner.proof("GET", PATH, token=token)
    assert search(partner, token, proofs=[proof]).status_code == 200
    assert search(partner, token, proofs=[proof]).status_code == 401


def test_a_proof_seen_on_a_refused_call_serves_nobody_once_the_call_would_pass(partner, patient):
    token = tokens(partner, patient)["access_token"]
    proof = partner.proof("GET", PATH, token=token)
    refused = "/fhir/Observation?code=http://loinc.org|8867-4"
    headers = [("Authorization", f"DPoP {token}"), ("DPoP", proof)]
    assert partner.http.get(refused, headers=headers).status_code == 403
    assert search(partner, token, proofs=[proof]).status_code == 401


@pytest.mark.parametrize(
    "target",
    [
        "/fhir/Observation/",
        "/fhir//Observation",
        "/fhir/Observation/../Observation",
        "/fhir/observation",
        "/fhir/Observation;x",
        "/fhir/Observation%20",
        "/fhir/Device",
        "",
    ],
)
def test_a_proof_for_almost_the_same_address_does_not_count(partner, patient, target):
    token = tokens(partner, patient)["access_token"]
    claimed = partner.proof("GET", PATH, token=token, htu=partner.issuer + target)
    assert search(partner, token, proofs=[claimed]).status_code == 401


@pytest.mark.parametrize("method", ["POST", "get", "GET ", "HEAD"])
def test_a_proof_for_another_method_does_not_count(partner, patient, method):
    token = tokens(partner, patient)["access_token"]
    assert search(partner, token, proofs=[partner.proof(method, PATH, token=token)]).status_code == 401


def test_two_proofs_are_refused_even_when_both_hold(partner, patient):
    token = tokens(partner, patient)["access_token"]
    both = [partner.proof("GET", PATH, token=token) for _ in range(2)]
    assert search(partner, token, proofs=both).status_code == 401
    assert search(partner, token, proofs=[", ".join(both)]).status_code == 401


def test_a_refresh_token_and_an_app_token_read_no_record(partner, patient):
    refresh = tokens(partner, patient)["refresh_token"]
    assert search(partner, refresh).status_code == 401
    assert search(partner, partner.app_token()).status_code == 401
    assert search(partner, "").status_code == 401


def test_a_code_played_twice_takes_back_what_it_gave(partner, patient):
    code = partner.code(patient, authorization_details=asked())
    token = partner.exchange(code).json["access_token"]
    assert search(partner, token).status_code == 200
    assert partner.exchange(code).json["error"] == "invalid_grant"
    assert search(partner, token).status_code == 401


def test_a_stolen_code_is_worth_nothing_to_another_client_nor_without_the_verifier(partner, other, patient):
    code = partner.code(patient, authorization_details=asked())
    assert other.exchange(code, code_verifier=partner.verifier).json["error"] == "invalid_grant"
    assert partner.exchange(code).status_code == 200, "the thief's try did not use it up"
    for verifier in (None, "x" * 43, ""):
        stolen = partner.code(patient, authorization_details=asked())
        assert partner.exchange(stolen, code_verifier=verifier).status_code == 400


def test_a_public_client_cannot_leave_pkce_out(public, patient):
    assert (
        public.push(authorization_details=asked(), code_challenge=None, code_challenge_method=None).status_code == 400
    )
    assert public.push(authorization_details=asked(), code_challenge_method="plain").status_code == 400
    assert public.push(authorization_details=asked(), code_challenge_method=None).status_code == 400


@pytest.mark.parametrize(
    "address",
    [
        "https://balance.exemple.fr/retour/",
        "https://balance.exemple.fr/retour?next=https://mal.exemple.fr",
        "https://balance.exemple.fr/retour#",
        "https://balance.exemple.fr/retour/../vol",
        "https://balance.exemple.fr@mal.exemple.fr/retour",
        "https://balance.exemple.fr.mal.exemple.fr/retour",
        "HTTPS://balance.exemple.fr/retour",
        "https://balance.exemple.fr:443/retour",
        "https://balance.exemple.fr/retour\x00",
        "https://balance.exemple.fr/retour%0d%0aSet-Cookie:x=1",
        "//balance.exemple.fr/retour",
        "javascript:alert(1)",
    ],
)
def test_an_answer_goes_to_the_registered_address_to_the_letter(smart, address):
    assert smart.push(redirect_uri=address, authorization_details=asked()).status_code == 400
    browser = smart.app.test_client()
    answer = browser.get(
        "/oauth/authorize", query_string=smart.request(redirect_uri=address, authorization_details=asked())
    )
    assert answer.status_code == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize("parameter", ["state", "nonce", "scope", "client_id", "redirect_uri", "aud", "dpop_jkt"])
@pytest.mark.parametrize("value", ["\x00", "a\x00b", "\udcff", "￿", "é" * 3000, "a\r\nSet-Cookie: x=1"])
def test_mangled_text_in_an_authorization_request_is_no_fault_of_ours(smart, parameter, value):
    parameters = smart.request(**{"authorization_details": asked(), parameter: value})
    browser = smart.app.test_client()
    for answer in (
        browser.get("/oauth/authorize", query_string=encoded(parameters)),
        browser.post("/oauth/authorize", data=encoded(parameters), content_type="application/x-www-form-urlencoded"),
    ):
        assert answer.status_code < 500
        assert "Set-Cookie" not in answer.headers or "x=1" not in answer.headers["Set-Cookie"]
    if parameter != "client_id":
        assert (
            smart.post(
                "/oauth/par", {**smart.request(authorization_details=asked()), parameter: value.replace("\udcff", "ÿ")}
            ).status_code
            < 500
        )


def encoded(parameters: dict[str, Any]) -> str:
    return "&".join(f"{n}={quote(str(v).encode(errors='surrogateescape'))}" for n, v in parameters.items())


@pytest.mark.parametrize("endpoint", ["token", "par", "revoke", "introspect"])
@pytest.mark.parametrize("field", ["client_id", "client_assertion", "code", "token", "refresh_token", "grant_type"])
@pytest.mark.parametrize("value", ["\x00", "￿", "." * 9000, "a.b.c", "e30.e30.", "'; DROP TABLE oauth_token; --"])
def test_mangled_values_at_the_token_endpoints_are_refused_without_a_fault(app, client, endpoint, field, value):
    form = {
        "grant_type": "authorization_code",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "a.b.c",
        field: value,
    }
    answer = client.post(f"/oauth/{endpoint}", data=form)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_request_pushed_by_one_client_opens_for_no_other_and_is_answered_only_once(partner, other, patient):
    uri = partner.push(authorization_details=asked()).json["request_uri"]
    browser = partner.app.test_client()
    stolen = {"client_id": other.client.client_id, "request_uri": uri}
    assert browser.get("/oauth/authorize", query_string=stolen).status_code == 400
    own = {"client_id": partner.client.client_id, "request_uri": uri}
    assert browser.get("/oauth/authorize", query_string=own).status_code == 303
    assert partner.decide(uri, patient).status_code == 200
    assert browser.get("/oauth/authorize", query_string=own).status_code == 400


def test_a_grant_of_somebody_else_is_told_from_no_grant_by_nothing(partner, other, patient):
    held = tokens(partner, patient)["grant_id"]
    unknown = "01900000-0000-7000-8000-000000000000"
    for method in ("GET", "DELETE"):
        foreign, absent = (
            other.call(method, f"/oauth/grants/{grant_id}", other.app_token()) for grant_id in (held, unknown)
        )
        assert (foreign.status_code, foreign.json) == (absent.status_code, absent.json)
        assert foreign.status_code == 404
    assert partner.call("GET", f"/oauth/grants/{held}", partner.app_token()).json["status"] == "active"


def test_the_token_of_one_grant_speaks_of_no_other_grant_of_its_app(partner, patient, owner):
    first = tokens(partner, patient)
    second_patient = another_synthetic(owner)
    second = tokens(partner, second_patient)
    answer = partner.call("GET", f"/oauth/grants/{second['grant_id']}", first["access_token"])
    assert answer.status_code == 404
    assert partner.call("DELETE", f"/oauth/grants/{second['grant_id']}", first["access_token"]).status_code == 404


def another_synthetic(owner: sa.Engine) -> UUID:
    return insert_patient(owner, "Autre", synthetic=True)


def test_a_narrower_refresh_gives_a_narrower_token(smart, patient):
    """RFC 6749 §6, RFC 9700 §2.3: what a component of the app was not given, it cannot use."""
    weight, pulse = (
        "patient/Observation.rs?code=http://loinc.org|29463-7",
        "patient/Observation.rs?code=http://loinc.org|8867-4",
    )
    granted = smart.grant(patient, scope=f"offline_access {weight} {pulse}", authorization_details=None)
    narrow = smart.refresh(granted["refresh_token"], scope=weight).json
    assert narrow["scope"] == weight
    assert [d["datatypes"] for d in narrow["authorization_details"]] == [["measures.body-weight"]]
    allowed = smart.http.get(WEIGHTS, headers={"Authorization": f"Bearer {narrow['access_token']}"})
    refused = smart.http.get(
        "/fhir/Observation?code=http://loinc.org|8867-4", headers={"Authorization": f"Bearer {narrow['access_token']}"}
    )
    assert (allowed.status_code, refused.status_code) == (200, 403)
    again = smart.refresh(granted["refresh_token"]).json
    assert len(again["scope"].split()) == 3, "the refresh token itself keeps what was granted"


def test_pairwise_ids_are_stable_for_an_app_and_tell_two_apps_nothing(partner, other, patient):
    first, again, elsewhere = (tokens(one, patient)["patient"] for one in (partner, partner, other))
    assert first == again
    assert first != elsewhere
    assert str(patient) not in (first, elsewhere)


def test_nothing_secret_and_nobody_is_named_in_the_logs_of_a_whole_flow(partner, patient, caplog):
    with caplog.at_level(logging.DEBUG):
        code = partner.code(patient, authorization_details=asked())
        granted = partner.exchange(code).json
        renewed = partner.refresh(granted["refresh_token"]).json
        body = weight(granted["patient"])
        partner.call("POST", PATH, renewed["access_token"], json=body, content_type="application/fhir+json")
        search(partner, renewed["access_token"])
        search(partner, granted["access_token"])
        partner.call("DELETE", f"/oauth/grants/{granted['grant_id']}", renewed["access_token"])
        search(partner, renewed["access_token"])
    said = "\n".join(record.getMessage() for record in caplog.records if record.name != "sqlalchemy")
    secrets = [code, granted["access_token"], granted["refresh_token"], renewed["access_token"], partner.verifier]
    assert not [secret for secret in [*secrets, "Fictive", "73.25", granted["patient"]] if secret in said]


def test_no_secret_is_stored_as_it_was_given(partner, patient, owner):
    code = partner.code(patient, authorization_details=asked())
    granted = partner.exchange(code).json
    with owner.connect() as connection:
        tables = connection.execute(
            sa.text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        ).scalars()
        for table in tables.all():
            text = str(connection.execute(sa.text(f'SELECT to_jsonb(t)::text FROM "{table}" t')).scalars().all())
            for secret in (code, granted["access_token"], granted["refresh_token"], partner.verifier):
                assert secret not in text, table


def weight(patient: str, value: str = "73.25") -> dict[str, Any]:
    """A weight as an app writes it."""
    return {
        "resourceType": "Observation",
        "meta": {
            "profile": [
                "https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/mesures-fr-observation-body-weight"
            ]
        },
        "status": "final",
        "category": [
            {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
                ]
            }
        ],
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2026-11-01T08:30:00+01:00",
        "valueQuantity": {
            "value": float(value),
            "unit": "kg",
            "system": "http://unitsofmeasure.org",
            "code": "kg",
        },
    }
