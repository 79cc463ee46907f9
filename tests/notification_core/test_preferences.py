"""Who is written to about what: each person's choice, the way out of an e-mail, what nobody can switch off."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page

from identity_core.service.seeding import Seeded
from notification_core import queries
from notification_core.categories import OPTIONAL, Topic, declare, topic_of
from notification_core.service import preferences
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.errors import Forbidden, Invalid, NotFound
from tests.notification_core.reading import SECRET, SECURITY, emails, link_in, recipients, tell
from tests.signing_in import sign_in_citizen, submit

PAGE = "/espace/parametres/notifications"
CAMILLE = "camille@exemple.invalid"


@pytest.fixture
def camille(client: FlaskClient, people: Seeded) -> UUID:
    """Camille, signed in."""
    patient_id = people.patients["camille"]
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=patient_id)
    return patient_id


def decline(patient_id: UUID, person_id: UUID, *topics: Topic) -> None:
    with transaction(patient_id=patient_id):
        wanted = [topic for topic in OPTIONAL if topic not in topics]
        preferences.choose(patient_id=patient_id, person_id=person_id, by_email=wanted, digest_days=90)


def test_a_kind_has_one_topic_and_one_that_nobody_declared_is_among_the_others() -> None:
    declare(Topic.SECURITY, SECURITY)
    assert topic_of(SECURITY) is Topic.SECURITY
    assert topic_of("nobody.declared") is Topic.OTHERS
    with pytest.raises(ValueError, match="already"):
        declare(Topic.DIGEST, SECURITY)


def test_who_declined_emails_on_a_page_keeps_the_inbox_and_the_security_of_it(
    client: FlaskClient, camille: UUID
) -> None:
    answer = submit(client, PAGE, {"digest": "180"})
    assert answer.status_code == 303
    tell(camille)
    assert emails() == []
    assert SECRET in client.get("/espace/notifications").text
    tell(camille, kind=SECURITY)
    (email,) = emails()
    assert email.subject == "Un message important vous attend dans votre espace"
    assert "desabonnement" not in email.body
    with transaction(patient_id=camille):
        assert queries.digest_days(camille) == 180
    submit(client, PAGE, {"topics": "others", "digest": "30"})
    tell(camille)
    assert len(emails()) == 2


def test_a_frequency_that_is_not_offered_is_refused(client: FlaskClient, camille: UUID) -> None:
    assert submit(client, PAGE, {"digest": "7"}).status_code == 422
    assert submit(client, PAGE, {"digest": "souvent"}).status_code == 422
    with transaction(patient_id=camille):
        assert queries.digest_days(camille) == 90


def test_the_choice_of_one_representative_binds_no_other(people: Seeded, second_parent: UUID) -> None:
    lea, camille = people.patients["lea"], people.persons["camille"]
    tell(lea)
    assert recipients() == [CAMILLE, "dominique@exemple.invalid"]
    decline(lea, camille, Topic.OTHERS)
    tell(lea)
    assert recipients() == [CAMILLE, "dominique@exemple.invalid", "dominique@exemple.invalid"]
    tell(people.patients["camille"])
    assert recipients().count(CAMILLE) == 2, "what she declined for her child she did not decline for herself"


def test_somebody_who_is_not_written_to_chooses_nothing(people: Seeded) -> None:
    with pytest.raises(Forbidden):
        decline(people.patients["camille"], people.persons["dominique"])


def test_the_link_of_an_email_stops_it_without_signing_in(client: FlaskClient, people: Seeded) -> None:
    camille = people.patients["camille"]
    tell(camille)
    path = link_in(emails()[0], "/notifications/desabonnement/")
    page = client.get(path)
    assert (page.status_code, page.headers["Referrer-Policy"]) == (200, "no-referrer")
    assert "Autres messages" in page.text and "Camille" not in page.text
    tell(camille)
    assert len(emails()) == 2, "opening the link changes nothing"
    assert "C’est fait" in client.post(path).text
    tell(camille)
    assert len(emails()) == 2
    with transaction(patient_id=camille):
        declined = queries.list_declined(patient_id=camille, person_id=people.persons["camille"])
    assert declined == {Topic.OTHERS}


def test_a_mail_reader_unsubscribes_by_itself(client: FlaskClient, people: Seeded) -> None:
    """RFC 8058 §3.1: one POST, without cookie nor page."""
    tell(people.patients["camille"])
    path = link_in(emails()[0], "/notifications/desabonnement/")
    assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    tell(people.patients["camille"])
    assert len(emails()) == 1


def test_everything_stops_but_security(client: FlaskClient, people: Seeded) -> None:
    camille = people.patients["camille"]
    tell(camille)
    client.post(link_in(emails()[0], "/notifications/desabonnement/"), data={"everything": "oui"})
    with transaction(patient_id=camille):
        declined = queries.list_declined(patient_id=camille, person_id=people.persons["camille"])
        assert declined == set(OPTIONAL)
        assert queries.list_addresses(camille) == {CAMILLE: people.persons["camille"]}
    tell(camille, kind=SECURITY)
    assert len(emails()) == 2


def test_a_token_that_was_altered_or_belongs_elsewhere_stops_nothing(client: FlaskClient, people: Seeded) -> None:
    camille, person = people.patients["camille"], people.persons["camille"]
    token = preferences.unsubscription(patient_id=camille, person_id=person, topic=Topic.OTHERS)
    found = preferences.read_unsubscription(token)
    assert (found.patient_id, found.person_id, found.topic) == (camille, person, Topic.OTHERS)
    assert str(camille) not in token and str(person) not in token
    for wrong in (token[:-4], "A" + token[1:] if token[0] != "A" else "B" + token[1:], "x", "é", ""):
        with pytest.raises(NotFound):
            preferences.read_unsubscription(wrong)
    answer = client.post(f"/notifications/desabonnement/{token[:-4]}")
    assert answer.status_code == 404
    assert "Ce lien ne vaut plus" in answer.text


def test_the_tokens_of_two_emails_differ(people: Seeded) -> None:
    for _ in range(2):
        tell(people.patients["camille"])
    first, second = (link_in(email, "/notifications/desabonnement/") for email in emails())
    assert first != second


def test_an_address_is_not_written_to_without_end_but_hears_of_its_security(people: Seeded, clock: FrozenClock) -> None:
    camille = people.patients["camille"]
    for _ in range(6):
        tell(camille)
    assert len(emails()) == 4
    tell(camille, kind=SECURITY)
    assert len(emails()) == 5
    clock.move(hours=1, seconds=1)
    tell(camille)
    assert len(emails()) == 6


def test_a_preference_of_a_space_is_read_in_that_space_only(people: Seeded) -> None:
    camille, person = people.patients["camille"], people.persons["camille"]
    decline(camille, person, Topic.DIGEST)
    with transaction(patient_id=people.patients["dominique"]):
        assert queries.list_declined(patient_id=camille, person_id=person) == frozenset()
    with pytest.raises(Invalid), transaction(patient_id=camille):
        preferences.choose(patient_id=camille, person_id=person, by_email=[], digest_days=0)


@pytest.mark.browser
def test_notices_are_chosen_declined_and_read_on_pages_fit_for_everybody(
    page: Page, people: Seeded, assert_accessible: Callable[..., None]
) -> None:
    tell(people.patients["camille"], "/espace")
    path = link_in(emails()[0], "/notifications/desabonnement/")
    page.goto("/boite-aux-lettres")
    assert_accessible(page)
    page.goto("/espace/notifications")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.wait_for_url("**/espace/notifications")
    assert_accessible(page)
    page.get_by_role("link", name="Choisir ce dont vous êtes prévenu par courriel").click()
    page.get_by_label("Bilan des accès en cours").uncheck()
    page.get_by_label("Tous les mois").check()
    page.get_by_role("button", name="Enregistrer").click()
    assert_accessible(page)
    assert not page.get_by_label("Bilan des accès en cours").is_checked()
    assert page.get_by_text("Sécurité : toujours par courriel").is_visible()
    page.get_by_label("Une autre adresse").fill("camille.durand@exemple.invalid")
    page.get_by_role("button", name="Envoyer le lien").click()
    assert page.get_by_text("Un courriel est parti à cette adresse").is_visible()
    page.goto(link_in(emails()[0], "/notifications/adresse/"))
    assert_accessible(page)
    page.get_by_role("button", name="Confirmer cette adresse").click()
    assert page.get_by_role("heading", name="Votre adresse est confirmée").is_visible()
    page.goto(PAGE)
    assert page.get_by_text("camille.durand@exemple.invalid").is_visible()
    page.goto(path)
    assert_accessible(page)
    page.get_by_role("button", name=re.compile("^Arrêter ces courriels")).click()
    assert_accessible(page)
    page.goto("/espace/parametres")
    assert_accessible(page)
    page.goto("/espace/fermeture")
    assert_accessible(page)
