"""A space closed in a browser, its destruction asked for after proving anew who one is, then called off."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from identity_core.service.seeding import Seeded
from tests.identity_core.test_representation_in_a_browser import sign_in

pytestmark = pytest.mark.browser


def test_dominique_closes_the_space_asks_for_its_destruction_and_changes_their_mind(
    people: Seeded, page: Page, assert_accessible: Callable[..., None]
) -> None:
    sign_in(page, "/espace/fermeture", "Dominique Petit")
    expect(page.get_by_role("heading", name="Fermer l’espace de Dominique Petit")).to_be_visible()
    expect(page.get_by_role("link", name="Préparer une copie du dossier")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Fermer l’espace").click()
    expect(page.get_by_text("L’espace a été fermé à votre demande")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Demander la destruction").click()
    expect(page.get_by_text("Personne ne pourra rien retrouver")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Confirmer mon identité").click()
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Dominique Petit").click()
    page.get_by_role("button", name="Demander la destruction").click()
    expect(page.get_by_text("Cochez la case si vous avez compris")).to_be_visible()
    assert_accessible(page, status=422)
    page.get_by_label("J’ai compris que rien ne pourra être retrouvé").check()
    page.get_by_role("button", name="Demander la destruction").click()
    expect(page.get_by_text("Tout sera détruit à partir du")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Annuler la destruction").click()
    expect(page.get_by_text("La destruction est annulée")).to_be_visible()
