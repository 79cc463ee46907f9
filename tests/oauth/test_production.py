"""Production clients: a listed application only, within its ceiling, with its refresh served while it is suspended."""

import json
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from joserfc.jwk import ECKey

from consent.workflow import Answer
from oauth import service
from oauth.rules.clients import Profile
from platform_core.database import transaction
from platform_core.errors import Conflict
from store.service import listings
from tests.oauth.partner import CALLBACK, TESTER, Credentials, Partner, answer_as, open_in, query_of
from tests.store.conftest import People, bring_to

ASKED = {
    "type": "urn:ens:health-data",
    "datatypes": ["storetest.weight"],
    "actions": ["read"],
    "purpose": "prevention",
}


@pytest.fixture
def application_id(people: People) -> UUID:
    """A listed application: it may read the weight, one year back, once a day, for prevention."""
    return bring_to("listed", people)[0]


@pytest.fixture
def balance(app: Flask, application_id: UUID) -> Partner:
    """Its production client."""
    private = service.generate_key(Profile.FAPI2)
    with transaction():
        client = service.issue_client(
            application_id=application_id, redirect_uris=[CALLBACK], jwk=service.public_half(private), by=TESTER
        )
    return Partner(app, Credentials(client, ECKey.import_key(private)))


def grant_to(partner: Partner, patient: UUID) -> dict[str, Any]:
    """The tokens of a grant that a person gives in a browser."""
    browser = partner.app.test_client()
    path = answer_as(patient, open_in(browser, partner, authorization_details=json.dumps([ASKED])), Answer.GRANT)
    code = query_of(browser.get(path).headers["Location"])["code"]
    return dict(partner.exchange(code).json)


@pytest.mark.parametrize("state", ["draft", "accepted", "suspended"])
def test_only_a_listed_application_gets_production_credentials(people: People, state: str) -> None:
    application_id, _ = bring_to(state, people)
    private = service.generate_key(Profile.FAPI2)
    with pytest.raises(Conflict) as refused, transaction():
        service.issue_client(
            application_id=application_id, redirect_uris=[CALLBACK], jwk=service.public_half(private), by=TESTER
        )
    assert refused.value.code == "application-not-listed"


def test_what_is_left_out_takes_the_listings_defaults(balance: Partner, real_patient: UUID) -> None:
    (detail,) = grant_to(balance, real_patient)["authorization_details"]
    assert detail["periodicity"] == {"max": 1, "per": "day"}
    assert detail["data_period"]["from"] is not None
    assert detail["data_period"]["to"] is None


@pytest.mark.requirement("A11.2")
@pytest.mark.parametrize(
    "change",
    [
        {"actions": ["read", "write"]},
        {"datatypes": ["storetest.weight", "oauthtest.weight"]},
        {"purpose": "soins"},
        {"periodicity": {"max": 2, "per": "day"}},
        {"periodicity": {"continuous": True}},
        {"data_period": {"from": "2001-01-01"}},
        {"data_period": {"from": None}},
    ],
    ids=str,
)
def test_details_beyond_the_ceiling_are_an_error(balance: Partner, change: dict[str, Any]) -> None:
    answer = balance.push(authorization_details=json.dumps([{**ASKED, **change}]))
    assert answer.json["error"] == "invalid_authorization_details"


@pytest.mark.requirement("A11.2")
@pytest.mark.parametrize("change", [{"periodicity": {"once": True}}, {"periodicity": {"max": 1, "per": "week"}}])
def test_details_within_the_ceiling_are_heard(balance: Partner, change: dict[str, Any]) -> None:
    assert balance.push(authorization_details=json.dumps([{**ASKED, **change}])).status_code == 201


def test_scopes_beyond_the_ceiling_are_narrowed_and_nothing_left_is_an_error(balance: Partner) -> None:
    narrowed = balance.push(authorization_details=None, scope="patient/*.cruds")
    assert narrowed.status_code == 201
    nothing = balance.push(authorization_details=None, scope="patient/OauthTest.rs")
    assert nothing.json["error"] == "invalid_scope"


def test_a_suspended_application_asks_nothing_new_and_keeps_its_grants(
    balance: Partner, people: People, application_id: UUID, real_patient: UUID
) -> None:
    tokens = grant_to(balance, real_patient)
    pushed = balance.push(authorization_details=json.dumps([ASKED])).json["request_uri"]
    with transaction():
        listings.suspend_listing(application_id=application_id, motive="Fuite.", by=people.omar)
    assert balance.push(authorization_details=json.dumps([ASKED])).json["error"] == "unauthorized_client"
    query = {"client_id": balance.client.client_id, "request_uri": pushed}
    sent = query_of(balance.http.get("/oauth/authorize", query_string=query).headers["Location"])
    assert sent["error"] == "unauthorized_client"
    assert balance.refresh(tokens["refresh_token"]).status_code == 200
    grant = balance.call("GET", f"/oauth/grants/{tokens['grant_id']}", balance.app_token())
    assert grant.json["status"] == "frozen"


def test_a_withdrawn_application_has_lost_its_grants_at_once(
    balance: Partner, people: People, application_id: UUID, real_patient: UUID
) -> None:
    tokens = grant_to(balance, real_patient)
    with transaction():
        listings.withdraw_listing(application_id=application_id, motive="Fin.", by=people.omar)
    assert balance.refresh(tokens["refresh_token"]).json["error_description"] == "consent-ended"
    assert balance.post("/oauth/introspect", {"token": tokens["access_token"]}).json == {"active": False}


def test_a_production_client_has_no_sandbox(balance: Partner, patient: UUID) -> None:
    token = balance.app_token()
    assert balance.call("GET", "/api/v1/sandbox/patients", token).status_code == 403
    uri = balance.push(authorization_details=json.dumps([ASKED])).json["request_uri"]
    decided = balance.decide(uri, patient)
    assert (decided.status_code, decided.json["code"]) == (403, "sandbox-only")


def test_two_clients_of_one_application_hold_the_same_grants(
    app: Flask, balance: Partner, application_id: UUID, real_patient: UUID
) -> None:
    tokens = grant_to(balance, real_patient)
    private = service.generate_key(Profile.FAPI2)
    with transaction():
        client = service.issue_client(
            application_id=application_id, redirect_uris=[CALLBACK], jwk=service.public_half(private), by=TESTER
        )
    second = Partner(app, Credentials(client, ECKey.import_key(private)))
    assert second.call("GET", f"/oauth/grants/{tokens['grant_id']}", second.app_token()).status_code == 200
    assert second.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
