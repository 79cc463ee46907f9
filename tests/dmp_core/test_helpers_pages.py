"""The pages of a record to a helper: what the mandate leaves out is neither shown nor linked to."""

from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient

from identity_core.models import RepresentationKind
from identity_core.rules import Mandate, Power
from identity_core.service import representations
from platform_core import clock
from platform_core.access import SYSTEM
from platform_core.categories import registry
from platform_core.database import transaction
from tests.recalling import recall_people
from tests.signing_in import sign_in_citizen


def help_dominique(client: FlaskClient, left_out: frozenset[str]) -> None:
    """Camille helps Dominique with the record, but for some families of data, and turns to that record."""
    people = recall_people()
    patient_id, until = people.patients["dominique"], date(2027, 11, 21)
    with transaction(patient_id=patient_id):
        representations.add_representation(
            patient_id=patient_id,
            person_id=people.persons["camille"],
            kind=RepresentationKind.MANDATE,
            valid_from=clock.today(),
            valid_until=until,
            limits=Mandate(frozenset({Power.RECORD}), left_out, until),
            by=SYSTEM,
        )
    sign_in_citizen(
        client, person_id=people.persons["camille"], patient_id=people.patients["camille"], acting_for=patient_id
    )


@pytest.mark.parametrize(
    ("left_out", "shown", "hidden"),
    [
        ("", ["Documents</h2>", "Mesures de santé", "Vaccinations", "/espace/recherche"], ["Rien à montrer"]),
        ("measures", ["Documents</h2>", "Vaccinations"], ["Mesures de santé", "/espace/recherche"]),
        ("documents", ["Mesures de santé", "Vaccinations"], ["Documents</h2>", "/espace/recherche"]),
        ("vaccinations", ["Documents</h2>", "Mesures de santé"], ["Vaccinations", "/espace/recherche"]),
    ],
)
def test_the_record_and_the_menu_show_a_helper_what_the_mandate_leaves(
    app: Flask, client: FlaskClient, left_out: str, shown: list[str], hidden: list[str]
) -> None:
    help_dominique(client, frozenset({left_out} - {""}))
    page = client.get("/espace/dossier")
    assert page.status_code == 200
    assert [text for text in shown if text not in page.text] == []
    assert [text for text in hidden if text in page.text] == []


def test_a_mandate_that_leaves_everything_out_says_so(app: Flask, client: FlaskClient) -> None:
    help_dominique(client, frozenset(family.code for family in registry.families()))
    page = client.get("/espace/dossier").text
    assert "Le mandat d’aidant laisse de côté tout ce que contient ce dossier." in page
    assert "/espace/recherche" not in page
