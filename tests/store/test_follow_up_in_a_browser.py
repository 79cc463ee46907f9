"""A publisher goes from a question to the tests on a narrow screen, then to what follows the catalogue."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from identity_core.gateway import openid
from identity_core.service.seeding import seed_people
from platform_app.simulated.people import load_people
from platform_core import clock
from platform_core.database import transaction
from store.queries.commission import list_reservations
from store.rules.commission import Ballot, NewReservation
from store.service import commission, conventions, decisions, listings, questions, rehearsal, reservations, reviews
from tests.store.conftest import People, bring_to
from tests.store.filling import Check, follow, press, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
def cast(app: object, people: People) -> People:
    """The same people, but Alice is the one who signs in."""
    with transaction():
        seeded = seed_people(load_people(), issuer=openid.provider("agent").issuer_key)
    alice = replace(people.alice, id=seeded.agents["alice"], organisation_id=seeded.organisations["pese"])
    return replace(people, alice=alice)


def test_a_publisher_follows_a_dossier_from_a_question_to_the_catalogue_on_a_narrow_screen(
    page: Page, cast: People, assert_accessible: Check
) -> None:
    application_id, submission_id = bring_to("in_evaluation", cast, "Sommeil Zen")
    with transaction():
        questions.ask(submission_id=submission_id, text="Où sont les sauvegardes ?", criterion="SEC-01", by=cast.ines)
        reviews.request_complements(submission_id=submission_id, motive="Précisez.", flagged=["SEC-01"], by=cast.ines)
    page.set_viewport_size({"width": 320, "height": 800})
    sign_in(page, f"/editeur/applications/{application_id}", "Alice Roche")
    assert_accessible(page)
    follow(page, "Lire et répondre")
    assert_accessible(page)
    follow(page, "Répondre : ")
    page.get_by_label("Réponse").fill("Dans un second centre.")
    assert_accessible(page)
    press(page, "Envoyer la réponse")
    assert_accessible(page)
    follow(page, "Vérifier et soumettre")
    page.get_by_label("J’atteste que ces réponses").check()
    press(page, "Soumettre le dossier")
    _reserve(submission_id, cast)
    page.goto(f"/editeur/applications/{application_id}/suivi")
    assert_accessible(page)
    follow(page, "Lever cette réserve")
    page.get_by_label("Ce que vous avez fait").fill("Les sauvegardes sont chiffrées.")
    assert_accessible(page)
    press(page, "Déclarer la réserve levée")
    expect(page.get_by_role("main")).to_contain_text("L’instruction vérifie")
    _accept(submission_id, cast)
    page.reload()
    assert_accessible(page)
    follow(page, "Lire et signer la convention")
    assert_accessible(page)
    press(page, "Signer la convention")
    assert_accessible(page, status=422)
    page.get_by_label("J’ai lu la convention").check()
    press(page, "Signer la convention")
    assert_accessible(page)
    with transaction():
        conventions.countersign(submission_id=submission_id, by=cast.omar)
    page.goto(f"/editeur/applications/{application_id}/tests")
    page.get_by_text("Comment le montrer").first.click()
    assert_accessible(page)
    with transaction():
        rehearsal.show_behaviours(submission_id)
        listings.list_application(application_id=application_id, by=cast.omar)
    _follow_the_listing(page, application_id, assert_accessible)


def _reserve(submission_id: UUID, people: People) -> None:
    with transaction():
        rehearsal.conclude(submission_id, people.cast)
        item_id = rehearsal.hold_session(submission_id, people.cast, Ballot.FAVOURABLE_SUSPENSIVE)
        due_on = clock.today() + timedelta(days=40)
        new = NewReservation("Chiffrez les sauvegardes.", True, due_on, "SEC-01")
        commission.give_opinion(item_id=item_id, motive="Un point à corriger.", reservations=[new], by=people.claire)


def _accept(submission_id: UUID, people: People) -> None:
    with transaction():
        one = list_reservations(submission_id)[0]
        reservations.lift(reservation_id=one.id, motive="Vérifié.", by=people.ines)
        decisions.accept(submission_id=submission_id, motive="Le dossier répond à la grille.", by=people.omar)


def _follow_the_listing(page: Page, application_id: UUID, check: Check) -> None:
    """The listed application: its follow-up, its history, an incident, a withdrawal that is not confirmed."""
    page.goto(f"/editeur/applications/{application_id}/suivi")
    check(page)
    follow(page, "Historique", exact=True)
    check(page)
    follow(page, "Suivi", exact=True)
    follow(page, "Déclarer un incident de sécurité")
    check(page)
    press(page, "Déclarer l’incident")
    check(page, status=422)
    follow(page, "Annuler")
    follow(page, "Retirer l’application du catalogue")
    check(page)


@pytest.mark.parametrize("path", ["/referencement", "/referencement/grille", "/referencement/convention"])
def test_what_is_public_of_the_referencing_is_accessible(page: Page, assert_accessible: Check, path: str) -> None:
    page.goto(path)
    assert_accessible(page)
    if path.endswith("grille"):
        page.get_by_text("SEC-01").first.click()
        assert_accessible(page)
