"""The world that the fuzzing tests share: each of them leaves the database as it found it."""

from collections.abc import Iterator
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from identity_core.service.seeding import Seeded
from oauth import service as oauth
from oauth.rules.clients import Profile
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from tests.fuzz.verdicts import Books
from tests.fuzz.world import Ledger, World
from tests.journeys.conftest import CALLBACK, OPERATOR, applications, people

__all__ = ["applications", "people"]


@pytest.fixture
def world(
    app: Flask, clock: FrozenClock, owner: sa.Engine, people: Seeded, applications: dict[str, UUID]
) -> Iterator[World]:
    """Balance+, which is listed, holds a token of Camille and one of Dominique; Paul paused what he granted it."""
    key = oauth.public_half(oauth.generate_key(Profile.FAPI2))
    application_id = applications["Balance+"]
    with transaction():
        client = oauth.issue_client(application_id=application_id, redirect_uris=[CALLBACK], jwk=key, by=OPERATOR)
    ledger, patients = Ledger(owner), people.patients
    me, other, third = (patients[name] for name in ("camille", "dominique", "paul"))
    yield World(app, ledger, clock, application_id, client.pk, me, other, third)
    ledger.close()


@pytest.fixture
def books(world: World) -> Books:
    """What the platform keeps, held against what it says."""
    return Books(world)
