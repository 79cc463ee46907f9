"""From an empty dossier to the catalogue by clicking, in a real browser; every page seen is accessible."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from identity_core.gateway import openid
from identity_core.service.seeding import Seeded, seed_people
from platform_app.simulated.people import load_people
from platform_core.database import transaction
from store.rules import grid
from tests.store.conftest import People, bring_to

pytestmark = pytest.mark.browser

Check = Callable[..., None]


@pytest.fixture
def agents(app: object) -> Seeded:
    with transaction():
        return seed_people(load_people(), issuer=openid.provider("agent").issuer_key)


def sign_in(page: Page, path: str, name: str) -> Page:
    page.goto(path)
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name=name).click()
    return page


def save(page: Page, check: Check) -> None:
    check(page)
    page.get_by_role("button", name="Enregistrer et continuer").click()


def fill_dossier(page: Page, check: Check) -> None:
    """From the hub, section after section."""
    page.get_by_role("link", name="Service", exact=True).click()
    page.get_by_label("Le service en une phrase").fill("Un carnet de sommeil à montrer à votre médecin.")
    page.get_by_label("Description").fill("Vous notez vos nuits chaque matin et vous voyez ce qui les trouble.")
    page.get_by_label("Adultes").check()
    page.get_by_label("Site web").check()
    page.get_by_label("Adresse du site").fill("https://sommeil-zen.exemple.fr")
    save(page, check)
    page.get_by_label("Adresse du siège").fill("12 rue des Mesures, 44000 Nantes")
    page.get_by_label("Adresse électronique de contact").fill("contact@sommeil-zen.exemple.fr")
    save(page, check)
    page.get_by_label("Prévention").check()
    page.get_by_label("Trois mois").check()
    page.get_by_role("button", name="Enregistrer et continuer").click()
    page.get_by_label("Hébergeur", exact=True).fill("Nuage Clair")
    page.get_by_label("Pays d’hébergement").fill("France")
    page.get_by_label("Numéro du certificat HDS").fill("HDS-2024-0117")
    page.get_by_label("Certificat HDS valable jusqu’au").fill("2028-03-31")
    save(page, check)
    page.get_by_label("Contact du délégué").fill("dpo@sommeil-zen.exemple.fr")
    page.get_by_label("Destinataires et sous-traitants").fill("Nuage Clair, hébergeur, France")
    page.get_by_label("Conservation et effacement").fill("Tout est effacé trente jours après la fin.")
    page.get_by_label("Risques pour la personne").fill("Vos nuits peuvent révéler vos habitudes.")
    page.get_by_label("Recours").fill("Écrivez à notre délégué, puis à la CNIL.")
    save(page, check)
    page.get_by_label("SMART App Launch").check()
    save(page, check)
    page.get_by_label("Bien-être").check()
    page.get_by_label("Gratuit", exact=True).check()
    page.get_by_label("Mots de recherche").fill("insomnie\nnuit")
    page.get_by_label("Assistance aux utilisateurs").fill("aide@sommeil-zen.exemple.fr")
    save(page, check)


def add_item(page: Page, check: Check) -> None:
    page.get_by_role("link", name="Données et finalités").click()
    page.get_by_role("link", name="Ajouter une donnée").click()
    check(page)
    page.get_by_role("button", name="Enregistrer cette donnée").click()
    check(page, status=422)
    page.get_by_label("Donnée", exact=True).select_option("measures.heart-rate")
    page.get_by_label("Lire", exact=True).check()
    page.get_by_label("Pourquoi").fill("Pour rapprocher votre pouls de vos nuits.")
    page.get_by_label("Oui", exact=True).check()
    page.get_by_label("Plusieurs fois").check()
    page.get_by_label("Rythme : nombre de fois").fill("1")
    page.get_by_role("button", name="Enregistrer cette donnée").click()
    check(page)


def act(page: Page, check: Check, name: str, motive: str = "") -> None:
    page.get_by_role("link", name=name).click()
    check(page)
    if motive:
        page.get_by_label("Motif").fill(motive)
    page.get_by_role("button", name="Confirmer").click()
    check(page)


def test_a_dossier_goes_to_the_catalogue_by_clicking(
    new_page: Callable[[], Page], agents: Seeded, assert_accessible: Check
) -> None:
    alice = sign_in(new_page(), "/editeur/applications", "Alice Roche")
    assert_accessible(alice)
    alice.get_by_role("link", name="Nouvelle application").click()
    assert_accessible(alice)
    alice.get_by_label("Nom de l’application").fill("Sommeil Zen")
    alice.get_by_role("button", name="Créer l’application").click()
    assert_accessible(alice)
    alice.get_by_role("link", name="Vérifier et soumettre").click()
    assert_accessible(alice)
    alice.get_by_role("link", name="Sommeil Zen").click()
    fill_dossier(alice, assert_accessible)
    add_item(alice, assert_accessible)
    alice.get_by_role("link", name="Sommeil Zen").click()
    alice.get_by_role("link", name="Vérifier et soumettre").click()
    assert_accessible(alice)
    alice.get_by_label("J’atteste").check()
    alice.get_by_role("button", name="Soumettre le dossier").click()
    assert_accessible(alice)

    ines = sign_in(new_page(), "/instruction/dossiers", "Inès Faure")
    assert_accessible(ines)
    ines.get_by_role("link", name="Sommeil Zen").click()
    assert_accessible(ines)
    dossier = ines.url
    act(ines, assert_accessible, "Prendre en charge")
    for criterion in grid.load("2026.1").criteria:
        ines.get_by_role("link", name=criterion).click()
        assert_accessible(ines)
        ines.get_by_label("Conforme", exact=True).check()
        ines.get_by_role("button", name="Enregistrer l’avis").click()
    act(ines, assert_accessible, "Proposer l’acceptation", "Tous les critères sont conformes.")

    omar = sign_in(new_page(), "/instruction/dossiers", "Omar")
    omar.goto(dossier)
    act(omar, assert_accessible, "Accepter le dossier", "Le dossier répond à la grille.")
    act(omar, assert_accessible, "Inscrire au catalogue")

    visitor = new_page()
    visitor.goto("/catalogue")
    assert_accessible(visitor)
    visitor.get_by_label("Rechercher").fill("insomnies")
    visitor.get_by_role("button", name="Rechercher").click()
    assert_accessible(visitor)
    visitor.get_by_role("link", name="Sommeil Zen").click()
    assert_accessible(visitor)
    expect(visitor.get_by_role("row").filter(has_text="Pour rapprocher votre pouls")).to_contain_text("1 fois par jour")
    alice.goto("/editeur")
    assert_accessible(alice)
    ines.goto("/instruction")
    assert_accessible(ines)


def test_a_conflict_shows_both_values_and_the_typed_one_can_still_be_saved(
    new_page: Callable[[], Page], agents: Seeded, assert_accessible: Check
) -> None:
    first = sign_in(new_page(), "/editeur/applications/nouvelle", "Alice Roche")
    first.get_by_label("Nom de l’application").fill("Sommeil Zen")
    first.get_by_role("button", name="Créer l’application").click()
    second = sign_in(new_page(), first.url, "Alice Roche")
    for page in (first, second):
        page.get_by_role("link", name="Hébergement").click()
    first.get_by_label("Hébergeur", exact=True).fill("Premier Nuage")
    first.get_by_role("button", name="Enregistrer et quitter").click()
    second.get_by_label("Hébergeur", exact=True).fill("Second Nuage")
    second.get_by_role("button", name="Enregistrer et quitter").click()
    assert_accessible(second, status=409)
    expect(second.get_by_role("row").filter(has_text="Hébergeur").first).to_contain_text("Premier Nuage")
    second.get_by_role("button", name="Enregistrer et quitter").click()
    second.get_by_role("link", name="Hébergement").click()
    expect(second.get_by_label("Hébergeur", exact=True)).to_have_value("Second Nuage")


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
