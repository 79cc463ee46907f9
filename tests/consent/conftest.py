"""A patient of one's own for each test, and consents given without a screen."""

from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from flask import Flask

from consent.service.granting import Terms, grant
from platform_core.access import Actor, ActorKind
from platform_core.categories import Category, Family, SmartScope, registry
from platform_core.database import transaction
from platform_core.ids import uuid7
from platform_core.permission import PermissionItem, Purpose
from tests.consent.builders import PRESSURE, READ, WEIGHT, WRITE, permission

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
