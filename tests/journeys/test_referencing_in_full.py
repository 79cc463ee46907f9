"""From the orientation questionnaire to the catalogue, by clicking, without JavaScript, on a screen 320 px wide.

Two rounds of complements, an opinion with a suspensive reservation and its lifting, the convention, the tests. Each
page must fit; each kind of page is looked at twice: as it is served, then with scripts, for axe (the forms of the
sections are one kind: `tests/store/test_publisher_in_a_browser.py` looks at each). The use cases play what no page is
for (what the sandbox sees) and the verdicts that are like those clicked.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, Response, Route, expect
from werkzeug.exceptions import MethodNotAllowed

from identity_core.gateway import openid
from identity_core.service.seeding import Seeded, seed_people
from platform_app import demo
from platform_app.simulated.people import load_people
from platform_core import clock
from platform_core.access import Actor
from platform_core.database import transaction
from store.queries.agreements import list_checks
from store.queries.submissions import get_submission
from store.queries.verdicts import list_verdicts
from store.rules.grid import Verdict
from store.service import interop, rehearsal, reviews
from tests.store.filling import add_item, create_application, fill_dossier, sign_in, submit_dossier

pytestmark = pytest.mark.browser

NAME = "Sommeil Zen"
NARROW = {"width": 320, "height": 800}


class Stage:
    """Opens pages without scripts, one for each person, and looks at each kind of page that they see."""

    def __init__(self, browser: Browser, address: str, app: Flask) -> None:
        self._browser, self._address = browser, address
        self._routes = app.url_map.bind("")
        self._status: dict[Page, int] = {}
        self._seen: set[tuple[str, str, int]] = set()
        self._mirror = browser.new_context(base_url=address, locale="fr-FR", viewport=NARROW).new_page()

    def enter(self) -> Page:
        context = self._browser.new_context(
            base_url=self._address, java_script_enabled=False, locale="fr-FR", viewport=NARROW, reduced_motion="reduce"
        )
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("response", lambda answer: self._note(page, answer))
        return page

    def _note(self, page: Page, answer: Response) -> None:
        if answer.request.is_navigation_request():
            self._status[page] = answer.status

    def look(self, page: Page, *, status: int = 200) -> None:
        """The page came with this status, fits in 320 px, and axe finds nothing in it."""
        page.wait_for_load_state("load")
        assert self._status[page] == status, page.url
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 320, f"{page.url} needs {width} px"
        kind = (*self._route_of(page), status)
        if kind not in self._seen:
            self._seen.add(kind)
            self._run_axe(page)

    def _route_of(self, page: Page) -> tuple[str, str]:
        """The view that serves the page, and the act that it is about."""
        path, methods = urlsplit(page.url).path, ("GET", "POST")
        found = next(match for method in methods if (match := self._match(path, method)))
        return found[0], "" if found[0].startswith("sections.") else found[1].get("slug", "")

    def _match(self, path: str, method: str) -> tuple[str, dict[str, str]] | None:
        try:
            endpoint, values = self._routes.match(path, method)
        except MethodNotAllowed:
            return None
        return str(endpoint), dict(values)

    def _run_axe(self, page: Page) -> None:
        """Axe needs scripts: the same document is shown to a page that has them."""
        html, url = page.content(), page.url

        def serve(route: Route) -> None:
            route.fulfill(body=html, content_type="text/html; charset=utf-8")

        self._mirror.route(url, serve)
        self._mirror.goto(url)
        found = Axe().run(self._mirror).response["violations"]
        self._mirror.unroute(url, serve)
        summary = [f"{one['id']}: {one['help']} {[node['html'] for node in one['nodes']]}" for one in found]
        assert summary == [], url

    def leave(self) -> None:
        for page in (*self._status, self._mirror):
            page.context.close()


@pytest.fixture
def stage(browser: Browser, live_server: str, app: Flask) -> Iterator[Stage]:
    stage = Stage(browser, live_server, app)
    yield stage
    stage.leave()


@pytest.fixture
def people(app: object) -> Seeded:
    with transaction():
        return seed_people(load_people(), issuer=openid.provider("agent").issuer_key)


Look = Callable[..., None]


def follow(page: Page, look: Look, name: str) -> None:
    page.get_by_role("link", name=name).first.click()
    look(page)


def press(page: Page, look: Look, name: str, *, status: int = 200) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()
    look(page, status=status)


def act(page: Page, look: Look, name: str, motive: str = "") -> None:
    """An act from the page of the dossier; one that says why is previewed."""
    follow(page, look, name)
    if motive:
        page.get_by_label("Motif", exact=True).fill(motive)
        press(page, look, "Voir l’aperçu")
    press(page, look, "Confirmer")


def ask_complements(page: Page, look: Look, motive: str, *parts: str) -> None:
    follow(page, look, "Demander des compléments")
    for part in parts:
        page.get_by_label(part).check()
    page.get_by_label("Motif", exact=True).fill(motive)
    press(page, look, "Voir l’aperçu")
    expect(page.get_by_role("main")).to_contain_text(motive)
    press(page, look, "Envoyer à l’éditeur")


def answer_question(page: Page, look: Look, hub: str, text: str) -> None:
    page.goto(f"{hub}/questions")
    look(page)
    follow(page, look, "Répondre")
    page.get_by_label("Réponse", exact=True).fill(text)
    press(page, look, "Envoyer la réponse")


def send_a_dossier(stage: Stage) -> tuple[Page, str]:
    """The publisher, and the address of the application whose dossier is sent."""
    alice = sign_in(stage.enter(), "/editeur/applications", "Alice Roche")
    stage.look(alice)
    create_application(alice, NAME, stage.look)
    hub = alice.url
    fill_dossier(alice, stage.look)
    add_item(alice, stage.look)
    alice.goto(hub)
    submit_dossier(alice, stage.look)
    return alice, hub


def send_again(page: Page, look: Look, hub: str) -> None:
    page.goto(hub)
    submit_dossier(page, look)


def find_all_conforming_but(submission_id: UUID, criterion: str, by: Actor) -> None:
    """The verdicts that the story does not click; the one left is not conforming."""
    with transaction():
        rehearsal.find_all_conforming(submission_id=submission_id, by=by)
        version = list_verdicts(submission_id)[criterion].version
        finding = reviews.Finding(criterion, Verdict.NOT_CONFORMING, "Le test a plus d’un an.", version)
        reviews.record_verdicts(submission_id=submission_id, findings=[finding], by=by)


def two_rounds_of_complements(alice: Page, ines: Page, look: Look, hub: str) -> None:
    ines.goto(f"{ines.url}/criteres/SEC-01")
    look(ines)
    ines.get_by_label("À préciser").check()
    press(ines, look, "Enregistrer le verdict", status=422)
    ines.get_by_label("Commentaire").fill("De quand date le test ?")
    press(ines, look, "Enregistrer et passer au suivant")
    ines.goto(ines.url.rpartition("/")[0] + "/SEC-01")
    ines.get_by_label("Votre question").fill("De quand date le dernier test d’intrusion ?")
    press(ines, look, "Poser la question")
    ines.get_by_label("Note pour les collègues").fill("Appeler l’hébergeur.")
    press(ines, look, "Enregistrer la note")
    follow(ines, look, "Synthèse")
    ask_complements(ines, look, "Le certificat de l’hébergeur est illisible.", "Sécurité et hébergement")

    answer_question(alice, look, hub, "Il date du mois de mars.")
    expect(alice.get_by_role("main")).not_to_contain_text("Appeler l’hébergeur.")
    alice.goto(f"{hub}/hebergement")
    look(alice)
    alice.get_by_label("Numéro du certificat HDS").fill("HDS-2026-0042")
    press(alice, look, "Enregistrer et continuer")
    send_again(alice, look, hub)

    ines.reload()
    look(ines)
    follow(ines, look, "Voir ce qui a changé")
    expect(ines.get_by_role("main")).to_contain_text("HDS-2026-0042")
    follow(ines, look, "Questions et notes")
    ines.get_by_text("Rouvrir cette question").click()
    ines.get_by_label("Ce qui manque encore").fill("Qui l’a fait ?")
    press(ines, look, "Rouvrir la question")
    follow(ines, look, "Synthèse")
    ask_complements(ines, look, "Il manque l’auteur du test.")

    answer_question(alice, look, hub, "Un prestataire qualifié.")
    alice.goto(f"{hub}/questions")
    follow(alice, look, "SEC-01")
    alice.get_by_role("textbox").first.fill("Test d’intrusion de mars, par un prestataire qualifié.")
    press(alice, look, "Enregistrer et continuer")
    send_again(alice, look, hub)

    follow(ines, look, "Questions et notes")
    press(ines, look, "Clore la question")
    follow(ines, look, "Critères")
    expect(ines.get_by_role("main")).to_contain_text("réponse changée")
    follow(ines, look, "SEC-01")
    ines.get_by_label("Conforme", exact=True).check()
    press(ines, look, "Enregistrer et passer au suivant")
    follow(ines, look, "Synthèse")


def hold_a_session(ines: Page, claire: Page, look: Look) -> None:
    """The reviewer prepares it, the member of the commission holds it: a suspensive reservation."""
    ines.goto("/instruction/commission")
    look(ines)
    ines.get_by_label("Jour").fill(str(clock.today() + timedelta(days=1)))
    ines.get_by_label("Lieu").fill("Salle des séances")
    press(ines, look, "Prévoir la séance")
    ines.get_by_label("Dossier prêt pour un avis").select_option(index=1)
    press(ines, look, "Inscrire à l’ordre du jour")
    claire.goto(ines.url)
    press(claire, look, "Ouvrir la séance")
    claire.get_by_label("Aucun intérêt").check()
    press(claire, look, "Déclarer")
    claire.get_by_label("Favorable avec réserves suspensives").check()
    press(claire, look, "Voter")
    follow(claire, look, "Rendre l’avis")
    claire.get_by_label("Texte tout prêt").select_option(label="La commission suit l’évaluation")
    press(claire, look, "Insérer ce texte")
    claire.get_by_label("Ce qui est demandé").fill("Refaire le test d’intrusion.")
    press(claire, look, "Rendre l’avis", status=422)
    claire.get_by_label("Échéance").fill(str(clock.today() + timedelta(days=30)))
    press(claire, look, "Rendre l’avis")
    press(claire, look, "Clore la séance")
    follow(claire, look, "Procès-verbal")
    expect(claire.get_by_role("main")).to_contain_text("Refaire le test d’intrusion.")
    claire.goto("/instruction/commission/membres")
    look(claire)


def lift_the_reservation(alice: Page, ines: Page, look: Look, hub: str, dossier: str) -> None:
    alice.goto(f"{hub}/suivi")
    look(alice)
    follow(alice, look, "Lever cette réserve")
    alice.get_by_label("Ce que vous avez fait").fill("Test refait le 3, rapport joint.")
    press(alice, look, "Déclarer la réserve levée")
    ines.goto(dossier)
    look(ines)
    follow(ines, look, "Suspensive")
    ines.get_by_label("Motif", exact=True).fill("Le rapport est complet.")
    press(ines, look, "Lever la réserve")


def sign_and_list(alice: Page, ines: Page, omar: Page, look: Look, hub: str, dossier: str) -> None:
    submission_id = UUID(dossier.rpartition("/")[2])
    alice.goto(f"{hub}/convention")
    look(alice)
    alice.get_by_label("J’ai lu la convention").check()
    press(alice, look, "Signer la convention")
    omar.goto(f"{dossier}/convention")
    act(omar, look, "Contresigner la convention")
    alice.goto(f"{hub}/tests")
    look(alice)
    with transaction():
        left = [check.behaviour for check in list_checks(submission_id)]
        application_id = get_submission(submission_id).application_id
        for behaviour in left[:-1]:
            interop.observe(application_id=application_id, behaviour=behaviour)
    ines.goto(f"{dossier}/interoperabilite")
    look(ines)
    follow(ines, look, "Dispenser de ce test")
    ines.get_by_label("Motif", exact=True).fill("L’application ne garde aucun accès.")
    press(ines, look, "Confirmer")
    omar.goto(dossier)
    act(omar, look, "Inscrire au catalogue")


def test_an_application_goes_from_the_orientation_to_the_catalogue(stage: Stage, people: Seeded) -> None:
    look = stage.look
    alice, hub = send_a_dossier(stage)
    ines = sign_in(stage.enter(), "/instruction/dossiers", "Inès Faure")
    look(ines)
    ines.get_by_role("link", name=NAME, exact=True).click()
    look(ines)
    dossier = ines.url
    submission_id = UUID(dossier.rpartition("/")[2])
    for name in ("Prendre en charge", "Déclarer recevable", "Commencer l’évaluation"):
        act(ines, look, name)
    two_rounds_of_complements(alice, ines, look, hub)
    find_all_conforming_but(submission_id, "SEC-02", demo.agents(people)["ines"])
    ines.goto(dossier)
    act(ines, look, "Proposer un avis", "Un critère de sécurité n’est pas rempli.")
    for tab in ("Dossier", "Versions", "Historique et délais"):
        ines.get_by_role("link", name=tab, exact=True).click()
        look(ines)

    claire = sign_in(stage.enter(), "/instruction/dossiers", "Claire Vidal")
    hold_a_session(ines, claire, look)
    omar = sign_in(stage.enter(), "/instruction/dossiers", "Omar")
    omar.goto(f"{dossier}/accepter")
    expect(omar.get_by_role("main")).to_contain_text("Le dossier ne peut pas encore être accepté.")
    lift_the_reservation(alice, ines, look, hub, dossier)
    omar.goto(dossier)
    act(omar, look, "Accepter le dossier", "Le dossier répond à la grille, la réserve est levée.")
    sign_and_list(alice, ines, omar, look, hub, dossier)

    visitor = stage.enter()
    visitor.goto("/catalogue?q=insomnie")
    look(visitor)
    follow(visitor, look, NAME)
    alice.goto(f"{hub}/suivi")
    look(alice)
    expect(alice.get_by_role("main")).to_contain_text("ENS-")
    for path in ("/instruction", "/instruction/surveillance", "/instruction/audits"):
        ines.goto(path)
        look(ines)
