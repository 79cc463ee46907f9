"""From a dossier to a refused call, by clicking: the publisher, the reviewer, the decider, the patient and the app.

Every page seen is checked for accessibility and at 320 px.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from identity_core.gateway import openid
from identity_core.service.seeding import Seeded, seed_people
from oauth import service as oauth
from oauth.rules.clients import Profile
from partner_sdk import PartnerClient, Space
from partner_sdk.errors import AuthorizationRefused, ConsentEnded, ConsentPaused
from platform_app import demo
from platform_app.simulated.people import load_people
from platform_core.database import transaction
from store.service.demo import seed_applications
from store.service.rehearsal import Cast
from tests.browser import leave
from tests.journeys.conftest import CALLBACK, OPERATOR
from tests.store.examining import examine_and_list
from tests.store.filling import add_item, create_application, fill_dossier, sign_in, submit_dossier

pytestmark = pytest.mark.browser

Check = Callable[..., None]
PULSE = {"kind": "heart-rate", "unit": "/min"}
NAME = "Sommeil Zen"


@pytest.fixture
def people(app: object) -> Seeded:
    with transaction():
        return seed_people(load_people(), issuer=openid.provider("citizen").issuer_key)


def submit_a_dossier(alice: Page, check: Check) -> None:
    """Another test looks at each page of the dossier: this one walks through them."""
    create_application(alice, NAME, check)
    hub = alice.url
    fill_dossier(alice, lambda *_, **__: None)
    add_item(alice, check)
    add_writing(alice)
    alice.goto(hub)
    submit_dossier(alice, check)


def add_writing(page: Page) -> None:
    """The app also adds the pulse that it measures at night."""
    page.get_by_role("link", name="Ajouter une donnée").click()
    page.get_by_label("Donnée", exact=True).select_option("measures.heart-rate")
    page.get_by_label("Ajouter", exact=True).check()
    page.get_by_label("Pourquoi").fill("Pour ranger dans votre dossier le pouls mesuré la nuit.")
    page.get_by_label("Non", exact=True).check()
    page.get_by_label("Plusieurs fois").check()
    page.get_by_label("Rythme : nombre de fois").fill("1")
    page.get_by_role("button", name="Enregistrer cette donnée").click()


def get_credentials(alice: Page, issuer: str, check: Check) -> PartnerClient:
    """Production credentials; the private key is shown once."""
    alice.goto("/editeur/applications")
    alice.get_by_role("link", name=NAME).click()
    check(alice)
    alice.get_by_role("link", name="Identifiants").click()
    check(alice)
    alice.locator("#environment-2").check()
    alice.get_by_label("Adresses de retour, une par ligne").last.fill(CALLBACK)
    alice.get_by_label("Fabriquer une paire de clés").check()
    alice.get_by_role("button", name="Créer les identifiants").click()
    check(alice, status=201)
    alice.get_by_text("La même clé dans un fichier de configuration complet").click()
    found = json.loads(alice.get_by_role("region", name="client.json").inner_text())
    assert (found["issuer"], found["redirect_uri"]) == (issuer, CALLBACK)
    return PartnerClient(
        issuer,
        client_id=found["client_id"],
        private_key=found["private_key"],
        redirect_uri=CALLBACK,
        profile=found["profile"],
    )


def grant(camille: Page, client: PartnerClient, check: Check) -> Space:
    """The patient answers the app's request on the consent screen; the app finishes with what the browser brings."""
    login = client.start_authorization(
        datatypes=["measures.heart-rate"], actions=["read", "write"], purpose="prevention"
    )
    camille.goto(login.url)
    check(camille)
    camille.get_by_role("button", name="Se connecter").click()
    check(camille)
    camille.get_by_role("button", name="Camille").click()
    check(camille)
    expect(camille.get_by_role("heading", level=1)).to_contain_text(NAME)
    assert camille.locator("input:checked[type=checkbox]").count() == 0, "nothing is checked in advance"
    camille.get_by_role("button", name="Autoriser").click()
    check(camille, status=422)
    for access in camille.get_by_role("checkbox").all():
        access.check()
    camille.get_by_label("Fréquence la plus élevée").select_option(label="1 fois par jour")
    camille.get_by_role("button", name="Autoriser").click()
    check(camille)
    expect(camille.get_by_role("heading", level=1)).to_contain_text(NAME)
    camille.get_by_role("button", name="Confirmer").click()
    check(camille)
    returned = leave(camille, camille.get_by_role("link", name="Retourner à"), CALLBACK)
    return client.open(client.finish_authorization(login, returned))


def test_a_dossier_becomes_an_app_that_a_patient_allows_pauses_and_revokes(
    new_page: Callable[[], Page], people: Seeded, live_server: str, assert_accessible: Check
) -> None:
    alice = sign_in(new_page(), "/editeur/applications", "Alice Roche")
    submit_a_dossier(alice, assert_accessible)
    agents = demo.agents(people)
    cast = Cast(agents["alice"], agents["ines"], agents["claire"], agents["omar"])
    examine_and_list(new_page, assert_accessible, NAME, cast)
    client = get_credentials(alice, live_server, assert_accessible)

    camille = new_page()
    space = grant(camille, client, assert_accessible)
    space.measures.add(**PULSE, value="61", at=datetime.now(UTC))
    assert [str(measure.value) for measure in space.measures.list(kind="heart-rate")] == ["61"]

    camille.goto("/espace")
    assert_accessible(camille)
    camille.get_by_role("link", name="Mes applications").first.click()
    assert_accessible(camille)
    camille.get_by_role("link", name=NAME).first.click()
    assert_accessible(camille)
    expect(camille.get_by_role("main")).to_contain_text("1 sur 1 aujourd’hui")

    camille.get_by_role("button", name="Mettre en pause").click()
    assert_accessible(camille)
    with pytest.raises(ConsentPaused):
        list(space.measures.list(kind="heart-rate"))
    camille.get_by_role("button", name="Reprendre").click()
    assert_accessible(camille)
    assert len(list(space.measures.list(kind="heart-rate"))) == 1

    camille.get_by_role("link", name="Révoquer").click()
    assert_accessible(camille)
    camille.get_by_role("button", name="Révoquer").click()
    assert_accessible(camille)
    with pytest.raises(ConsentEnded):
        space.measures.add(**PULSE, value="62", at=datetime.now(UTC))

    camille.goto("/espace/journal")
    assert_accessible(camille)
    lines = camille.get_by_role("main").inner_text()
    assert NAME in lines
    for outcome in ("Servi", "en pause", "autorisation terminée"):
        assert outcome.lower() in lines.lower()
    for path in ("/espace/dossier", "/espace/mesures/heart-rate", "/espace/notifications", "/espace/parametres"):
        camille.goto(path)
        assert_accessible(camille)


@pytest.fixture
def balance(people: Seeded, live_server: str) -> PartnerClient:
    """A production client of the demonstration's listed app Balance+."""
    key = oauth.generate_key(Profile.FAPI2)
    with transaction():
        application_id = seed_applications(actors=demo.agents(people), names=["Balance+"])["Balance+"]
        issued = oauth.issue_client(
            application_id=application_id, redirect_uris=[CALLBACK], jwk=oauth.public_half(key), by=OPERATOR
        )
    return PartnerClient(live_server, client_id=issued.client_id, private_key=key, redirect_uri=CALLBACK)


def test_a_refusal_takes_one_click_and_tells_the_app_nothing_else(
    new_page: Callable[[], Page], balance: PartnerClient, assert_accessible: Check
) -> None:
    login = balance.start_authorization(datatypes=["measures.body-weight"], actions=["read"], purpose="prevention")
    camille = sign_in(new_page(), "/connexion", "Camille")
    camille.goto(login.url)
    assert_accessible(camille)
    camille.get_by_role("button", name="Refuser").click()
    assert_accessible(camille)
    expect(camille.get_by_role("main")).to_contain_text("Rien n’a été partagé")
    target = camille.get_by_role("link", name="Retourner à").get_attribute("href") or ""
    answer = camille.context.request.get(target, max_redirects=0)
    with pytest.raises(AuthorizationRefused, match="access_denied"):
        balance.finish_authorization(login, answer.headers["location"])
    assert set(parse_qs(urlsplit(answer.headers["location"]).query)) == {"error", "state", "iss"}
