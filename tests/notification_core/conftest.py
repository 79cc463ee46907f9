"""Everybody of the demonstration, and no e-mail yet."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from identity_core.rules import RepresentationKind
from identity_core.service.representations import add_representation
from identity_core.service.seeding import Seeded
from notification_core.models import Email
from platform_core import clock
from platform_core.access import SYSTEM
from platform_core.database import transaction
from platform_core.outbox import OutboxMessage
from tests.recalling import recall_people


@pytest.fixture
def people(app: Flask) -> Seeded:
    seeded = recall_people()
    with transaction() as session:
        session.execute(sa.delete(Email))
        session.execute(sa.delete(OutboxMessage))
    return seeded


@pytest.fixture
def second_parent(people: Seeded) -> UUID:
    """Dominique is made the other parent of lea."""
    with transaction():
        add_representation(
            patient_id=people.patients["lea"],
            person_id=people.persons["dominique"],
            kind=RepresentationKind.PARENTAL_AUTHORITY,
            valid_from=clock.today(),
            by=SYSTEM,
        )
    return people.persons["dominique"]
