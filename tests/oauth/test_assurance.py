"""Sensitive categories ask for a strong and recent proof of identity, and say so to the app (RFC 9470)."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from consent.workflow import Answer
from oauth.rules import assurance
from platform_core.categories import registry
from platform_core.clock import FrozenClock
from platform_core.database import run, transaction
from tests.oauth.partner import WEIGHT, Partner, answer_as, query_of
from tests.oauth.test_demands import PERSON, open_request, path_back, sign_in

DETAILS = json.dumps([{**WEIGHT, "datatypes": ["measures.body-weight", "measures.steps"]}])
WEIGHTS = {"code": "http://loinc.org|29463-7"}
STEPS = {"code": "http://loinc.org|41950-7"}


@pytest.fixture(autouse=True)
def sensitive_weight(application: Flask) -> Iterator[None]:
    """The weight, as if it were sensitive."""
    usual = registry.get("measures.body-weight")
    family = next(family for family in registry.families() if family.code == usual.family)
    registry.register(family, [replace(usual, sensitive=True)])
    yield
    registry.register(family, [usual])


def search(partner: Partner, token: str, query: dict[str, str]) -> tuple[int, dict[str, str], str]:
    """The status of a search, the parameters of its challenge, and the code of its outcome."""
    answer = partner.call("GET", "/fhir/Observation", token, query_string=query)
    challenge = dict(re.findall(r'(\w+)="([^"]*)"', answer.headers.get("WWW-Authenticate", "")))
    outcome = answer.json["issue"][0]["details"]["coding"][0]["code"] if answer.status_code != 200 else ""
    return answer.status_code, challenge, outcome


@pytest.mark.requirement("RFC9470", "A16")
@pytest.mark.parametrize("profile", ["partner", "smart"])
def test_a_token_too_weak_is_told_what_to_ask_and_what_it_then_asks_gives_a_token_that_passes(
    request: pytest.FixtureRequest, owner: sa.Engine, patient: UUID, profile: str
) -> None:
    partner: Partner = request.getfixturevalue(profile)
    asked = {"authorization_details": DETAILS}
    weak = partner.grant(patient, **asked)["access_token"]
    assert search(partner, weak, STEPS)[0] == 200
    status, challenge, outcome = search(partner, weak, WEIGHTS)
    assert (status, outcome) == (401, "insufficient-user-authentication")
    assert challenge["error"] == "insufficient_user_authentication"
    assert (challenge["acr_values"], challenge["max_age"]) == ("eidas3", str(90 * 24 * 3600))
    told = {name: challenge[name] for name in ("acr_values", "max_age")}
    strong = partner.grant(patient, **asked, **told)
    assert search(partner, strong["access_token"], WEIGHTS)[0] == 200
    described = partner.post("/oauth/introspect", {"token": strong["access_token"]}).json
    assert described["acr"] == "eidas3" and described["auth_time"] <= described["iat"]
    with owner.connect() as connection:
        lines = connection.execute(sa.text("SELECT outcome, code FROM core_journal ORDER BY id")).all()
    assert ("refused", "insufficient-user-authentication") in [tuple(line) for line in lines]


@pytest.mark.requirement("RFC9470")
def test_the_challenge_has_the_scheme_of_the_token(partner: Partner, smart: Partner, patient: UUID) -> None:
    for app, scheme in ((partner, "DPoP"), (smart, "Bearer")):
        token = app.grant(patient, authorization_details=DETAILS)["access_token"]
        refused = app.call("GET", "/fhir/Observation", token, query_string=WEIGHTS)
        assert refused.headers["WWW-Authenticate"].startswith(f"{scheme} error=")


@pytest.mark.requirement("RFC9470")
def test_what_the_consent_does_not_cover_asks_for_no_proof(partner: Partner, patient: UUID) -> None:
    token = partner.grant(patient)["access_token"]
    assert search(partner, token, WEIGHTS)[2] == "consent-not-given"


@pytest.mark.requirement("RFC9470")
def test_a_refused_call_opens_no_window(partner: Partner, patient: UUID) -> None:
    once = json.dumps([{**json.loads(DETAILS)[0], "actions": ["read"], "periodicity": {"max": 1, "per": "day"}}])
    token = partner.grant(patient, authorization_details=once)["access_token"]
    assert search(partner, token, WEIGHTS)[0] == 401
    with transaction(patient_id=patient):
        assert run("SELECT category FROM consent_usage", {}) == []


@pytest.mark.requirement("RFC9470")
def test_refreshing_renews_no_proof(partner: Partner, patient: UUID, clock: FrozenClock) -> None:
    granted = partner.grant(patient, authorization_details=DETAILS, acr_values="eidas3")
    clock.move(days=89, hours=23)
    younger = partner.refresh(granted["refresh_token"]).json["access_token"]
    assert search(partner, younger, WEIGHTS)[0] == 200
    clock.move(hours=1)
    older = partner.refresh(granted["refresh_token"]).json["access_token"]
    assert search(partner, older, WEIGHTS)[1]["error"] == "insufficient_user_authentication"
    assert search(partner, older, STEPS)[0] == 200


@pytest.mark.requirement("RFC9470", "A16")
def test_the_person_steps_up_and_the_token_of_that_very_sign_in_passes(
    client: FlaskClient, partner: Partner, patient: UUID, clock: FrozenClock
) -> None:
    sign_in(client, patient)
    clock.move(seconds=60)
    demand = {"acr_values": "eidas3", "max_age": "7776000"}
    address = open_request(client, partner, authorization_details=DETAILS, **demand)
    back = path_back(address)
    assert query_of(address)["niveau"] == "eidas3"
    assert client.get(back).headers["Location"].startswith("/connexion?")
    sign_in(client, patient, "eidas3")
    request_id = UUID(client.get(back).headers["Location"].rsplit("/", 1)[1])
    resumed = client.get(answer_as(patient, request_id, Answer.GRANT, person_id=PERSON, acr="eidas3"))
    token = partner.exchange(query_of(resumed.headers["Location"])["code"]).json["access_token"]
    assert search(partner, token, WEIGHTS)[0] == 200


@pytest.mark.parametrize(
    ("acr", "days", "enough"),
    [("eidas3", 0, True), ("eidas3", 89, True), ("eidas3", 90, False), ("eidas2", 0, False), ("", 0, False)],
)
def test_a_proof_is_strong_and_recent_or_it_is_not_enough(
    acr: str, days: int, enough: bool, clock: FrozenClock
) -> None:
    proven_at: datetime = clock.instant - timedelta(days=days)
    assert assurance.is_sure(acr=acr, proven_at=proven_at, now=clock.instant) is enough
    assert not assurance.is_sure(acr=acr, proven_at=None, now=clock.instant)
