"""A treating doctor writes a medical summary and signs it: fit for everybody, and on a narrow screen."""

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from identity_core.service.seeding import Seeded
from tests.dmp_core.summing import fill_a_record_to_sum_up
from tests.recalling import recalled


@pytest.fixture
def people(app: Flask) -> Seeded:
    return recalled("a record to sum up", fill_a_record_to_sum_up)


def test_a_doctor_drafts_rewords_reads_again_and_signs(
    people: Seeded, new_page: Callable[..., Page], assert_accessible: Callable[..., None]
) -> None:
    office = new_page()
    office.goto("/pro")
    office.get_by_role("button", name="Se connecter").click()
    office.get_by_role("button", name="Sophie Martin").click()
    office.get_by_role("link", name="Camille Durand").click()
    office.get_by_role("link", name="Synthèse médicale", exact=True).first.click()
    expect(office.get_by_role("heading", level=2)).to_have_count(11)
    assert_accessible(office)
    office.get_by_label("Garder Lombalgie, depuis 2012").uncheck()
    office.get_by_role("textbox", name="Texte de la ligne").first.fill("Hypertension équilibrée sous ramipril")
    office.get_by_text("Ajouter ou commenter : Contexte social").click()
    office.get_by_label("Ajouter une ligne : Contexte social").fill("Travaille de nuit")
    office.get_by_role("button", name="Enregistrer Contexte social").click()
    expect(office.get_by_role("textbox", name="Votre ligne")).to_have_value("Travaille de nuit")
    office.get_by_role("button", name="Relire et signer").click()
    expect(office.get_by_role("cell", name="Hypertension équilibrée sous ramipril")).to_be_visible()
    office.get_by_role("button", name="Confirmer").click()
    assert_accessible(office, status=422)
    office.get_by_label("Lieu d’exercice").select_option("Cabinet individuel")
    office.get_by_role("button", name="Confirmer").click()
    expect(office.get_by_text("La synthèse est signée")).to_be_visible()
