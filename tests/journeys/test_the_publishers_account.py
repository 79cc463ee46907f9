"""A publisher's account in a real browser: a guest joins, makes a token, changes a key; every page is accessible."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from data_sync import tasks
from identity_core.gateway import openid
from identity_core.service.seeding import seed_people
from platform_app.simulated.people import load_people
from platform_core.access import Actor, ActorKind
from platform_core.database import DatabaseRole, transaction
from platform_core.ids import uuid7
from platform_core.journal import service as journal
from store.service import dossiers

pytestmark = pytest.mark.browser

Check = Callable[..., None]


def sign_in(page: Page, path: str, name: str) -> Page:
    page.goto(path)
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name=name).click()
    return page


def test_a_guest_joins_and_keeps_the_application_connected(
    app: object, new_page: Callable[[], Page], assert_accessible: Check
) -> None:
    with transaction():
        seeded = seed_people(load_people(), issuer=openid.provider("agent").issuer_key)
        alice = Actor(
            ActorKind.AGENT,
            seeded.agents["alice"],
            "Alice Roche",
            organisation_id=seeded.organisations["pese"],
            roles=frozenset({"publisher"}),
        )
        application_id = dossiers.create_application(name="Balance+", by=alice)
    _invite_bruno(sign_in(new_page(), "/editeur/membres", "Alice Roche"), assert_accessible)
    page = sign_in(new_page(), "/editeur/invitations", "Bruno Keller")
    assert_accessible(page)
    page.get_by_role("button", name="Rejoindre Balance+ SAS").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Membres de Balance+ SAS")
    _make_a_token(page, assert_accessible)
    _change_keys(page, f"/editeur/applications/{application_id}/identifiants", assert_accessible)
    _use(application_id)
    _read_usage(page, f"/editeur/applications/{application_id}", assert_accessible)


def _invite_bruno(page: Page, check: Check) -> None:
    check(page)
    page.get_by_label("Adresse électronique professionnelle").fill("bruno")
    page.get_by_role("button", name="Envoyer l’invitation").click()
    check(page, status=422)
    page.get_by_label("Adresse électronique professionnelle").fill("bruno@rdv-facile.invalid")
    page.get_by_label("Rédacteur").check()
    page.get_by_role("button", name="Envoyer l’invitation").click()
    expect(page.get_by_text("Invitation envoyée")).to_be_visible()
    check(page)
    page.get_by_role("link", name="Alice Roche").click()
    check(page)
    page.get_by_label("Lecteur").check()
    page.get_by_role("button", name="Enregistrer le niveau").click()
    expect(page.get_by_role("alert")).to_contain_text("Il faut au moins un administrateur")


def _make_a_token(page: Page, check: Check) -> None:
    page.get_by_role("banner").locator("summary", has_text="Organisation").click()
    page.get_by_role("link", name="Jetons").click()
    page.get_by_label("Nom", exact=True).fill("Intégration continue")
    page.get_by_label("Lire l’utilisation").check()
    page.get_by_role("button", name="Faire le jeton").click()
    check(page, status=201)
    expect(page.locator("code")).to_contain_text("ens_pat_")
    page.get_by_role("link", name="J’ai copié le jeton").click()
    expect(page.get_by_role("heading", name="Intégration continue")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Révoquer Intégration continue").click()
    expect(page.get_by_text("Jeton révoqué")).to_be_visible()


def _change_keys(page: Page, path: str, check: Check) -> None:
    page.goto(path)
    page.get_by_label("Adresses de retour, une par ligne").fill("https://balance.exemple.fr/retour")
    page.get_by_role("button", name="Créer les identifiants").click()
    page.get_by_role("link", name="J’ai copié la clé").click()
    page.get_by_text("Ajouter une adresse de retour").click()
    page.get_by_label("Adresse de retour", exact=True).fill("https://balance.exemple.fr/autre")
    page.get_by_role("button", name="Ajouter l’adresse").click()
    check(page)
    page.get_by_role("button", name="Retirer https://balance.exemple.fr/autre").click()
    check(page)
    page.get_by_role("button", name="Retirer l’adresse").click()
    expect(page.get_by_text("Adresse de retour retirée")).to_be_visible()
    page.get_by_text("Remplacer la clé").click()
    page.get_by_role("button", name="Fabriquer une nouvelle clé").click()
    page.get_by_role("link", name="J’ai copié la clé").click()
    expect(page.get_by_text("remplacée, valable jusqu’au")).to_be_visible()
    check(page)


def _use(application_id: object) -> None:
    """Calls of the app in production, counted."""
    app_id, patient, grant = application_id, uuid7(), uuid7()
    for code in ("", "", "", "consent-frequency-exceeded"):
        with transaction(patient_id=patient):
            journal.record(
                journal.Entry(
                    patient_id=patient,
                    actor=Actor(ActorKind.APPLICATION, app_id, "Balance+"),  # type: ignore[arg-type]
                    interaction="search",
                    resource="Observation",
                    access="read",
                    outcome=journal.REFUSED if code else journal.SERVED,
                    request_id="essai-0001",
                    code=code,
                    app_id=app_id,  # type: ignore[arg-type]
                    grant_id=grant,
                )
            )
    with transaction(role=DatabaseRole.BATCH):
        journal.seal_batch()
    tasks.count_calls()
    tasks.count_consents()


def _read_usage(page: Page, path: str, check: Check) -> None:
    page.goto(path)
    page.get_by_role("link", name="Utilisation").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Utilisation de Balance+")
    check(page)
    page.get_by_text("Les mêmes chiffres en tableau").click()
    check(page)
    page.get_by_role("link", name="7 jours").click()
    page.get_by_role("link", name="Bac à sable").click()
    expect(page.get_by_text("Aucun appel sur cette période")).to_be_visible()
    check(page)
