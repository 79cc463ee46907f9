"""From a submitted dossier to the catalogue by clicking, in a real browser; every page seen is accessible."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from identity_core.gateway import openid
from identity_core.service.seeding import Seeded, seed_people
from platform_app.simulated.people import load_people
from platform_core.database import transaction
from tests.store.conftest import People, bring_to
from tests.store.examining import examine_and_list
from tests.store.filling import sign_in

pytestmark = pytest.mark.browser

Check = Callable[..., None]


@pytest.fixture
def agents(app: object) -> Seeded:
    with transaction():
        return seed_people(load_people(), issuer=openid.provider("agent").issuer_key)


def test_a_submitted_dossier_goes_to_the_catalogue_by_clicking(
    new_page: Callable[[], Page], agents: Seeded, people: People, assert_accessible: Check
) -> None:
    _, submission_id = bring_to("submitted", people, "Sommeil Zen", service={"tagline": "Vos insomnies, notées."})
    examine_and_list(new_page, assert_accessible, "Sommeil Zen", people.cast)
    visitor = new_page()
    visitor.goto("/catalogue")
    assert_accessible(visitor)
    visitor.get_by_label("Rechercher").fill("insomnies")
    visitor.get_by_role("button", name="Rechercher").click()
    assert_accessible(visitor)
    visitor.get_by_role("link", name="Sommeil Zen").click()
    assert_accessible(visitor)
    main = visitor.get_by_role("main")
    expect(main).to_contain_text("Pour tracer la courbe de votre poids.")
    expect(main).to_contain_text("1 fois par jour")
    ines = sign_in(new_page(), "/instruction", "Inès Faure")
    assert_accessible(ines)


def test_the_catalogue_works_without_javascript(
    browser: Browser, live_server: str, people: People, assert_accessible: Check
) -> None:
    bring_to("suspended", people)
    bring_to("listed", people, "TensioConnect")
    with browser.new_context(base_url=live_server, java_script_enabled=False, locale="fr-FR") as context:
        page = context.new_page()
        page.goto("/catalogue?q=balance")
        page.get_by_role("link", name="TensioConnect").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("TensioConnect")
        page.goto("/catalogue/balance")
        expect(page.get_by_text("Référencement suspendu")).to_be_visible()
