"""One person goes round the rest of their record in a browser: vaccinations, reimbursements, profile, copy."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from dmp_core.rules.entries.kinds import REIMBURSEMENTS
from dmp_core.service.drafts import Author
from dmp_core.service.entries.storing import judge, store
from platform_core import clock
from platform_core.database import transaction
from tests.dmp_core.test_reimbursements import explanation
from tests.recalling import recall_people


@pytest.fixture
def camille(app: Flask) -> UUID:
    """Camille, with reimbursements of the last months."""
    patient = recall_people().patients["camille"]
    today, kinds = clock.today(), ("medication", "care", "biology", "imaging")
    resources = [
        explanation(patient, today - timedelta(days=9 * n), f"Soin {n}", kinds[n % 4], Decimal(n) + Decimal("0.90"))
        for n in range(30)
    ]
    with transaction(patient_id=patient):
        drafts = [judge(REIMBURSEMENTS, one, str(patient)) for one in resources]
        store(drafts, Author(patient, str(patient), None, "Assurance maladie", "urn:assurance"))
    return patient


@pytest.mark.browser
def test_a_person_goes_round_their_record(page: Page, camille: UUID, assert_accessible: Callable[..., None]) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto("/espace/dossier")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.wait_for_url("**/espace/dossier")
    assert_accessible(page)

    page.get_by_role("link", name="Vaccinations", exact=True).click()
    page.get_by_role("link", name="Ajouter une vaccination").click()
    page.get_by_role("button", name="Ajouter la vaccination").click()
    assert_accessible(page, status=422)
    page.get_by_label("Vaccin contre").select_option("J07CA02")
    page.get_by_label("Jour de l’injection").fill("2025-03-20")
    page.get_by_label("Nom du vaccin").fill("Repevax")
    page.get_by_role("button", name="Ajouter la vaccination").click()
    expect(page.get_by_text("Saisi par Camille Durand")).to_be_visible()
    assert_accessible(page)

    page.goto("/espace/dossier/remboursements")
    expect(page.get_by_role("img", name="Soins remboursés par mois")).to_be_visible()
    assert_accessible(page)

    page.goto("/espace/dossier/profil")
    page.get_by_role("link", name="Remplir le profil").click()
    assert_accessible(page)
    page.get_by_role("button", name="Je n’en ai pas").click()
    page.wait_for_url("**/profil/maladies")
    page.get_by_label("Quelle maladie").fill("Asthme")
    page.get_by_role("button", name="Ajouter").click()
    assert_accessible(page, status=422)
    page.get_by_label("Encore aujourd’hui").check()
    page.get_by_role("button", name="Ajouter").click()
    expect(page.get_by_text("Asthme (encore aujourd’hui)")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Revenir au profil").click()
    assert_accessible(page)
    page.get_by_role("link", name="Version à imprimer").click()
    expect(page.get_by_text("Aucune allergie connue")).to_be_visible()
    assert_accessible(page)

    page.goto("/espace/dossier/copie")
    page.get_by_role("button", name="Préparer une copie").click()
    expect(page.get_by_text("La copie se prépare")).to_be_visible()
    assert_accessible(page)
