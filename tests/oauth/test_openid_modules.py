"""Modules of the OpenID conformance suite that ask for tolerance, and the redirect addresses that have a query."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from oauth import service
from oauth.rules.clients import Profile
from platform_core.database import transaction
from tests.oauth.partner import CALLBACK, TESTER, Partner, query_of, sandbox_client
from tests.oauth.test_logout import claims_of


@pytest.mark.requirement(
    "A16",
    "oidcc-display-page",
    "oidcc-display-popup",
    "oidcc-ui-locales",
    "oidcc-login-hint",
    "oidcc-ensure-request-with-acr-values-succeeds",
    "oidcc-ensure-request-with-unknown-parameter-succeeds",
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow",
)
@pytest.mark.parametrize(
    "changes",
    [
        {"display": "page", "ui_locales": "se", "login_hint": "buffy@exemple.fr"},
        {"display": "popup", "acr_values": "eidas1 eidas2 eidas3", "extra": "foobar"},
        {"nonce": None},
    ],
    ids=lambda changes: " ".join(changes),
)
def test_what_the_server_need_not_obey_breaks_nothing(partner: Partner, patient: UUID, changes: dict[str, Any]) -> None:
    _, claims = claims_of(partner, partner.grant(patient, **changes)["id_token"])
    assert claims.get("nonce") == ("nonce-42" if "nonce" not in changes else None)


@pytest.mark.requirement("A1.15", "oidcc-alternate-happy-flow")
def test_the_order_of_parameters_and_of_scopes_does_not_matter(partner: Partner, patient: UUID) -> None:
    usual = partner.grant(patient)
    turned = dict(reversed(partner.request(scope="offline_access openid").items()))
    uri = partner.post("/oauth/par", turned).json["request_uri"]
    code = query_of(partner.decide(uri, patient).json["redirect_to"])["code"]
    other = partner.exchange(code).json
    assert set(other["scope"].split()) == set(usual["scope"].split())
    assert other["authorization_details"] == usual["authorization_details"]


@pytest.mark.requirement("A1.3", "oidcc-redirect-uri-query-OK")
def test_an_address_of_return_keeps_its_own_query(app: Flask, patient: UUID) -> None:
    partner = Partner(app, sandbox_client(callback=f"{CALLBACK}?lot=1"))
    address = partner.decide(partner.push().json["request_uri"], patient).json["redirect_to"]
    assert address.startswith(f"{CALLBACK}?lot=1&")
    assert partner.exchange(query_of(address)["code"]).status_code == 200


@pytest.mark.requirement("A1.3", "A1.4", "oidcc-redirect-uri-query-added", "oidcc-redirect-uri-query-mismatch")
@pytest.mark.parametrize(
    ("known", "asked"), [(CALLBACK, f"{CALLBACK}?lot=1"), (f"{CALLBACK}?lot=1", f"{CALLBACK}?lot=2")]
)
def test_another_query_is_another_address(app: Flask, client: FlaskClient, known: str, asked: str) -> None:
    partner = Partner(app, sandbox_client(Profile.SMART, public=True, callback=known))
    answer = client.get("/oauth/authorize", query_string=partner.request(redirect_uri=asked))
    assert answer.status_code == 400
    assert "Location" not in answer.headers


@pytest.mark.requirement("A1.4", "oidcc-ensure-redirect-uri-in-authorization-request")
def test_which_of_two_addresses_is_not_guessed(public: Partner, client: FlaskClient) -> None:
    with transaction():
        second = "https://balance.exemple.fr/autre"
        service.add_redirect_uri(client_pk=public.client.pk, redirect_uri=second, by=TESTER)
    asked = {name: value for name, value in public.request(redirect_uri=None).items() if value}
    answer = client.get("/oauth/authorize", query_string=asked)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


@pytest.mark.requirement("A1.1", "oidcc-response-type-missing")
def test_a_request_without_response_type_is_told_so(public: Partner, client: FlaskClient) -> None:
    asked = {name: value for name, value in public.request(response_type=None).items() if value}
    told = query_of(client.get("/oauth/authorize", query_string=asked).headers["Location"])
    assert (told["error"], told["iss"]) == ("invalid_request", public.issuer)


@pytest.mark.requirement("A7.4", "oidcc-ensure-client-assertion-with-iss-aud-succeeds")
@pytest.mark.parametrize("audience", ["issuer", "token endpoint", "both"])
def test_a_smart_client_names_the_issuer_or_the_token_endpoint(smart: Partner, audience: str) -> None:
    known = {"issuer": smart.issuer, "token endpoint": f"{smart.issuer}/oauth/token"}
    said = known.get(audience, list(known.values()))
    form = {"grant_type": "client_credentials", "client_assertion": smart.assertion(aud=said)}
    assert smart.post("/oauth/token", form).status_code == 200


@pytest.mark.requirement("A9", "oidcc-rp-initiated-logout-discovery-endpoint-verification")
def test_the_metadata_tell_where_to_sign_out(client: FlaskClient) -> None:
    told = client.get("/.well-known/openid-configuration").json
    assert told["end_session_endpoint"] == f"{told['issuer']}/oauth/end_session"
    assert client.get("/oauth/end_session").status_code == 200


@pytest.mark.requirement("A10")
def test_an_access_token_holds_nothing_and_an_id_token_opens_nothing(partner: Partner, patient: UUID) -> None:
    granted = partner.grant(patient)
    assert "." not in granted["access_token"]
    refused = partner.call("GET", "/fhir/Observation", granted["id_token"])
    assert (refused.status_code, refused.json["issue"][0]["details"]["coding"][0]["code"]) == (401, "invalid-token")
