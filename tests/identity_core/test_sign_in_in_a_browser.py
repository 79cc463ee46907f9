"""Signing in for real: the page, the simulated provider, the way back, signing out."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from identity_core.service.seeding import Seeded

pytestmark = pytest.mark.browser


def sign_in(page: Page, path: str, name: str) -> None:
    page.goto(path)
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name=name).click()


@pytest.mark.parametrize(
    ("path", "name", "home"),
    [
        ("/connexion", "Camille Durand", "/espace"),
        ("/connexion/pro", "Sophie Martin", "/pro"),
        ("/connexion/editeur", "Alice Roche", "/editeur"),
        ("/connexion/instruction", "Inès Faure", "/instruction"),
    ],
)
def test_each_area_signs_in_through_its_provider(
    page: Page, people: Seeded, assert_accessible: Callable[..., None], path: str, name: str, home: str
) -> None:
    page.goto(path)
    assert_accessible(page)
    page.get_by_role("button", name="Se connecter").click()
    assert_accessible(page)
    page.get_by_role("button", name=name).click()
    page.wait_for_url(f"**{home}")
    assert_accessible(page)
    expect(page.get_by_role("banner")).to_contain_text(name)
    page.get_by_role("button", name="Se déconnecter").click()
    page.wait_for_url("**/deconnexion/faite")
    assert_accessible(page)
    page.goto(home)
    expect(page.get_by_role("button", name="Se connecter")).to_be_visible()


def test_a_page_asked_before_signing_in_is_reached_after(page: Page, people: Seeded) -> None:
    sign_in(page, "/espace/notifications?page=1", "Camille Durand")
    page.wait_for_url("**/espace/notifications?page=1")
    expect(page.get_by_role("heading", name="Bienvenue dans votre espace")).to_be_visible()


def test_declining_at_the_provider_signs_nobody_in_and_offers_to_try_again(
    page: Page, people: Seeded, assert_accessible: Callable[..., None]
) -> None:
    sign_in(page, "/espace/notifications", "Annuler")
    expect(page.get_by_role("heading", name="La connexion n’a pas abouti")).to_be_visible()
    assert_accessible(page, status=403)
    page.get_by_role("link", name="Réessayer").click()
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.wait_for_url("**/espace/notifications")


def test_ruth_who_opposed_may_change_her_mind(
    page: Page, people: Seeded, assert_accessible: Callable[..., None]
) -> None:
    sign_in(page, "/connexion", "Ruth Lambert-Weiss")
    expect(page.get_by_role("heading", name="n’est pas ouvert")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Ouvrir l’espace finalement").click()
    page.wait_for_url("**/espace")


def test_paul_opens_his_space_by_himself(page: Page, people: Seeded, assert_accessible: Callable[..., None]) -> None:
    sign_in(page, "/connexion", "Paul Garnier")
    assert_accessible(page)
    page.get_by_role("button", name="Ouvrir l’espace").click()
    page.wait_for_url("**/espace")
    page.goto("/espace/parametres")
    assert_accessible(page)
    expect(page.get_by_text("Qualifiée")).to_be_visible()


def test_camille_acts_for_her_child(page: Page, people: Seeded, assert_accessible: Callable[..., None]) -> None:
    sign_in(page, "/espace/agir-pour", "Camille Durand")
    assert_accessible(page)
    page.get_by_label("Léa Durand").check()
    page.get_by_role("button", name="Continuer").click()
    expect(page.get_by_role("heading", name="Espace de Léa Durand")).to_be_visible()
    expect(page.get_by_role("banner")).to_contain_text("Vous agissez pour Léa Durand")
    assert_accessible(page)
