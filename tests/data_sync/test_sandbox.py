"""The sandbox: synthetic patients only, decisions through the real code, a clock that moves."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from platform_core import clock as platform_clock
from tests.oauth.partner import WEIGHT, Partner, query_of

DAILY = {**WEIGHT, "periodicity": {"max": 1, "per": "day"}, "data_period": {"from": "2026-01-01", "to": None}}


def test_only_synthetic_patients_are_listed(partner: Partner, patient: UUID, real_patient: UUID) -> None:
    answer = partner.call("GET", "/api/v1/sandbox/patients", partner.app_token())
    assert answer.status_code == 200
    (found,) = answer.json["patients"]
    assert (found["id"], found["birth_date"]) == (str(patient), "1987-04-02")
    assert found["summary"].startswith("Femme de ")


def test_a_real_patient_is_never_reached(partner: Partner, real_patient: UUID) -> None:
    uri = partner.push().json["request_uri"]
    for decision in ("grant", "refuse"):
        assert partner.decide(uri, real_patient, decision).status_code == 404
    moved = partner.call(
        "POST",
        f"/api/v1/sandbox/patients/{real_patient}/clock",
        partner.app_token(),
        json={"forward_seconds": 1},
    )
    assert moved.status_code == 404


@pytest.mark.parametrize(
    ("narrowing", "expected"),
    [
        ({"actions": ["read"]}, {"actions": ["read"], "periodicity": {"max": 1, "per": "day"}}),
        ({"periodicity": {"once": True}}, {"periodicity": {"once": True}, "actions": ["read", "write"]}),
        ({"data_period": {"from": "2026-06-01", "to": None}}, {"data_period": {"from": "2026-06-01", "to": None}}),
    ],
)
def test_a_decision_may_narrow_what_was_asked(
    partner: Partner, patient: UUID, narrowing: dict[str, Any], expected: dict[str, Any]
) -> None:
    uri = partner.push(authorization_details=json.dumps([DAILY])).json["request_uri"]
    decided = partner.decide(uri, patient, details=[{**WEIGHT, **narrowing}])
    assert decided.status_code == 200, decided.text
    tokens = partner.exchange(query_of(decided.json["redirect_to"])["code"]).json
    (detail,) = tokens["authorization_details"]
    assert {name: detail[name] for name in expected} == expected


@pytest.mark.parametrize(
    "wider",
    [
        {"datatypes": ["oauthtest.pain"]},
        {"purpose": "soins"},
        {"periodicity": {"continuous": True}},
        {"data_period": {"from": "2020-01-01", "to": None}},
        {"inconnu": 1},
    ],
    ids=str,
)
def test_a_decision_never_widens_what_was_asked(partner: Partner, patient: UUID, wider: dict[str, Any]) -> None:
    uri = partner.push(authorization_details=json.dumps([DAILY])).json["request_uri"]
    assert partner.decide(uri, patient, details=[{**WEIGHT, **wider}]).status_code == 422
    assert partner.decide(uri, patient).status_code == 200


def test_a_narrowing_may_name_the_data_alone(partner: Partner, patient: UUID) -> None:
    asked = [DAILY, {**DAILY, "datatypes": ["oauthtest.bmi"], "actions": ["read"]}]
    uri = partner.push(authorization_details=json.dumps(asked)).json["request_uri"]
    decided = partner.decide(uri, patient, details=[{"type": WEIGHT["type"], "datatypes": ["oauthtest.bmi"]}])
    (detail,) = partner.exchange(query_of(decided.json["redirect_to"])["code"]).json["authorization_details"]
    assert (detail["datatypes"], detail["actions"]) == (["oauthtest.bmi"], ["read"])


def test_a_request_is_decided_once_by_its_own_client(partner: Partner, other: Partner, patient: UUID) -> None:
    uri = partner.push().json["request_uri"]
    assert other.decide(uri, patient).status_code == 422
    assert partner.decide(uri, patient).status_code == 200
    assert partner.decide(uri, patient).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"request_uri": "x", "patient": "x", "decision": "grant"},
        {"request_uri": "x", "patient": "01a20046-c30d-77ec-ba61-3f8b4982f8d0", "decision": "postpone"},
        {"request_uri": "", "patient": "01a20046-c30d-77ec-ba61-3f8b4982f8d0", "decision": "grant"},
        {"request_uri": "x", "patient": "01a20046-c30d-77ec-ba61-3f8b4982f8d0", "decision": "grant", "autre": 1},
    ],
    ids=str,
)
def test_a_malformed_decision_is_a_problem(partner: Partner, body: dict[str, Any]) -> None:
    answer = partner.call("POST", "/api/v1/sandbox/decisions", partner.app_token(), json=body)
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert answer.json["errors"]


def test_a_grants_token_does_not_open_the_sandbox(partner: Partner, patient: UUID) -> None:
    token = partner.grant(patient)["access_token"]
    assert partner.call("GET", "/api/v1/sandbox/patients", token).status_code == 403
    assert partner.http.get("/api/v1/sandbox/patients").status_code == 401


def test_the_clock_goes_forward_and_back_to_real_time(partner: Partner, patient: UUID) -> None:
    path = f"/api/v1/sandbox/patients/{patient}/clock"

    def move(**body: Any) -> Any:
        return partner.call("POST", path, partner.app_token(), json=body)

    forward = move(forward_seconds=86_400)
    assert forward.status_code == 200
    instant = platform_clock.datetime.fromisoformat(forward.json["now"])
    assert timedelta(hours=23) < instant - platform_clock.now() < timedelta(hours=25)
    assert move(set=(instant - timedelta(hours=1)).isoformat()).status_code == 422
    assert move(set=(instant + timedelta(days=1)).isoformat()).status_code == 200
    assert move(reset=True).status_code == 200
    for wrong in ({}, {"reset": False}, {"forward_seconds": -1}, {"forward_seconds": 1, "reset": True}):
        assert move(**wrong).status_code == 422


def test_a_consent_ends_by_the_moved_clock_and_its_refresh_with_it(partner: Partner, patient: UUID) -> None:
    tokens = partner.grant(patient)
    partner.call(
        "POST",
        f"/api/v1/sandbox/patients/{patient}/clock",
        partner.app_token(),
        json={"forward_seconds": 370 * 86_400},
    )
    refused = partner.refresh(tokens["refresh_token"]).json
    assert (refused["error"], refused["error_description"]) == ("invalid_grant", "consent-ended")
    assert partner.call("GET", "/api/v1/consent", tokens["access_token"]).json["status"] == "expired"


def test_the_consent_says_its_dates_and_windows(partner: Partner, patient: UUID) -> None:
    tokens = partner.grant(patient, authorization_details=json.dumps([DAILY]))
    answer = partner.call("GET", "/api/v1/consent", tokens["access_token"]).json
    assert set(answer) == {"grant_id", "status", "purpose", "valid_until", "items"}
    for item in answer["items"]:
        assert item["data_period"] == {"from": "2026-01-01", "to": None}
        assert item["periodicity"] == {"max": 1, "per": "day"}
        assert (item["used"], item["remaining"]) == (0, 1)
