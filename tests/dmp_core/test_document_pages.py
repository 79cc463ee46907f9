"""The pages of documents, and what the demonstration files."""

import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch as replaced
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from dmp_core.queries import documents as queries
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.schemas import DocumentFilter
from dmp_core.service.documents import demonstration
from identity_core.service.seeding import Seeded
from platform_core import clock
from platform_core.access import Actor, ActorKind
from platform_core.categories import registry
from platform_core.database import run, transaction
from platform_core.fhir.validation import judge
from tests.dmp_core.filing import pdf_a
from tests.files import PNG
from tests.recalling import recall_people
from tests.signing_in import read_csrf_token, sign_in_citizen

LIST, ADD = "/espace/dossier/documents", "/espace/dossier/documents/ajouter"
UNTIL = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture
def people(app: Flask) -> Seeded:
    return recall_people()


@pytest.fixture
def camille(people: Seeded) -> UUID:
    return people.patients["camille"]


@pytest.fixture
def space(client: FlaskClient, people: Seeded, camille: UUID) -> FlaskClient:
    """The browser of Camille, signed in."""
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
    return client


def add(space: FlaskClient, content: bytes = PNG, name: str = "radio.png", **changes: str) -> Any:
    form = {"title": "Radio du genou", "type": "DOCPAT04", "date": "2026-11-20", **changes}
    token = read_csrf_token(space, ADD)
    data = {**form, "csrf_token": token, "file": (io.BytesIO(content), name)}
    return space.post(ADD, data=data, content_type="multipart/form-data")


def drawing() -> bytes:
    """A true PNG: 64 grey pixels on 64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x99" * 64 for _ in range(64))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def press(space: FlaskClient, path: str, **form: str) -> Any:
    return space.post(path, data={**form, "csrf_token": read_csrf_token(space, ADD)})


def test_a_document_filed_by_hand_is_in_the_list_in_its_page_and_in_the_record(
    space: FlaskClient, camille: UUID
) -> None:
    assert "Aucun document" in space.get(LIST).text
    added = add(space, pdf_a(), "Radio.pdf", title="Radio : genou/droit")
    assert added.status_code == 303
    page = space.get(added.location).text
    for words in ("Imagerie déposée par le patient", "20 novembre 2026", "PDF/A-1b", "Camille Durand", "octets"):
        assert words in page.replace("\u00a0", " "), words
    for path in (LIST, "/espace/dossier", "/espace"):
        assert "Radio : genou/droit" in space.get(path).text
    opened, saved = (space.get(f"{added.location}/{way}") for way in ("contenu", "fichier"))
    assert opened.data == saved.data == pdf_a()
    name = "filename*=UTF-8''Radio%20%20%20genou%20droit.pdf"
    assert opened.headers["Content-Disposition"] == f"inline; {name}"
    assert saved.headers["Content-Disposition"] == f"attachment; {name}"
    assert "script-src" not in opened.headers["Content-Security-Policy"]
    assert f'<iframe class="ens-pdf" src="{added.location}/contenu"' in page
    assert "frame-ancestors 'self'" in opened.headers["Content-Security-Policy"]
    assert [one.headers["X-Frame-Options"] for one in (opened, saved)] == ["SAMEORIGIN", "DENY"]
    with transaction(patient_id=camille):
        (row,) = run("SELECT id, facility, setting, source, author_id FROM dmp_document", {})
        described = registry.get("documents.patient-documents").describe
        assert described and described([row.id]) == {row.id: "Imagerie déposée par le patient, 20\u00a0novembre 2026"}
    assert row.facility.endswith("|EXP_PATIENT") and row.setting.endswith("|EXP_PATIENT")
    assert (row.source, row.author_id) == ("urn:ens:patient", camille)


@pytest.mark.parametrize(
    ("content", "name", "changes", "words"),
    [
        (b"", "a.pdf", {}, "Le fichier est vide."),
        (PNG, "a.pdf", {}, "Le contenu du fichier ne correspond pas"),
        (PNG, "a.exe", {}, "Type de fichier refusé"),
        (PNG, "", {}, "Choisissez un fichier."),
        (PNG, "a.png", {"title": " "}, "Donnez un titre"),
        (PNG, "a.png", {"type": "11488-4"}, "Choisissez ce qu’est le document."),
        (PNG, "a.png", {"date": "2999-01-01"}, "ne peut pas être dans le futur"),
        (PNG, "a.png", {"date": "hier"}, "Écrivez la date"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_filed(
    space: FlaskClient, camille: UUID, content: bytes, name: str, changes: dict[str, str], words: str
) -> None:
    answer = add(space, content, name, **changes)
    assert answer.status_code == 422 and words in answer.text.replace("\u202f", " ").replace("\u00a0", " ")
    with transaction(patient_id=camille):
        assert not run("SELECT 1 FROM dmp_document", {})


def test_all_that_is_wrong_is_said_at_once(space: FlaskClient) -> None:
    answer = add(space, name="", title="", type="", date="").text
    for words in ("Choisissez un fichier.", "Donnez un titre", "Choisissez ce qu’est le document.", "Écrivez la date"):
        assert words in answer, words


def test_the_patient_masks_shows_puts_away_and_takes_back(space: FlaskClient) -> None:
    path = add(space).location
    shown = re.compile(r"professionnels de santé qui vous soignent</dt><dd>(\w+)")
    for act, answer in (("masquer", "Non"), ("montrer", "Oui")):
        assert press(space, path, act=act).status_code == 303
        assert shown.findall(space.get(path).text) == [answer]
    press(space, path, act="ranger")
    assert "Aucun document" in space.get(LIST).text
    assert "Radio du genou" in press(space, LIST, archived="oui").text
    press(space, path, act="ressortir")
    assert press(space, path, act="brûler").status_code == 404
    assert press(space, path, act="supprimer").location == LIST
    assert space.get(path).status_code == 404


def test_the_list_is_filtered_by_form_and_turns_its_pages(space: FlaskClient, camille: UUID) -> None:
    with transaction(patient_id=camille):
        demonstration.add_documents_for_demo(patient_id=camille, until=clock.now(), count=60)
        kinds = dict(run("SELECT kind, count(*) AS n FROM dmp_document GROUP BY kind", {}))
    counted = re.compile(r'role="status">(\d+) document')
    assert counted.findall(space.get(LIST).text) == ["60"]
    for kind, number in kinds.items():
        assert counted.findall(press(space, LIST, kind=kind).text) == [str(number)], kind
    assert counted.findall(press(space, LIST, author="Pharmacie du Marché").text) == [str(kinds["dispensations"])]
    assert 4 < int(counted.findall(press(space, LIST, period="annee").text)[0]) < 8
    last = press(space, LIST, page="3").text
    assert "Page 3 sur 3" in last and last.count("/espace/dossier/documents/0") == 10
    assert counted.findall(press(space, LIST, kind="none", period="siècle").text) == ["60"]


def test_the_pages_ask_to_sign_in_and_another_patient_finds_nothing(
    client: FlaskClient, people: Seeded, camille: UUID
) -> None:
    assert client.get(LIST).location.startswith("/connexion?suite=")
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
    path = add(client).location
    sign_in_citizen(client, person_id=people.persons["dominique"], patient_id=people.patients["dominique"])
    for way in ("", "/contenu", "/fichier"):
        assert client.get(path + way).status_code == 404


def test_a_representative_sees_no_document_that_is_hidden_from_them(people: Seeded, camille: UUID) -> None:
    viewers = [
        Viewer.of(Actor(kind, None, "")) for kind in (ActorKind.PATIENT, ActorKind.REPRESENTATIVE, ActorKind.HELPER)
    ]
    with transaction(patient_id=camille):
        demonstration.add_documents_for_demo(patient_id=camille, until=clock.now(), count=1)
        run("UPDATE dmp_document SET invisible_to_representatives = true", {})
        counts = [queries.count_documents(queries.Sought(camille, one, DocumentFilter().spans)) for one in viewers]
    assert counts == [1, 0, 0]


def test_invented_documents_are_valid_fhir_and_their_pdf_can_be_read() -> None:
    patient = UUID(int=7)
    invented = [demonstration.invent(patient, number, 60, UNTIL, 10) for number in range(60)]
    assert len({one.type_code for one in invented}) > 6
    for one in {one.type_code: one for one in invented}.values():
        assert judge(demonstration.reference(one, patient)) == []
    text = PdfReader(io.BytesIO(invented[0].content)).pages[0].extract_text()
    assert invented[0].is_pdf and invented[0].doctor["person"] in text


def test_the_demonstration_files_the_same_documents_once(app: Flask) -> None:
    patient = UUID(int=8)
    with replaced.object(demonstration, "AT_ONCE", 20):
        for first, filed in ((0, 20), (20, 10), (0, 0), (20, 0)):
            with transaction(patient_id=patient):
                done = demonstration.add_documents_for_demo(patient_id=patient, until=UNTIL, count=30, first=first)
            assert done == filed, first
    with transaction(patient_id=patient):
        (spread,) = run("SELECT max(effective_at) - min(effective_at) AS s, count(*) AS n FROM dmp_document", {})
    assert spread.n == 30 and 9 * 365 < spread.s.days < 3660


_CROWD = """
INSERT INTO dmp_document (patient_id, body, {columns})
SELECT one.patient, '{{}}', {columns}
  FROM dmp_document, LATERAL (SELECT md5(n::text)::uuid AS patient FROM generate_series(1, 2500) AS n) AS one
 WHERE tableoid = (SELECT tableoid FROM dmp_document LIMIT 1)
   AND satisfies_hash_partition('dmp_document'::regclass, 16,
         (SELECT r FROM generate_series(0, 15) AS r
           WHERE satisfies_hash_partition('dmp_document'::regclass, 16, r, patient_id)), one.patient)"""


@pytest.fixture
def crowd(app: Flask, owner: sa.Engine) -> Iterator[UUID]:
    """A patient of 60 documents, in the partition of a hundred others who have as many."""
    patient = UUID(int=9)
    with transaction(patient_id=patient):
        demonstration.add_documents_for_demo(patient_id=patient, until=UNTIL, count=60)
    with owner.begin() as connection:
        columns = ", ".join(column["name"] for column in sa.inspect(connection).get_columns("dmp_document"))
        columns = columns.replace("patient_id, ", "").replace(", body", "")
        connection.execute(sa.text(_CROWD.format(columns=columns)))
        connection.execute(sa.text("ANALYZE dmp_document"))
    yield patient


def test_the_lists_are_read_in_the_order_of_their_index(crowd: UUID) -> None:
    chosen = DocumentFilter()
    bounded = {kind: queries.Span(UNTIL.replace(year=2020), None) for kind in chosen.spans}
    cases = [
        ("care", ViewerKind.PATIENT, chosen.spans, "effective_at_id_idx"),
        ("-date", ViewerKind.APPLICATION, bounded, "dated_at_id_idx"),
        ("_lastUpdated", ViewerKind.APPLICATION, chosen.spans, "updated_at_id_idx"),
    ]
    for sort, kind, spans, index in cases:
        sought = queries.Sought(crowd, Viewer(kind), spans, chosen.conditions(UNTIL.date()))
        with transaction(patient_id=crowd), replaced.object(queries, "run") as sent:
            queries.search_documents(sought, sort=sort, limit=25)
            plan = "\n".join(row[0] for row in run(f"EXPLAIN {sent.call_args.args[0]}", sent.call_args.args[1]))
        assert index in plan and "Seq Scan" not in plan, f"{sort}\n{plan}"


@pytest.mark.browser
def test_a_person_files_reads_and_masks_a_document_in_a_browser(
    page: Page, camille: UUID, assert_accessible: Callable[..., None]
) -> None:
    with transaction(patient_id=camille):
        demonstration.add_documents_for_demo(patient_id=camille, until=clock.now(), count=30)
    page.goto("/espace/dossier/documents")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.wait_for_url("**/espace/dossier/documents")
    assert_accessible(page)
    page.get_by_role("button", name="Page suivante").click()
    expect(page.get_by_text("Page 2 sur 2")).to_be_visible()
    page.get_by_text("Filtrer les documents").click()
    page.get_by_label("Type de document").select_option("Analyses de biologie")
    page.get_by_role("button", name="Filtrer").click()
    page.get_by_role("table").get_by_role("link").first.click()
    assert_accessible(page)
    page.goto("/espace/dossier/documents/ajouter")
    page.get_by_role("button", name="Ajouter le document").click()
    assert_accessible(page, status=422)
    page.get_by_label("Fichier").set_input_files({"name": "genou.png", "mimeType": "image/png", "buffer": drawing()})
    page.get_by_label("Titre").fill("Radio du genou")
    page.get_by_label("Ce qu’est le document").select_option("Imagerie déposée par le patient")
    page.get_by_role("button", name="Ajouter le document").click()
    expect(page.get_by_text("Le document est ajouté.")).to_be_visible()
    image = page.get_by_role("img", name="Image du document : Radio du genou")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.naturalWidth") == 64
    page.get_by_role("button", name="Masquer aux professionnels").click()
    expect(page.get_by_text("Le document est masqué")).to_be_visible()
    assert_accessible(page)
    page.goto("/espace/dossier/documents/ajouter")
    page.get_by_label("Fichier").set_input_files({"name": "ecg.pdf", "mimeType": "application/pdf", "buffer": pdf_a()})
    page.get_by_label("Titre").fill("Électrocardiogramme")
    page.get_by_label("Ce qu’est le document").select_option("Imagerie déposée par le patient")
    page.get_by_role("button", name="Ajouter le document").click()
    expect(page.get_by_title("Le document, en PDF")).to_be_visible()
    assert_accessible(page)
