"""The story of a mandate told in a browser: proposed, accepted, confirmed, used within its limits, laid down."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from identity_core.service.seeding import Seeded

pytestmark = pytest.mark.browser


def sign_in(page: Page, path: str, name: str) -> None:
    page.goto(path)
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name=name).click()


def test_dominique_entrusts_camille_who_helps_within_the_limits_and_lays_it_down(
    people: Seeded, new_page: Callable[[], Page], assert_accessible: Callable[..., None]
) -> None:
    dominique, camille = new_page(), new_page()
    sign_in(dominique, "/espace/parametres/aidants", "Dominique Petit")
    expect(dominique.get_by_role("heading", name="Paul Garnier")).to_be_visible()
    assert_accessible(dominique)
    dominique.get_by_role("link", name="Inviter un aidant").click()
    assert dominique.locator("input:checked").count() == 0
    dominique.get_by_role("button", name="Envoyer l’invitation").click()
    expect(dominique.get_by_role("alert")).to_contain_text("Cochez au moins un droit")
    assert_accessible(dominique, status=422)
    dominique.get_by_label("Adresse électronique de l’aidant").fill("camille@exemple.invalid")
    dominique.get_by_label("Consulter le dossier").check()
    dominique.get_by_role("button", name="Envoyer l’invitation").click()
    expect(dominique.get_by_text("Invitation envoyée", exact=True)).to_be_visible()

    sign_in(camille, "/espace/agir-pour", "Camille Durand")
    expect(camille.get_by_text("Dominique Petit vous propose de l’aider")).to_be_visible()
    assert_accessible(camille)
    camille.get_by_role("button", name="Accepter").click()
    expect(camille.get_by_text("Dominique Petit doit encore confirmer")).to_be_visible()

    dominique.reload()
    expect(dominique.get_by_text("Camille Durand a accepté")).to_be_visible()
    assert_accessible(dominique)
    dominique.get_by_role("button", name="Confirmer").click()
    expect(dominique.get_by_text("Le mandat est en vigueur")).to_be_visible()

    camille.goto("/espace")
    expect(camille.get_by_role("banner")).to_contain_text("Vous consultez votre propre espace")
    camille.get_by_role("link", name="Changer de personne").click()
    camille.get_by_label("Dominique Petit").check()
    camille.get_by_role("button", name="Continuer").click()
    expect(camille.get_by_role("banner")).to_contain_text("Vous agissez pour Dominique Petit, que vous aidez")
    expect(camille.get_by_role("heading", name="Votre mandat d’aidant")).to_be_visible()
    menu = camille.get_by_role("navigation", name="Menu principal")
    assert menu.inner_text().split("\n") == ["Accueil", "Mon dossier", "Recherche"]
    assert_accessible(camille)
    camille.goto("/espace/parametres")
    expect(camille.get_by_role("heading", name="Votre mandat ne va pas jusque-là")).to_be_visible()
    assert_accessible(camille, status=403)
    camille.get_by_role("main").get_by_role("link", name="Changer de personne").click()
    camille.get_by_role("button", name="Mettre fin au mandat").click()
    expect(camille.get_by_role("banner")).to_contain_text("Vous consultez votre propre espace")

    dominique.goto("/espace/parametres/aidants")
    dominique.get_by_text("Qui a agi auparavant").click()
    expect(dominique.get_by_text("Camille Durand, mandat d’aidant")).to_be_visible()
    dominique.goto("/espace/notifications")
    expect(dominique.get_by_role("heading", name="Une personne n’agit plus dans cet espace")).to_be_visible()
