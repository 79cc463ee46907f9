"""The story of a record: documents made into episodes, on the page of who may see them; documents that are related."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from dmp_core.queries.search import Within, list_related
from dmp_core.queries.search_notices import list_notices
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.rules.episodes import APART, Item, group
from dmp_core.service.professionals import agreements
from identity_core.service.seeding import Seeded
from platform_core.access import Actor, ActorKind
from platform_core.clock import FrozenClock
from platform_core.database import run, transaction
from tests.dmp_core import filing
from tests.dmp_core.conftest import Fhir, Guard
from tests.recalling import recall_people
from tests.signing_in import sign_in_citizen, sign_in_professional, submit

PATIENT, PROFESSIONAL = Viewer(ViewerKind.PATIENT), Viewer(ViewerKind.PROFESSIONAL)
DAY = timedelta(days=1)
NOON = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


def item(number: int, at: datetime, specialty: str = "", institution: str = "") -> Item:
    return Item(UUID(int=number), f"Document {number}", at, "", specialty, institution)


@pytest.mark.parametrize(
    ("items", "episodes"),
    [
        ([], []),
        ([item(1, NOON)], [[1]]),
        ([item(1, NOON), item(2, NOON)], [[2], [1]]),
        ([item(1, NOON, "Cardiologie"), item(2, NOON - APART, "Cardiologie")], [[1, 2]]),
        ([item(1, NOON, "Cardiologie"), item(2, NOON - APART - DAY, "Cardiologie")], [[1], [2]]),
        ([item(1, NOON, "Cardiologie", "CHU"), item(2, NOON - DAY, "Radiologie", "CHU")], [[1, 2]]),
        (
            [item(1, NOON, "Cardiologie"), item(2, NOON - DAY, "Radiologie"), item(3, NOON - 2 * DAY, "Cardiologie")],
            None,
        ),
        ([item(n, NOON - 20 * n * DAY, "Cardiologie") for n in range(1, 5)], [[1, 2, 3, 4]]),
    ],
)
def test_documents_near_in_time_and_of_one_place_or_specialty_make_an_episode(
    items: list[Item], episodes: list[list[int]] | None
) -> None:
    found = [[one.id.int for one in episode.items] for month in group(items) for episode in month.episodes]
    assert found == ([[1, 3], [2]] if episodes is None else episodes)
    assert group(items[::-1]) == group(items)


def test_an_episode_is_of_the_month_in_paris_in_which_it_ends_and_named_by_what_is_common() -> None:
    last = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)  # April has begun in Paris
    (month,) = group([item(1, last, "Cardiologie", "CHU"), item(2, last - DAY, "Radiologie", "CHU")])
    (episode,) = month.episodes
    assert (month.first_day.month, episode.specialty, episode.institution) == (4, "", "CHU")
    assert (episode.begins_at, episode.ends_at) == (last - DAY, last)


@pytest.fixture
def people(app: Flask, clock: FrozenClock) -> Seeded:
    return recall_people()


@pytest.fixture
def camille(people: Seeded) -> UUID:
    return people.patients["camille"]


@pytest.fixture
def file(fhir: Fhir, guard: Guard, camille: UUID) -> Callable[..., UUID]:
    guard.app.patient_id = camille

    def filed(**changes: object) -> UUID:
        answer = fhir.post("DocumentReference", filing.document(guard.app, **changes))
        assert answer.status_code == 201, answer.text
        return UUID(answer.json["id"])

    return filed


def test_the_page_shows_a_year_in_episodes_and_nothing_that_is_hidden(
    file: Callable[..., UUID], client: FlaskClient, people: Seeded, camille: UUID
) -> None:
    file(title="Première lettre")
    file(title="Seconde lettre")
    file(title="Pas encore annoncé", labels=("INVISIBLE_PATIENT",))
    with transaction(patient_id=camille):
        run("UPDATE dmp_document SET author_specialty = 'Cardiologie'", {})
        run("UPDATE dmp_document SET effective_at = '2024-05-02 10:00Z' WHERE title = 'Seconde lettre'", {})
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
    page = client.get("/espace/dossier/histoire").text
    assert "Première lettre" in page and "Seconde lettre" not in page and "Pas encore annoncé" not in page
    earlier = client.get("/espace/dossier/histoire?annee=2024").text
    assert "Seconde lettre" in earlier and "Mai 2024" in earlier and "annee=2026" in earlier
    assert "Première lettre" in client.get("/espace/dossier/histoire?annee=1999").text
    with transaction(patient_id=camille):
        run("UPDATE dmp_document SET effective_at = '2026-06-12 10:00Z'", {})
    assert "Cardiologie" in (page := client.get("/espace/dossier/histoire").text)
    assert "2\u00a0documents" in page or "2 documents" in page


def test_related_documents_are_those_that_share_words_and_may_be_seen(
    file: Callable[..., UUID], client: FlaskClient, people: Seeded, camille: UUID
) -> None:
    text = "Infarctus du myocarde, angioplastie de la coronaire droite, pose d’un stent.".encode()
    one, two = (file(title=f"Cardiologie {number}", content=text) for number in "AB")
    file(title="Vue", content="Cataracte de l’œil gauche.".encode())
    masked = file(title="Cardiologie C", content=text, labels=("MASQUE_PS",))

    def related(viewer: Viewer, **options: object) -> set[UUID]:
        with transaction(patient_id=camille):
            return {hit.id for hit in list_related(patient_id=camille, document_id=one, viewer=viewer, **options)}

    assert related(PATIENT) == {two, masked} and related(PROFESSIONAL) == {two}
    assert related(PROFESSIONAL, within=Within(types=["11502-2"])) == set()
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
    page = client.get(f"/espace/dossier/documents/{one}").text
    assert "Documents proches" in page and f"/espace/dossier/documents/{two}" in page


def test_a_professional_searches_what_the_agreement_the_mask_and_the_profession_leave(
    file: Callable[..., UUID], app: Flask, people: Seeded, camille: UUID
) -> None:
    shown = file(title="Lettre montrée")
    file(title="Lettre cachée", labels=("MASQUE_PS",))
    path, office = f"/pro/patients/{camille}/recherche", app.test_client()
    sign_in_professional(office, professional_id=people.professionals["dr-martin"])
    assert office.get(path).status_code == 403
    let_in(people, camille)
    assert "Rechercher" in office.get(path).text
    page = submit(office, path, {"text": "œdème"}).text
    assert f"/pro/patients/{camille}/documents/{shown}" in page and "Lettre cachée" not in page
    with transaction(patient_id=camille):
        lines = run("SELECT interaction, categories, count FROM core_journal WHERE outcome = 'served'", {})
        for within in (Within(types=[], categories=[]), Within(types=["11502-2"], categories=["results.biology"])):
            assert list_notices(patient_id=camille, viewer=PROFESSIONAL, within=within) == []
    assert ("search", ["documents.hospital-reports"], 1) in [tuple(line) for line in lines]


def let_in(people: Seeded, patient_id: UUID) -> None:
    herself = Actor(ActorKind.PATIENT, patient_id, "Camille Durand")
    with transaction(patient_id=patient_id):
        agreements.declare_treating_doctor(
            patient_id=patient_id, professional_id=people.professionals["dr-martin"], by=herself
        )


@pytest.mark.browser
def test_a_person_goes_through_the_years_of_a_record_in_a_browser(
    file: Callable[..., UUID], page: Page, camille: UUID, assert_accessible: Callable[..., None]
) -> None:
    text = "Infarctus du myocarde, angioplastie de la coronaire droite, pose d’un stent.".encode()
    for number in range(3):
        file(title=f"Cardiologie, lettre {number}", content=text)
    with transaction(patient_id=camille):
        run("UPDATE dmp_document SET author_specialty = 'Cardiologie', effective_at = '2025-06-12 10:00Z'", {})
    file(title="Autre lettre")
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto("/espace/dossier/histoire")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.wait_for_url("**/espace/dossier/histoire")
    page.get_by_role("link", name="2025").click()
    page.get_by_text("3 documents, le 12 juin 2025").click()
    assert_accessible(page)
    page.get_by_role("link", name="Cardiologie, lettre 1").click()
    expect(page.get_by_role("heading", name="Documents proches")).to_be_visible()
    assert_accessible(page)
