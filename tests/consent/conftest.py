"""A patient of one's own for each test, and consents given without a screen."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
from flask import Flask

from consent.rules.calendar import months_after
from consent.service import requests
from consent.service.granting import Terms, grant
from identity_core import queries as identity
from identity_core.service.seeding import Seeded
from platform_core import clock
from platform_core.access import Actor, ActorKind, DatePeriod
from platform_core.categories import Category, Family, SmartScope, registry
from platform_core.database import transaction
from platform_core.ids import uuid7
from platform_core.permission import PermissionItem, Purpose
from store.queries.listings import find_listing
from store.service.demo import seed_applications
from tests.consent.builders import PRESSURE, READ, WEIGHT, WRITE, permission
from tests.recalling import recall_people, recalled

CAMILLE = Actor(ActorKind.PATIENT, uuid7(), "Camille Démo", assurance="eidas2")


@pytest.fixture(autouse=True)
def categories() -> None:
    """The categories that these tests name exist, whatever the data cores declare."""
    missing = [code for code in (WEIGHT, PRESSURE) if registry.find(code) is None]
    both = frozenset({READ, WRITE})
    registry.register(
        Family("measures", "Mesures", "Measures"),
        [Category(code, code, code, code, code, both, SmartScope("Observation")) for code in missing],
    )


@pytest.fixture
def patient_id() -> UUID:
    return uuid7()


@pytest.fixture
def grant_consent(app: Flask, patient_id: UUID) -> Callable[..., UUID]:
    """`grant_consent(item, …)` gives a consent to an app of its own, and returns its id."""

    def give(
        *items: PermissionItem,
        patient_id: UUID = patient_id,
        app_id: UUID | None = None,
        client_pk: UUID | None = None,
        valid_until: date = date(2027, 5, 21),
        environment: str = "sandbox",
        by: Actor = CAMILLE,
    ) -> UUID:
        own = app_id or uuid7()
        terms = Terms(
            own,
            client_pk or own,
            environment,
            "Balance+",
            "Pesée Claire",
            Purpose.PREVENTION,
            items or (permission(),),
            valid_until,
            {},
        )
        with transaction(patient_id=patient_id):
            return grant(patient_id=patient_id, terms=terms, by=by).id

    return give


@pytest.fixture
def people(app: Flask) -> Seeded:
    """Everybody of the demonstration."""
    return recall_people()


@pytest.fixture
def agents(people: Seeded) -> dict[str, Actor]:
    """The agents of the demonstration, as actors of their organisations."""
    with transaction():
        return {key: _agent(agent_id, key) for key, agent_id in people.agents.items()}


def _agent(agent_id: UUID, name: str) -> Actor:
    (membership, *_) = identity.list_memberships(agent_id)
    return Actor(ActorKind.AGENT, agent_id, name, organisation_id=membership.organisation_id, roles=membership.roles)


@pytest.fixture
def applications(agents: dict[str, Actor]) -> dict[str, UUID]:
    """The applications of the demonstration that these tests use, by name."""
    names = ("Balance+", "Portail CHU")

    def play() -> dict[str, UUID]:
        with transaction():
            return dict(seed_applications(actors=agents, names=names))

    return recalled(("demonstration", names, repr(agents)), play)


@pytest.fixture
def ask(applications: dict[str, UUID]) -> Callable[..., UUID]:
    """`ask(browser_key=…)`: Balance+ puts a question, as the authorization endpoint does; gives the request's id."""

    def open_one(
        *items: PermissionItem,
        browser_key: str = "browser",
        valid_until: date | None = None,
        grant_id: UUID | None = None,
        merges: bool = False,
        replaces: UUID | None = None,
    ) -> UUID:
        application_id = applications["Balance+"]
        with transaction():
            listing = find_listing(application_id)
            assert listing is not None
            facts = requests.AppFacts(
                application_id, application_id, "production", listing.name, listing.publisher_name, application_id
            )
            return requests.open_request(
                app=facts,
                items=items or asked(),
                ceiling=listing.ceiling,
                purpose=Purpose.PREVENTION,
                valid_until=valid_until or months_after(clock.today(), 6),
                resume_path="/oauth/authorize/resume/x",
                browser_key=browser_key,
                grant_id=grant_id,
                merges=merges,
                replaces=replaces,
                by=Actor(ActorKind.APPLICATION, application_id, listing.name),
            )

    return open_one


def asked() -> tuple[PermissionItem, ...]:
    """What Balance+ asks in these tests: weight to read and to add, blood pressure to read, once a day."""
    year = DatePeriod(clock.today() - timedelta(days=300))
    return (
        permission(WEIGHT, READ, data=year),
        permission(WEIGHT, WRITE, data=year),
        permission(PRESSURE, READ, data=year),
    )


@pytest.fixture
def camille(people: Seeded) -> UUID:
    return people.patients["camille"]
