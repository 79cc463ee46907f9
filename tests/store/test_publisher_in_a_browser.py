"""A publisher fills and sends a dossier by keyboard, on a narrow screen; two colleagues meet on one page."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from identity_core.gateway import openid
from identity_core.service.seeding import Seeded, seed_people
from platform_app.simulated.people import load_people
from platform_core.database import transaction
from tests.store.filling import (
    Check,
    add_item,
    create_application,
    fill_dossier,
    follow,
    press,
    sign_in,
    submit_dossier,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def agents(app: object) -> Seeded:
    with transaction():
        return seed_people(load_people(), issuer=openid.provider("agent").issuer_key)


def test_a_dossier_is_filled_and_sent_by_keyboard_on_a_narrow_screen(
    page: Page, agents: Seeded, assert_accessible: Check
) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    sign_in(page, "/editeur/applications", "Alice Roche")
    assert_accessible(page)
    create_application(page, "Sommeil Zen", assert_accessible)
    hub = page.url
    follow(page, "Vérifier et soumettre")
    assert_accessible(page)
    expect(page.get_by_role("button", name="Soumettre le dossier")).to_have_count(0)
    page.goto(hub)
    fill_dossier(page, assert_accessible)
    expect(page.get_by_text("11 parties terminées sur 12.")).to_be_visible()
    add_item(page, assert_accessible)
    page.goto(hub)
    expect(page.get_by_text("12 parties terminées sur 12.")).to_be_visible()
    assert_accessible(page)
    submit_dossier(page, assert_accessible)
    expect(page.get_by_role("heading", level=1)).to_have_text("Dossier soumis")
    follow(page, "Voir la version envoyée")
    assert_accessible(page)
    follow(page, "Versions")
    assert_accessible(page)
    page.goto(f"{hub}/hebergement")
    assert_accessible(page)
    expect(page.get_by_role("button", name="Enregistrer et continuer")).to_have_count(0)


def test_two_colleagues_on_one_page_choose_field_by_field_and_a_draft_saves_itself(
    new_page: Callable[[], Page], agents: Seeded, assert_accessible: Check
) -> None:
    first = sign_in(new_page(), "/editeur/applications/nouvelle", "Alice Roche")
    first.get_by_label("Nom de l’application").fill("Sommeil Zen")
    press(first, "Créer l’application")
    second = sign_in(new_page(), first.url, "Alice Roche")
    for one in (first, second):
        one.get_by_role("link", name="Sécurité et hébergement").click()
    first.get_by_label("Hébergeur", exact=True).fill("Premier Nuage")
    first.get_by_label("Pays d’hébergement").fill("France")
    expect(first.get_by_role("status")).to_contain_text("Brouillon enregistré à")
    press(first, "Enregistrer et quitter")
    second.get_by_label("Hébergeur", exact=True).fill("Second Nuage")
    press(second, "Enregistrer et quitter")
    assert_accessible(second, status=409)
    second.get_by_role("group", name="Hébergeur").get_by_label("Garder votre saisie").check()
    press(second, "Enregistrer ces choix")
    assert_accessible(second, status=422)
    second.get_by_role("group", name="Pays d’hébergement").get_by_label("Garder ce qui est enregistré").check()
    press(second, "Enregistrer ces choix")
    second.get_by_role("link", name="Sécurité et hébergement").click()
    expect(second.get_by_label("Hébergeur", exact=True)).to_have_value("Second Nuage")
    expect(second.get_by_label("Pays d’hébergement")).to_have_value("France")
