"""Categories to ask for, patients to answer, partners that ask."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from oauth.rules.clients import Profile
from platform_core.access import Access
from platform_core.categories import Category, Family, SmartScope, registry
from platform_core.ids import uuid7
from tests.oauth.partner import Partner, sandbox_client
from tests.store.conftest import categories as store_categories
from tests.store.conftest import people

__all__ = ["people", "store_categories"]

BOTH, READ = frozenset(Access), frozenset({Access.READ})


@pytest.fixture(scope="session", autouse=True)
def categories() -> None:
    """Three categories; the second cannot be written. All three are asked at once by `?category=oauth-test`."""
    kinds = {
        "weight": (BOTH, SmartScope("OauthTest", "code=http://loinc.org|29463-7")),
        "bmi": (READ, SmartScope("OauthTest", "code=http://loinc.org|39156-5")),
        "pain": (BOTH, SmartScope("OauthTest", "code=http://loinc.org|72514-3", write="cu")),
    }
    declared = [
        Category(f"oauthtest.{kind}", kind, f"{kind}.", kind, f"{kind}.", accesses, smart)
        for kind, (accesses, smart) in kinds.items()
    ]
    registry.register(Family("oauthtest", "Essai", "Test", "OauthTest", "category=oauth-test"), declared)


def insert_patient(owner: sa.Engine, name: str, *, synthetic: bool) -> UUID:
    patient_id = uuid7()
    values = {
        "id": patient_id,
        "birth_family_name": name,
        "birth_given_names": "Camille Anne",
        "birth_date": date(1987, 4, 2),
        "sex": "female",
        "birth_place": "44109",
        "identity_status": "QUAL",
        "synthetic": synthetic,
        "space_state": "open",
        "state_changed_at": datetime.now(UTC),
        "created_at": datetime.now(UTC),
    }
    columns = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    with owner.begin() as connection:
        connection.execute(sa.text(f"INSERT INTO identity_patient ({columns}) VALUES ({places})"), values)
    return patient_id


@pytest.fixture
def patient(app: Flask, owner: sa.Engine) -> UUID:
    """A synthetic patient."""
    return insert_patient(owner, "Fictive", synthetic=True)


@pytest.fixture
def real_patient(app: Flask, owner: sa.Engine) -> UUID:
    """A patient who is not synthetic."""
    return insert_patient(owner, "Réelle", synthetic=False)


@pytest.fixture
def partner(app: Flask) -> Partner:
    """A confidential client of the profile fapi2."""
    return Partner(app, sandbox_client())


@pytest.fixture
def other(app: Flask) -> Partner:
    """Another one, of somebody else."""
    return Partner(app, sandbox_client(callback="https://autre.exemple.fr/retour"))


@pytest.fixture
def smart(app: Flask) -> Partner:
    """A confidential client of the profile smart."""
    return Partner(app, sandbox_client(Profile.SMART))


@pytest.fixture
def public(app: Flask) -> Partner:
    """A public client of the profile smart."""
    return Partner(app, sandbox_client(Profile.SMART, public=True))
