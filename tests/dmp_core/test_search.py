"""The search of a record: what is indexed, who sees what it finds, misspelt words, facets, the page, `_content`."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from dmp_core.cli import dmp
from dmp_core.events import DocumentFiled
from dmp_core.queries.search import Results, count_unsearched, search_record
from dmp_core.queries.search_texts import unseal
from dmp_core.rules.documents.metadata import read_metadata
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.rules.search.asking import read_question
from dmp_core.rules.search.facets import Facet
from dmp_core.rules.search.sources import TextState
from dmp_core.service.documents import acts, demonstration
from dmp_core.service.documents.demonstration import SOURCE, Invented, reference
from dmp_core.service.documents.drafts import Draft
from dmp_core.service.documents.storing import document_row, store
from dmp_core.service.drafts import Author
from dmp_core.tasks import read_text
from identity_core.service.seeding import Seeded
from platform_core import crypto, events
from platform_core.access import SYSTEM, Access, Actor, ActorKind
from platform_core.blobs.service import BlobRef
from platform_core.clock import FrozenClock
from platform_core.database import run, transaction
from tests.dmp_core import filing
from tests.dmp_core.cda import building
from tests.dmp_core.conftest import Fhir, Guard
from tests.files import JPEG, pdf
from tests.recalling import recall_people
from tests.signing_in import sign_in_citizen, submit

PATIENT = Viewer(ViewerKind.PATIENT)
RESULTS_CDA = building.document(building.section(building.laboratory(building.observation())))
RANGE = (
    '<referenceRange><observationRange><value xsi:type="IVL_PQ"><low value="0.270" unit="m[IU]/L"/>'
    '<high value="1.200" unit="m[IU]/L"/></value></observationRange></referenceRange>'
)
MATRICULE = b'<id root="1.2.250.1.213.1.4.10" extension="285047510112397"/>'
RANGE_CDA = building.document(building.section(building.laboratory(building.observation(more=RANGE))))
RELEVANCE = json.loads(Path(__file__).with_name("relevance.json").read_text())


def search(patient_id: UUID, text: str, viewer: Viewer = PATIENT, **options: object) -> Results:
    with transaction(patient_id=patient_id):
        return search_record(patient_id=patient_id, viewer=viewer, question=read_question(text), **options)


def titles(found: Results) -> list[str]:
    return [hit.title for hit in found.page.items]


@pytest.fixture
def people(app: Flask) -> Seeded:
    return recall_people()


@pytest.fixture
def camille(people: Seeded) -> UUID:
    return people.patients["camille"]


@pytest.fixture
def file(fhir: Fhir, guard: Guard, camille: UUID) -> Callable[..., UUID]:
    """Files a document in the record of Camille; its id."""
    guard.app.patient_id = camille

    def filed(**changes: object) -> UUID:
        answer = fhir.post("DocumentReference", filing.document(guard.app, **changes))
        assert answer.status_code == 201, answer.text
        return UUID(answer.json["id"])

    return filed


def test_twenty_questions_find_their_documents_among_the_first_five(camille: UUID) -> None:
    names = file_corpus(camille)
    missed = []
    for question, wanted in RELEVANCE["questions"]:
        first = {names[hit.id] for hit in search(camille, question).page.items[:5]}
        if not set(wanted) <= first:
            missed.append(question)
    assert len(RELEVANCE["questions"]) == 20
    # « Pression artérielle » alone is no hypertension, and « apixaban » is an anticoagulant by its sense only.
    assert missed == ["HTA", "anticoagulant fibrillation"]
    assert names[search(camille, "HTA").page.items[0].id] == "c01"
    assert search(camille, "hyper tention").corrected == "hypertension"
    assert search(camille, "œdème").page.total == search(camille, "OEDEMES").page.total == 2
    assert search(camille, "zzzz").page.total == 0


def file_corpus(patient_id: UUID) -> dict[UUID, str]:
    """File the texts of the relevance set, as the demonstration does with its own; what each is called there."""
    writer = Author(patient_id, "demonstration", None, "Démonstration", SOURCE)
    named = {}
    with transaction(patient_id=patient_id):
        crypto.patient_key(patient_id)
        for number, (name, title, specialty, text) in enumerate(RELEVANCE["documents"]):
            doctor = {
                "person": "",
                "specialty": specialty,
                "institution": "",
                "facility": "SA07",
                "setting": "AMBULATOIRE",
            }
            at = datetime(2026, 10, 1, 9, 0, tzinfo=UTC) - timedelta(days=7 * number)
            one = Invented(12 * number + 1, "11488-4", title, text, at, doctor)
            resource = reference(one, patient_id)
            read = read_metadata(resource, comprehensive=False)
            blob = BlobRef(f"corpus-{number}", len(text), b"")
            row = document_row(Draft(resource, read, io.BytesIO()), blob, b"", "", writer)
            store([row], by=SYSTEM)
            filed = io.BytesIO(text.encode())
            events.publish(DocumentFiled(patient_id, row["id"], "11488-4", "text/plain", None, filed))
            named[row["id"]] = name
    return named


@pytest.mark.parametrize(
    ("label", "seen_by"),
    [
        ("N", {"patient", "representative", "professional", "application"}),
        ("MASQUE_PS", {"patient", "representative"}),
        ("INVISIBLE_PATIENT", {"professional"}),
        ("INVISIBLE_REPRESENTANTS_LEGAUX", {"patient", "professional"}),
    ],
)
def test_a_search_finds_what_its_viewer_sees(
    file: Callable[..., UUID], camille: UUID, label: str, seen_by: set
) -> None:
    file(labels=() if label == "N" else (label,))
    viewers = {kind: Viewer(kind) for kind in ViewerKind if kind is not ViewerKind.AUTHOR}
    assert {kind for kind, viewer in viewers.items() if search(camille, "œdème", viewer).page.total} == seen_by
    assert search(camille, "oedme", Viewer(ViewerKind.PATIENT)).corrected in {"", "oedeme"}


def test_what_changes_after_it_was_indexed_is_found_no_more(file: Callable[..., UUID], camille: UUID) -> None:
    id = file()
    by = Actor(ActorKind.PATIENT, camille, "Camille Durand")
    assert titles(search(camille, "résorbé")) == ["Consultation du 12 juin"]
    with transaction(patient_id=camille):
        acts.archive_document(patient_id=camille, document_id=id, by=by)
    assert search(camille, "résorbé").page.total == 0


def test_a_pdf_is_found_by_its_title_at_once_and_by_its_text_when_a_task_has_read_it(
    file: Callable[..., UUID], camille: UUID
) -> None:
    written = file(
        content=demonstration._pdf("Lettre\nFracture du radius"), content_type="application/pdf", title="Lettre"
    )
    scanned = file(content=pdf(), content_type="application/pdf", title="Ordonnance numérisée")
    broken = file(content=JPEG, content_type="image/jpeg", title="Photographie")
    assert titles(search(camille, "lettre")) == ["Lettre"] and search(camille, "radius").page.total == 0
    with transaction(patient_id=camille):
        left = count_unsearched(patient_id=camille, viewer=PATIENT)
        asked = {row.arguments[1] for row in run("SELECT arguments FROM core_outbox WHERE task = 'dmp.read_text'", {})}
    assert (left.waiting, left.wordless, asked) == (2, 1, {str(written), str(scanned)})
    for document_id in (written, scanned, broken, written):
        read_text(str(camille), str(document_id))
    (hit,) = search(camille, "fractures").page.items
    assert [piece.text for piece in hit.extract if piece.found] == ["Fracture"]
    (hit,) = search(camille, "numérisées").page.items
    assert hit.state is TextState.WORDLESS


def test_the_results_of_a_cda_document_are_found_with_it_and_go_with_it(fhir: Fhir, guard: Guard) -> None:
    given = {"content": RESULTS_CDA, "content_type": "text/xml", "code": "11502-2"}
    answer = fhir.post("DocumentReference", filing.document(guard.app, **given))
    id, patient_id = UUID(answer.json["id"]), guard.app.patient_id
    found = {(hit.source, hit.category, hit.document_id) for hit in search(patient_id, "examen").page.items}
    assert ("entry", "results.biology", id) in found
    with transaction(patient_id=patient_id):
        run("UPDATE dmp_document SET state = 'superseded'", {})
    assert search(patient_id, "examen").page.total == 0


def test_facets_narrow_pages_follow_and_some_words_are_better_than_none(
    file: Callable[..., UUID], camille: UUID
) -> None:
    for number in range(12):
        file(title=f"Compte rendu {number}", content=f"Examen {number} : genou douloureux.".encode())
    file(title="Analyse", code="11502-2", content=b"Genou : ponction articulaire.")
    found = search(camille, "genou")
    assert (found.page.total, len(found.page.items)) == (13, 10)
    assert {one.value: one.number for one in found.facets[Facet.KIND]} == {
        "documents.hospital-reports": 12,
        "documents.biology": 1,
    }
    assert len(search(camille, "genou", page=2).page.items) == 3
    assert titles(search(camille, "genou", chosen={Facet.KIND: "documents.biology"})) == ["Analyse"]
    partly = search(camille, "ponction fémorale genou")
    assert partly.partial and titles(partly)[0] == "Analyse"


def test_a_measure_is_found_by_its_name(space: FlaskClient, camille: UUID) -> None:
    submit(space, "/espace/mesures/body-weight/ajouter", {"value": "72,5", "date": "2026-11-20", "time": "08:15"})
    (point,) = search(camille, "poids").measures
    assert point.kind.name == "body-weight"


def test_an_app_searches_texts_within_its_consent(file: Callable[..., UUID], fhir: Fhir, guard: Guard) -> None:
    shown, kept, masked = file(), file(), file(labels=("MASQUE_PS",))
    guard.app.excluded = frozenset({kept})

    def found(query: str) -> list[str]:
        answer = fhir.get(f"DocumentReference?{query}")
        assert answer.status_code == 200, answer.text
        return [entry["resource"]["id"] for entry in answer.json.get("entry", ())]

    assert found("_content=oedemes") == [str(shown)] and str(masked) not in found("_content=oedemes%20tension")
    assert found("_content=fracture") == []
    assert fhir.get("DocumentReference?_content=de%20la").status_code == 400
    guard.app.refused = frozenset({("documents.hospital-reports", Access.READ)})
    assert found("_content=oedemes") == []


def test_the_words_of_a_record_are_nobody_elses_and_its_texts_are_sealed(
    file: Callable[..., UUID], camille: UUID, people: Seeded
) -> None:
    file()
    question = read_question("œdème").every
    statement = "SELECT count(*) FROM ens_search_record(%(query)s::tsquery, '{}', now(), 10)"
    tables = "SELECT (SELECT count(*) FROM dmp_search) + (SELECT count(*) FROM dmp_search_word)"
    for patient_id, seen in ((None, False), (people.patients["paul"], False), (camille, True)):
        with transaction(patient_id=patient_id):
            assert bool(run(statement, {"query": question})[0][0]) is seen
            assert bool(run(tables, {})[0][0]) is seen
    with transaction(patient_id=camille):
        (row,) = run("SELECT body FROM dmp_search", {})
        assert filing.TEXT not in row.body and b"tension" not in row.body
        with pytest.raises(ValueError, match="does not open"):
            unseal(row.body, camille, uuid4(), key=crypto.patient_key(camille))


def test_records_are_read_again_by_a_command(file: Callable[..., UUID], camille: UUID, app: Flask) -> None:
    file()
    file(content=demonstration._pdf("Fracture"), content_type="application/pdf")
    with transaction(patient_id=camille):
        run("DELETE FROM dmp_search", {})
    runner = app.test_cli_runner()
    for options, count in (((), 2), ((), 0), (("--again",), 2), (("--patient", str(camille)), 0)):
        answer = runner.invoke(dmp, ["reindex", *options])
        assert f"{count} documents and entries read, of 1 records." in answer.output
    assert search(camille, "fracture").page.total == 1


@pytest.fixture
def space(client: FlaskClient, people: Seeded, camille: UUID) -> FlaskClient:
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
    return client


def test_a_search_travels_in_the_form_and_its_page_links_to_what_it_found(
    file: Callable[..., UUID], space: FlaskClient
) -> None:
    id = file()
    page = submit(space, "/espace/recherche", {"text": "oedme -<script>"}).text
    assert f"/espace/dossier/documents/{id}" in page and "<mark>œdème</mark>" in page
    assert "oedeme -script" in page
    assert "Écrivez au moins un mot" in submit(space, "/espace/recherche", {"text": "-"}).text
    assert "Aucun résultat" in submit(space, "/espace/recherche", {"text": "fracture"}).text
    assert "<mark>" not in space.get("/espace/recherche?text=tension").text


@pytest.mark.browser
def test_a_person_searches_in_a_browser(
    clock: FrozenClock, page: Page, file: Callable[..., UUID], assert_accessible: Callable[..., None]
) -> None:
    for number in range(11):
        file(title=f"Consultation {number}", author=[{"display": "Dr Sophie Martin"}])
    file(content=RANGE_CDA.replace(MATRICULE, b""), content_type="text/xml", code="11502-2", title="Bilan")
    page.goto("/espace/recherche")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.wait_for_url("**/espace/recherche")
    expect(page.get_by_text("ce n’est pas un diagnostic")).to_be_visible()
    expect(page.get_by_text("hors de l’intervalle du laboratoire")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Que cherchez-vous").fill("oedme résorbé")
    page.get_by_role("button", name="Rechercher").click()
    expect(page.get_by_text("11 résultats")).to_be_visible()
    page.get_by_role("button", name="Page suivante").click()
    expect(page.get_by_text("Page 2 sur 2")).to_be_visible()
    page.get_by_text("Affiner les résultats").click()
    page.get_by_label("Année").select_option("2026")
    page.get_by_role("button", name="Affiner").click()
    assert_accessible(page)
    assert page.url.endswith("/espace/recherche")
    page.get_by_role("link", name="Consultation").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Consultation")
