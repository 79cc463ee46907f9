"""The authorization endpoint and the credentials pages in a real browser: the way to the app and back, axe at zero."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from joserfc.jwk import ECKey
from playwright.sync_api import Page, expect

from identity_core.gateway import openid
from identity_core.service.seeding import Seeded, seed_people
from oauth import service
from oauth.rules.clients import Profile
from platform_app.simulated.people import load_people
from platform_core.database import transaction
from tests.browser import leave
from tests.oauth.partner import CALLBACK, TESTER, Credentials, Partner, query_of
from tests.oauth.test_production import ASKED
from tests.store.conftest import People, bring_to

pytestmark = pytest.mark.browser


@pytest.fixture
def seeded_people(app: Flask) -> Seeded:
    with transaction():
        return seed_people(load_people(), issuer=openid.provider("citizen").issuer_key)


@pytest.fixture
def balance(app: Flask, people: People) -> Partner:
    """The production client of a listed application."""
    application_id, _ = bring_to("listed", people)
    private = service.generate_key(Profile.FAPI2)
    with transaction():
        client = service.issue_client(
            application_id=application_id, redirect_uris=[CALLBACK], jwk=service.public_half(private), by=TESTER
        )
    return Partner(app, Credentials(client, ECKey.import_key(private)))


def open_request(page: Page, partner: Partner) -> None:
    """Send the browser to the authorization endpoint and sign Camille in."""
    uri = partner.push(authorization_details=json.dumps([ASKED])).json["request_uri"]
    page.goto(f"/oauth/authorize?client_id={partner.client.client_id}&request_uri={uri}")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Balance+")


def return_to_app(page: Page) -> dict[str, str]:
    return query_of(leave(page, page.get_by_role("link", name="Retourner à Balance+"), CALLBACK))


def test_a_grant_leads_back_to_the_app_with_a_code_that_works(
    page: Page, balance: Partner, seeded_people: Seeded
) -> None:
    open_request(page, balance)
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Autoriser").click()
    page.get_by_role("button", name="Confirmer").click()
    answer = return_to_app(page)
    assert set(answer) == {"code", "state", "iss"}
    assert balance.exchange(answer["code"]).status_code == 200


def test_a_refusal_leads_back_too(page: Page, balance: Partner, seeded_people: Seeded) -> None:
    open_request(page, balance)
    page.get_by_role("button", name="Refuser").click()
    assert return_to_app(page)["error"] == "access_denied"


def test_a_request_that_is_gone_is_explained(
    page: Page, balance: Partner, assert_accessible: Callable[..., None]
) -> None:
    page.goto("/oauth/authorize?client_id=x&request_uri=y")
    expect(page.get_by_role("heading", level=1)).to_have_text("La demande ne peut pas continuer")
    assert_accessible(page, status=400)
    page.goto("/oauth/authorize?client_id=x")
    assert_accessible(page, status=400)


@pytest.mark.parametrize("state", ["draft", "listed"])
def test_the_credentials_pages_are_fit_for_everybody(
    page: Page, people: People, app: Flask, assert_accessible: Callable[..., None], state: str
) -> None:
    with transaction():
        seeded = seed_people(load_people(), issuer=openid.provider("agent").issuer_key)
    alice = replace(people.alice, id=seeded.agents["alice"], organisation_id=seeded.organisations["pese"])
    application_id, _ = bring_to(state, replace(people, alice=alice))
    page.goto(f"/editeur/applications/{application_id}/identifiants")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Alice").click()
    assert_accessible(page)
    page.get_by_label("Adresses de retour, une par ligne").fill("pas une adresse")
    page.get_by_role("button", name="Créer les identifiants").click()
    assert_accessible(page, status=422)
    page.get_by_label("Adresses de retour, une par ligne").fill(CALLBACK)
    page.get_by_role("button", name="Créer les identifiants").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Clé privée")
    assert_accessible(page, status=201)
    page.get_by_role("link", name="J’ai copié la clé").click()
    for summary in page.locator("main summary").all():
        summary.click()
    assert_accessible(page)
