"""Finding an application, reading its page, telling a problem and following it up, in a real browser at 320 px."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from identity_core.gateway import openid
from identity_core.service.seeding import seed_people
from platform_app.simulated.people import load_people
from platform_core.database import transaction
from tests.store.conftest import People, bring_to

pytestmark = pytest.mark.browser

Check = Callable[..., None]
NARROW = {"width": 320, "height": 800}


def sign_in(page: Page, path: str, name: str) -> Page:
    page.goto(path)
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name=name).click()
    return page


def test_somebody_finds_an_application_and_tells_a_problem_that_is_examined(
    new_page: Callable[[], Page], people: People, assert_accessible: Check
) -> None:
    bring_to("listed", people)
    bring_to("listed", people, name="Cadence", catalogue={"family": "appointments", "cost": "paid"})
    with transaction():
        seed_people(load_people(), issuer=openid.provider("agent").issuer_key)
    page = new_page()
    page.set_viewport_size(NARROW)
    page.goto("/catalogue")
    page.get_by_text("Préciser la recherche").click()
    page.get_by_label("Gratuit (1)").check()
    page.get_by_label("Rechercher").fill("pesée")
    page.get_by_role("button", name="Rechercher").click()
    expect(page.get_by_role("heading", name="Une application")).to_be_visible()
    expect(page.get_by_role("link", name="Cadence")).to_have_count(0)
    assert_accessible(page)
    page.get_by_role("link", name="Balance+").click()
    assert_accessible(page)
    page.get_by_role("link", name="Autoriser cette application").click()
    assert_accessible(page)
    page.go_back()
    page.get_by_role("link", name="Signaler un problème").click()
    page.get_by_role("button", name="Envoyer le signalement").click()
    assert_accessible(page, status=422)
    page.get_by_label("Un défaut, une panne").check()
    page.get_by_label("Que s’est-il passé ?").fill("La courbe reste vide depuis la mise à jour.")
    page.get_by_role("button", name="Envoyer le signalement").click()
    assert_accessible(page)
    number = re.findall(r"[2-9A-Z]{5}(?:-[2-9A-Z]{5}){3}", page.content())[0]

    reviewer = sign_in(new_page(), "/connexion/instruction", "Inès")
    reviewer.goto("/instruction/signalements")
    assert_accessible(reviewer)
    reviewer.get_by_role("link", name="Balance+").click()
    reviewer.get_by_role("button", name="Prendre en charge").click()
    assert_accessible(reviewer)
    reviewer.get_by_label("Réponse à la personne").fill("L’éditeur a corrigé la courbe.")
    reviewer.get_by_role("button", name="Conclure").click()

    page.get_by_role("link", name="Suivre un signalement").click()
    page.get_by_label("Numéro de suivi").fill(number)
    page.get_by_role("button", name="Voir où il en est").click()
    expect(page.get_by_text("L’éditeur a corrigé la courbe.")).to_be_visible()
    assert_accessible(page)


def test_the_catalogue_is_narrowed_without_javascript(browser: Browser, live_server: str, people: People) -> None:
    bring_to("listed", people)
    context = browser.new_context(base_url=live_server, java_script_enabled=False, viewport=NARROW)
    try:
        page = context.new_page()
        page.goto("/catalogue")
        page.get_by_text("Préciser la recherche").click()
        page.get_by_label("Adultes (1)").check()
        page.get_by_role("button", name="Rechercher").click()
        page.get_by_role("link", name="Retirer Adultes").click()
        expect(page.get_by_role("link", name="Balance+")).to_be_visible()
        assert page.url.endswith("/catalogue")
    finally:
        context.close()
