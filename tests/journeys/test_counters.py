"""How much of a periodicity is used: the app hears it on each answer, served or not; the patient reads the same."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from joserfc.jwk import ECKey

from consent.workflow import Answer
from identity_core.service.seeding import Seeded
from oauth import service as oauth
from oauth.rules.clients import Profile
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from tests.journeys.conftest import CALLBACK, OPERATOR
from tests.oauth.partner import Credentials, Partner, answer_as, open_in, query_of
from tests.signing_in import sign_in_citizen

TWICE_A_DAY = {
    "type": "urn:ens:health-data",
    "datatypes": ["measures.body-weight"],
    "actions": ["read"],
    "purpose": "prevention",
    "periodicity": {"max": 2, "per": "day"},
}


@pytest.fixture
def partner(app: Flask, clock: FrozenClock, applications: dict[str, UUID]) -> Partner:
    private = oauth.generate_key(Profile.FAPI2)
    with transaction():
        client = oauth.issue_client(
            application_id=applications["Balance+"],
            redirect_uris=[CALLBACK],
            jwk=oauth.public_half(private),
            by=OPERATOR,
        )
    return Partner(app, Credentials(client, ECKey.import_key(private)))


def test_the_app_and_the_patient_read_the_same_count(
    app: Flask, partner: Partner, people: Seeded, clock: FrozenClock
) -> None:
    camille = people.patients["camille"]
    browser = app.test_client()
    question = open_in(browser, partner, authorization_details=json.dumps([TWICE_A_DAY]))
    answered = browser.get(answer_as(camille, question, Answer.GRANT)).headers["Location"]
    tokens = partner.exchange(query_of(answered)["code"]).json
    to_midnight = timedelta(hours=14)

    def synchronise() -> tuple[int, str | None, str | None]:
        fresh = partner.refresh(tokens["refresh_token"]).json["access_token"]
        answer = partner.call("GET", "/fhir/Observation", fresh, query_string={"code": "29463-7"})
        return answer.status_code, answer.headers.get("ENS-Sync-Remaining"), answer.headers.get("ENS-Sync-Reset")

    def told() -> tuple[Any, ...]:
        fresh = partner.refresh(tokens["refresh_token"]).json["access_token"]
        (item,) = partner.call("GET", "/api/v1/consent", fresh).json["items"]
        return item["used"], item["remaining"], item["next_window_at"]

    def read() -> set[bool]:
        sign_in_citizen(browser, person_id=people.persons["camille"], patient_id=camille)
        pages = (
            browser.get(f"/espace/applications{rest}").text.replace("\xa0", " ").replace("\u202f", " ")
            for rest in ("", f"/{tokens['grant_id']}")
        )
        return {words in page for page in pages}

    assert told() == (0, 2, "2026-11-21T09:00:00+00:00")
    assert synchronise() == (200, "1", str(int(to_midnight.total_seconds())))
    words = "1 sur 2 aujourd’hui, prochaine à 10 h 15"
    assert (told()[:2], read()) == ((1, 1), {True})
    clock.move(minutes=15)
    left = str(int((to_midnight - timedelta(minutes=15)).total_seconds()))
    assert synchronise() == (200, "0", left)
    assert synchronise() == (200, "0", left), "the window is open"
    clock.move(minutes=15)
    left = str(int((to_midnight - timedelta(minutes=30)).total_seconds()))
    assert synchronise() == (429, "0", left)
    words = "2 sur 2 aujourd’hui, prochaine le 22 novembre 2026 à 0 h 00"
    assert (told(), read()) == ((2, 0, "2026-11-21T23:00:00+00:00"), {True})
