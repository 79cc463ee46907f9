"""Grant Management for OAuth 2.0: an app replaces, merges, queries and revokes its own grants, and no other."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.oauth.conftest import insert_patient
from tests.oauth.partner import WEIGHT, Partner

PAIN = {**WEIGHT, "datatypes": ["oauthtest.pain"], "actions": ["read"]}


def change(action: str, grant_id: object, details: dict[str, Any]) -> dict[str, Any]:
    return {
        "grant_management_action": action,
        "grant_id": str(grant_id),
        "authorization_details": json.dumps([details]),
    }


def granted(tokens: dict[str, Any]) -> set[tuple[str, str]]:
    """The pairs of category and access of a token response."""
    return {
        (category, action)
        for detail in tokens["authorization_details"]
        for category in detail["datatypes"]
        for action in detail["actions"]
    }


@pytest.mark.requirement("A14.1")
def test_a_merge_adds_to_the_grant(partner: Partner, patient: UUID) -> None:
    first = partner.grant(patient)
    second = partner.grant(patient, **change("merge", first["grant_id"], PAIN))
    assert second["grant_id"] == first["grant_id"]
    assert granted(second) == {
        ("oauthtest.weight", "read"),
        ("oauthtest.weight", "write"),
        ("oauthtest.pain", "read"),
    }


@pytest.mark.requirement("A14.1")
def test_a_replacement_leaves_what_is_not_asked_any_more(partner: Partner, patient: UUID) -> None:
    first = partner.grant(patient)
    second = partner.grant(patient, **change("replace", first["grant_id"], PAIN))
    assert second["grant_id"] == first["grant_id"]
    assert granted(second) == {("oauthtest.pain", "read")}
    assert partner.call("GET", "/api/v1/consent", first["access_token"]).status_code == 401


@pytest.mark.requirement("A14.1")
def test_a_refused_change_leaves_grant_and_tokens_as_they_are(partner: Partner, patient: UUID) -> None:
    first = partner.grant(patient)
    uri = partner.push(**change("replace", first["grant_id"], PAIN)).json["request_uri"]
    assert partner.decide(uri, patient, "refuse").status_code == 200
    consent = partner.call("GET", "/api/v1/consent", first["access_token"]).json
    assert {item["category"] for item in consent["items"]} == {"oauthtest.weight"}


@pytest.mark.requirement("A14.1")
@pytest.mark.parametrize(
    "changes",
    [
        {"grant_management_action": "create", "grant_id": str(uuid4())},
        {"grant_management_action": "merge"},
        {"grant_management_action": "replace"},
        {"grant_management_action": "erase"},
        {"grant_id": str(uuid4())},
    ],
    ids=["create with an id", "merge without", "replace without", "unknown action", "id without action"],
)
def test_an_action_and_its_grant_go_together(partner: Partner, changes: dict[str, str]) -> None:
    answer = partner.push(**changes)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.requirement("A14.2")
@pytest.mark.parametrize("action", ["merge", "replace"])
def test_foreign_ended_and_unknown_grants_are_told_alike(
    partner: Partner, other: Partner, patient: UUID, action: str
) -> None:
    foreign = other.grant(patient)["grant_id"]
    ended = partner.grant(patient)["grant_id"]
    partner.call("DELETE", f"/oauth/grants/{ended}", partner.app_token())
    answers = [partner.push(**change(action, one, PAIN)) for one in (foreign, ended, uuid4(), "pas-un-uuid")]
    assert {(answer.status_code, answer.text) for answer in answers} == {(400, answers[0].text)}
    assert answers[0].json["error"] == "invalid_grant_id"


@pytest.mark.requirement("A14")
def test_a_merge_keeps_the_purpose(partner: Partner, patient: UUID) -> None:
    first = partner.grant(patient)
    answer = partner.push(**change("merge", first["grant_id"], {**PAIN, "purpose": "suivi"}))
    assert answer.json["error"] == "invalid_request"


@pytest.mark.requirement("A14")
def test_another_patient_cannot_change_the_grant_of_one(
    app: Flask, partner: Partner, patient: UUID, owner: Any
) -> None:
    first = partner.grant(patient)
    stranger = insert_patient(owner, "Autre", synthetic=True)
    uri = partner.push(**change("merge", first["grant_id"], PAIN)).json["request_uri"]
    assert partner.decide(uri, stranger).json["code"] == "not-live"


@pytest.mark.requirement("A14.1")
def test_create_amends_the_one_grant_of_a_patient(partner: Partner, patient: UUID) -> None:
    first = partner.grant(patient)
    assert partner.grant(patient, grant_management_action="create")["grant_id"] == first["grant_id"]


@pytest.mark.requirement("A14.2")
@pytest.mark.parametrize(
    ("scope", "query", "revoke"),
    [
        ("grant_management_query", 200, 403),
        ("grant_management_revoke", 403, 204),
        ("grant_management_query grant_management_revoke", 200, 204),
        ("ens:app", 200, 204),
    ],
)
def test_the_scope_of_an_apps_token_says_what_it_does_with_grants(
    partner: Partner, patient: UUID, scope: str, query: int, revoke: int
) -> None:
    path = f"/oauth/grants/{partner.grant(patient)['grant_id']}"
    given = partner.post("/oauth/token", {"grant_type": "client_credentials", "scope": scope}).json
    assert given["scope"] == scope
    assert partner.call("GET", path, given["access_token"]).status_code == query
    assert partner.call("DELETE", path, given["access_token"]).status_code == revoke


@pytest.mark.requirement("A14.2")
def test_the_metadata_announce_the_actions(client: FlaskClient) -> None:
    said = client.get("/.well-known/oauth-authorization-server").json
    assert said is not None
    assert said["grant_management_actions_supported"] == ["query", "revoke", "create", "replace", "merge"]
    assert said["grant_management_action_required"] is False
    assert said["grant_management_endpoint"].endswith("/oauth/grants")
    assert {"grant_management_query", "grant_management_revoke"} <= set(said["scopes_supported"])
