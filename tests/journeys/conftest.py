"""A partner with the published SDK, against the served application."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from flask import Flask

from consent.service import requests
from consent.workflow import Answer
from identity_core.service.seeding import Seeded, create_synthetic_patients
from oauth import service as oauth
from oauth.rules.clients import Profile
from partner_sdk import Grant, PartnerClient
from partner_sdk import Space as PartnerSpace
from platform_app import demo
from platform_core.access import Actor, ActorKind
from platform_core.database import transaction
from store.service.demo import seed_applications
from tests.recalling import recall_people, recalled

CALLBACK = "http://127.0.0.1:8001/callback"
Grants = Callable[[UUID], PartnerSpace]
OPERATOR = Actor(ActorKind.OPERATOR, None, "tests")


@dataclass(frozen=True)
class Sandbox:
    """A sandbox client, the synthetic patients it sees, and a way to be granted something by one."""

    client: PartnerClient
    patients: list[UUID]

    def grant(self, *, patient: int = 0, **asked: object) -> Grant:
        """What the patient grants when everything asked is accepted."""
        login = self.client.start_authorization(
            **{
                "datatypes": ["measures.body-weight"],
                "actions": ["read", "write"],
                "purpose": "prevention",
                "periodicity": {"max": 1, "per": "day"},
                **asked,
            }  # type: ignore[arg-type]
        )
        callback = self.client.sandbox.decide(login, str(self.patients[patient]))
        return self.client.finish_authorization(login, callback)

    def open(self, **asked: object) -> PartnerSpace:
        return self.client.open(self.grant(**asked))


def new_partner(issuer: str, **options: Any) -> PartnerClient:
    """A partner who has just got sandbox credentials; `options` are those of the SDK's client."""
    key = oauth.generate_key(Profile.FAPI2)
    with transaction():
        issued = oauth.issue_sandbox_client(
            name="Balance d’essai",
            profile=Profile.FAPI2,
            redirect_uris=[CALLBACK],
            jwk=oauth.public_half(key),
            by=OPERATOR,
        )
    return PartnerClient(issuer, client_id=issued.client_id, private_key=key, redirect_uri=CALLBACK, **options)


@pytest.fixture
def sandbox(app: Flask, live_server: str) -> Iterator[Sandbox]:
    """A partner and the synthetic patients."""
    patients = recalled("synthetic", _make_patients)
    with new_partner(live_server) as client:
        yield Sandbox(client, patients)


def _make_patients() -> list[UUID]:
    with transaction():
        return list(create_synthetic_patients())


@pytest.fixture
def people(app: Flask) -> Seeded:
    return recall_people()


@pytest.fixture
def applications(people: Seeded) -> dict[str, UUID]:
    """The application of the demonstration that these tests use, by name."""

    def play() -> dict[str, UUID]:
        with transaction():
            return dict(seed_applications(actors=demo.agents(people), names=["Balance+"]))

    return recalled(("demonstration", "Balance+", repr(people)), play)


@pytest.fixture
def omar(people: Seeded) -> Actor:
    """Who decides on the listings."""
    return demo.agents(people)["omar"]


@pytest.fixture
def grant_production(app: Flask, live_server: str, applications: dict[str, UUID]) -> Iterator[Grants]:
    """`grant_production(patient)`: the space that a real patient opens to Balance+."""
    key = oauth.generate_key(Profile.FAPI2)
    with transaction():
        issued = oauth.issue_client(
            application_id=applications["Balance+"],
            redirect_uris=[CALLBACK],
            jwk=oauth.public_half(key),
            by=OPERATOR,
        )
    options: dict[str, Any] = {"private_key": key, "redirect_uri": CALLBACK, "max_retries": 0}
    with PartnerClient(live_server, client_id=issued.client_id, **options) as partner:

        def give(patient: UUID) -> PartnerSpace:
            login = partner.start_authorization(
                datatypes=["measures.body-weight"], actions=["read", "write"], purpose="prevention"
            )
            return partner.open(partner.finish_authorization(login, answer_in_a_browser(app, login.url, patient)))

        yield give


def answer_in_a_browser(app: Flask, url: str, patient: UUID) -> str:
    """Grant what is asked; returns where the browser is sent."""
    browser = app.test_client()
    path = urlsplit(url)
    question = browser.get(f"{path.path}?{path.query}").headers["Location"]
    with transaction(patient_id=patient):
        decided = requests.decide_request(
            request_id=UUID(question.rsplit("/", 1)[1]),
            patient_id=patient,
            decision=Answer.GRANT,
            by=acting_as(patient),
        )
    return browser.get(decided.resume_path).headers["Location"]


def acting_as(patient: UUID) -> Actor:
    return Actor(ActorKind.PATIENT, patient, "Camille", assurance="eidas2")
