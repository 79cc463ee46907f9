"""The fictitious people, enrolled."""

import pytest
from flask import Flask

from identity_core.gateway import openid
from identity_core.service.seeding import Seeded, seed_people
from platform_app.simulated.people import load_people
from platform_core.database import transaction


@pytest.fixture
def people(app: Flask) -> Seeded:
    """Everybody of the demonstration, as `ens demo seed` enrols them."""
    with transaction():
        return seed_people(load_people(), issuer=openid.provider("citizen").issuer_key)
