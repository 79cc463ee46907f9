"""The pages of evidence: filing, choosing, replacing, downloading; each refusal with its own sentence."""

import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from platform_core import antivirus, archives, file_types
from platform_core import config as settings_module
from platform_core.config import Config
from platform_core.database import db, transaction
from store.models.evidence import Evidence
from store.pages.evidence import refusals
from store.queries import evidence as queries
from store.queries.submissions import get_own_submission
from store.service import dossiers
from tests import files
from tests.signing_in import read_csrf_token, sign_in_agent, submit
from tests.store.conftest import People, bring_to

NEW = "/editeur/preuves/nouvelle"
ABSENT = UUID("00000000-0000-7000-8000-000000000000")
PDF = files.pdf()
SAID = {"kind": "other", "title": "Attestation d’assurance"}


@pytest.fixture(autouse=True)
def blob_folder(app: Flask, config: Config, tmp_path: Path) -> Iterator[Path]:
    """An empty folder of blobs, as that of the process."""
    settings_module.configure(replace(config, blob_url=f"file://{tmp_path}/blobs"))
    yield tmp_path / "blobs"
    settings_module.configure(config)


@pytest.fixture
def alice(client: FlaskClient, people: People) -> FlaskClient:
    sign_in_agent(client, agent_id=people.alice.id)  # type: ignore[arg-type]
    return client


def post(client: FlaskClient, path: str, content: bytes | None, name: str = "pièce.pdf", **fields: str) -> TestResponse:
    """Post the form of a file, as a browser does."""
    data: dict[str, object] = {**SAID, **fields, "csrf_token": read_csrf_token(client, path)}
    if content is not None:
        data["file"] = FileStorage(BytesIO(content), name)
    boundary, body = encode_multipart(data)
    return client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def only_evidence(people: People) -> UUID:
    with transaction():
        found = queries.list_evidence(organisation_id=people.alice.organisation_id)  # type: ignore[arg-type]
    return found[0].id


def nothing_kept(blob_folder: Path) -> bool:
    with transaction():
        rows = db.session.scalar(sa.select(sa.func.count()).select_from(Evidence))
    return rows == 0 and not any(path.is_file() for path in blob_folder.rglob("*"))


@pytest.mark.parametrize(
    "path",
    [
        "/editeur/preuves",
        NEW,
        f"/editeur/preuves/{ABSENT}/fichier",
        f"/editeur/preuves/{ABSENT}/remplacement",
        f"/editeur/applications/{ABSENT}/preuves",
        f"/instruction/preuves/{ABSENT}/fichier",
    ],
)
def test_nothing_of_evidence_is_public(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 303 and answer.location.startswith("/connexion/")


def test_a_filed_file_is_listed_and_comes_back_as_an_attachment(alice: FlaskClient, people: People) -> None:
    answer = post(alice, NEW, PDF, valid_until="2099-01-31")
    assert (answer.status_code, answer.location) == (303, "/editeur/preuves")
    page = alice.get("/editeur/preuves").text
    assert "Attestation d’assurance" in page and "Valable" in page and "31\u00a0janvier 2099" in page
    file = alice.get(f"/editeur/preuves/{only_evidence(people)}/fichier")
    assert (file.data, file.mimetype, file.content_length) == (PDF, "application/pdf", len(PDF))
    assert file.headers["Content-Disposition"] == "attachment; filename*=UTF-8''pi%C3%A8ce.pdf"
    assert file.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert (file.headers["X-Content-Type-Options"], file.headers["Cache-Control"]) == ("nosniff", "no-store")


REFUSED = {
    "a renamed program": ("rapport.pdf", files.PROGRAM, 422, "ne correspond pas à son extension"),
    "a program": ("outil.exe", files.PROGRAM, 415, "Type de fichier refusé"),
    "an empty file": ("rapport.pdf", b"", 422, "Le fichier est vide"),
    "a bomb": ("a.docx", files.docx(**{"word/a.xml": bytes(20 * files.MB)}), 422, "une place démesurée"),
    "an archive inside": ("a.docx", files.docx(**{"a.xml": files.archive({})}), 422, "contient une archive"),
    "a program inside": ("a.docx", files.docx(**{"a.bin": files.PROGRAM}), 422, "contient un programme"),
    "macros": ("a.docx", files.docx(**{"word/vbaProject.bin": b"a"}), 422, "contient des macros"),
    "a locked document": ("a.docx", files.locked_archive(), 422, "Le document est protégé par un mot de passe"),
    "a damaged document": ("a.docx", files.altered_archive(), 422, "Le document est abîmé"),
    "a locked PDF": ("rapport.pdf", files.pdf(password="secret"), 422, "Le PDF est protégé par un mot de passe"),
    "a damaged PDF": ("rapport.pdf", b"%PDF-1.7\n" + bytes(range(32, 127)), 422, "Le PDF est abîmé"),
    "Latin-1 text": ("notes.txt", "Été".encode("latin-1"), 422, "Le texte est illisible"),
    "a large JSON": ("a.json", b"[" + b"1," * files.MB + b"1]", 413, "ne peut pas dépasser 2 Mo"),
    "a path": ("../../rapport.pdf", PDF, 422, "Le nom du fichier est refusé"),
    "no file": ("", None, 422, "Choisissez un fichier"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_file_is_told_why_and_leaves_nothing(alice: FlaskClient, blob_folder: Path, case: str) -> None:
    name, content, status, sentence = REFUSED[case]
    answer = post(alice, NEW, content, name)
    assert answer.status_code == status and sentence in answer.text
    assert "Attestation d’assurance" in answer.text, "what was typed is kept"
    assert nothing_kept(blob_folder)


def test_each_reason_to_refuse_has_a_sentence_of_its_own() -> None:
    modules = (file_types, archives, antivirus)
    codes = {code for module in modules for code in re.findall(r'code="([a-z-]+)"', Path(module.__file__).read_text())}
    assert codes | {"too-large", "file-missing"} == set(refusals._SENTENCES)
    assert len(set(refusals._SENTENCES.values())) == len(refusals._SENTENCES)


def test_a_body_of_200_mb_is_not_read(alice: FlaskClient, blob_folder: Path) -> None:
    body = files.Hole(200 * files.MB)
    answer = alice.post(
        NEW,
        input_stream=body,
        content_length=body.size,
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.status_code == 413 and "Le fichier dépasse 25 Mo" in answer.text
    assert body.given == 0 and nothing_kept(blob_folder)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"title": " "}, "Donnez un intitulé"),
        ({"kind": ""}, "Choisissez ce que prouve ce fichier"),
        ({"kind": "hds-certificate"}, "Dites jusqu’à quand cette pièce est valable"),
        ({"valid_until": "hier"}, "Écrivez la date comme 21/11/2026"),
        ({"valid_until": "2001-01-01"}, "Cette date est passée"),
        ({"valid_from": "2099-02-01", "valid_until": "2099-01-01"}, "La fin de validité précède son début"),
    ],
)
def test_a_wrong_answer_beside_the_file_is_told(
    alice: FlaskClient, blob_folder: Path, fields: dict[str, str], sentence: str
) -> None:
    answer = post(alice, NEW, PDF, **fields)
    assert answer.status_code == 422 and sentence in answer.text
    assert "Choisissez de nouveau le fichier" in answer.text and nothing_kept(blob_folder)


def test_a_form_without_its_token_is_refused(alice: FlaskClient, blob_folder: Path) -> None:
    data = {**SAID, "file": (BytesIO(PDF), "a.pdf")}
    assert alice.post(NEW, data=data, content_type="multipart/form-data").status_code == 400
    assert nothing_kept(blob_folder)


def test_a_criterion_gets_a_new_file_then_one_that_was_filed_already(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    choose = f"/editeur/applications/{application_id}/preuves/critere/SEC-01"
    page = alice.get(choose).text
    assert "SEC-01" in page and "Aucune pièce" in page
    form = f"{NEW}?application={application_id}&nature=critere&cible=SEC-01"
    assert "SEC-01" in alice.get(form).text
    answer = post(alice, form, PDF, application=str(application_id), nature="critere", cible="SEC-01")
    assert (answer.status_code, answer.location) == (303, choose)
    assert "Attestation d’assurance" in alice.get(choose).text
    evidence_id = only_evidence(people)
    other = choose.replace("SEC-01", "SEC-02")
    assert submit(alice, other, {"evidence": str(evidence_id)}).status_code == 303
    overview = alice.get(f"/editeur/applications/{application_id}/preuves").text
    assert overview.count("1 pièce") == 2
    assert submit(alice, f"{other}/{evidence_id}/retrait", page=other).status_code == 303
    assert alice.get(f"/editeur/applications/{application_id}/preuves").text.count("1 pièce") == 1
    assert "Balance+" in alice.get("/editeur/preuves").text


def test_nothing_chosen_is_told(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    post(alice, NEW, PDF)
    choose = f"/editeur/applications/{application_id}/preuves/rubrique/hosting"
    submit(alice, choose)
    assert "Cochez au moins une preuve" in alice.get(choose).text


@pytest.mark.parametrize("part", ["critere/XXX-99", "rubrique/nowhere", "autre/SEC-01"])
def test_an_unknown_part_of_a_dossier_is_not_found(alice: FlaskClient, people: People, part: str) -> None:
    application_id, _ = bring_to("draft", people)
    assert alice.get(f"/editeur/applications/{application_id}/preuves/{part}").status_code == 404


def test_a_replaced_file_stays_in_the_history_and_a_useless_one_is_deleted(alice: FlaskClient, people: People) -> None:
    post(alice, NEW, PDF)
    first = only_evidence(people)
    path = f"/editeur/preuves/{first}/remplacement"
    assert "Attestation d’assurance" in alice.get(path).text
    assert post(alice, path, files.pdf(pages=2), title="Attestation 2027").status_code == 303
    page = alice.get("/editeur/preuves").text
    assert "Attestation 2027" in page and "1 version remplacée" in page and "Supprimer" not in page
    submit(alice, f"/editeur/preuves/{first}/suppression", page="/editeur/preuves")
    assert "elle ne se supprime plus" in alice.get("/editeur/preuves").text
    post(alice, NEW, PDF, title="De trop")
    submit(alice, f"/editeur/preuves/{only_evidence(people)}/suppression", page="/editeur/preuves")
    assert "De trop" not in alice.get("/editeur/preuves").text


def test_a_refused_replacement_changes_nothing(alice: FlaskClient, people: People) -> None:
    post(alice, NEW, PDF)
    first = only_evidence(people)
    answer = post(alice, f"/editeur/preuves/{first}/remplacement", files.PROGRAM)
    assert answer.status_code == 422 and only_evidence(people) == first


def test_a_file_is_downloaded_by_its_members_and_by_reviewers_of_what_was_submitted(
    alice: FlaskClient, people: People
) -> None:
    application_id, _ = bring_to("draft", people)
    form = f"{NEW}?application={application_id}&nature=critere&cible=SEC-01"
    post(alice, form, PDF, application=str(application_id), nature="critere", cible="SEC-01")
    evidence_id = only_evidence(people)
    own, examined = f"/editeur/preuves/{evidence_id}/fichier", f"/instruction/preuves/{evidence_id}/fichier"
    answers = {}
    for moment in ("draft", "submitted"):
        for name, path in (("bruno", own), ("ines", examined), ("alice", examined), ("ines", own)):
            sign_in_agent(alice, agent_id=getattr(people, name).id)
            answers[moment, name, path] = alice.get(path).status_code
        if moment == "draft":
            with transaction():
                dossiers.submit(application_id=application_id, by=people.alice)
    assert answers == {
        ("draft", "bruno", own): 404,
        ("draft", "ines", examined): 404,
        ("draft", "alice", examined): 403,
        ("draft", "ines", own): 403,
        ("submitted", "bruno", own): 404,
        ("submitted", "ines", examined): 200,
        ("submitted", "alice", examined): 403,
        ("submitted", "ines", own): 403,
    }


def test_the_dossier_sent_is_read_only(alice: FlaskClient, people: People) -> None:
    post(alice, NEW, PDF)
    application_id, _ = bring_to("submitted", people)
    choose = f"/editeur/applications/{application_id}/preuves/critere/SEC-01"
    assert "Utiliser une preuve déjà déposée" not in alice.get(choose).text
    answer = submit(alice, choose, {"evidence": str(only_evidence(people))}, page="/editeur/preuves/nouvelle")
    assert answer.status_code == 409
    with transaction():
        assert not queries.list_links(get_own_submission(application_id, by=people.alice).id)
