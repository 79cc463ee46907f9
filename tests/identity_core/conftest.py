"""The fictitious people, enrolled."""

import pytest
from flask import Flask

from identity_core.service.seeding import Seeded
from tests.recalling import recall_people


@pytest.fixture
def people(app: Flask) -> Seeded:
    """Everybody of the demonstration, as `ens demo seed` enrols them."""
    return recall_people()
