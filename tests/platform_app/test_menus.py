"""Menus: everybody is shown what they may open, and nothing else."""

import re
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from identity_core.rules import Role
from identity_core.service import organisations, people
from identity_core.service.seeding import Seeded
from platform_core.access import SYSTEM
from platform_core.database import transaction
from platform_core.health_identity import Siren
from tests.recalling import recall_people
from tests.signing_in import sign_in_agent, sign_in_citizen, sign_in_professional

_MENU = re.compile(r'<details class="ens-menu">.*?</nav>', re.DOTALL)
_LINK = re.compile(r'<a href="([^"]+)"[^>]*>([^<]+)</a>')


@pytest.fixture
def everybody(app: Flask) -> Seeded:
    return recall_people()


def menu_of(client: FlaskClient, home: str) -> dict[str, str]:
    """The addresses of the menu on that page, by label; each is opened."""
    found = _MENU.search(client.get(home).text)
    assert found
    entries = {label: href for href, label in _LINK.findall(found[0])}
    opened = {label: client.get(href).status_code for label, href in entries.items()}
    assert opened == dict.fromkeys(entries, 200)
    return entries


def enrol(*roles: Role) -> UUID:
    """An agent of an organisation of their own, with these roles."""
    with transaction():
        agent = people.register_agent(
            issuer="https://agents.exemple.fr", subject="menu", family_name="Essai", given_name="Zoé", email=None
        )
        organisation_id = organisations.register_organisation(name="Essai", siren=Siren("900000043"), by=SYSTEM)
        for role in roles:
            organisations.add_member(organisation_id=organisation_id, agent_id=agent.id, role=role, by=SYSTEM)
    return agent.id


@pytest.mark.parametrize(
    ("role", "home", "shown", "hidden"),
    [
        (Role.PUBLISHER, "/editeur", {"Mes applications", "Preuves", "Membres", "Jetons"}, set()),
        (Role.VIEWER, "/editeur", {"Mes applications", "Preuves"}, set()),
        (Role.REVIEWER, "/instruction", {"Dossiers", "Commission", "Signalements", "Effets des décisions"}, set()),
        (Role.DECIDER, "/instruction", {"Dossiers", "Signalements", "Effets des décisions"}, set()),
        (Role.COMMISSION, "/instruction", {"Dossiers", "Commission"}, {"Signalements", "Effets des décisions"}),
    ],
)
def test_the_menu_of_an_agent_holds_what_their_role_may_open(
    client: FlaskClient, role: Role, home: str, shown: set[str], hidden: set[str]
) -> None:
    sign_in_agent(client, agent_id=enrol(role))
    entries = menu_of(client, home)
    assert entries.keys() >= shown and entries.keys().isdisjoint(hidden)


def test_every_link_of_the_other_menus_opens(client: FlaskClient, everybody: Seeded) -> None:
    assert menu_of(client, "/").keys() >= {"Catalogue", "Référencement"}
    sign_in_citizen(client, person_id=everybody.persons["camille"], patient_id=everybody.patients["camille"])
    assert "Catalogue" in menu_of(client, "/espace")
    sign_in_professional(client, professional_id=everybody.professionals["dr-martin"])
    assert menu_of(client, "/pro")
