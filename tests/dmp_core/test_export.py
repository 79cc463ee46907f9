"""The copy of a whole record: asked for, made by a task, told, downloaded by who asked, over after a day."""

import io
import zipfile
from uuid import UUID

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from dmp_core.service.documents import acts
from dmp_core.service.exports.zipping import zipped
from dmp_core.tasks import make_export
from identity_core.service.seeding import Seeded
from platform_core import clock, crypto, downloads
from platform_core.access import Actor, ActorKind
from platform_core.blobs import service as blobs
from platform_core.database import DatabaseRole, run, transaction
from platform_core.errors import TooManyRequests
from platform_core.fhir.validation import judge
from tests.dmp_core.filing import pdf_a
from tests.recalling import recall_people
from tests.signing_in import read_csrf_token, sign_in_citizen, submit

PAGE, ADD = "/espace/dossier/copie", "/espace/dossier/documents/ajouter"


def test_a_zip_is_written_as_it_is_read() -> None:
    asked: list[str] = []

    def pieces(name: str) -> list[bytes]:
        asked.append(name)
        return [name.encode() * 70_000, b"", b"fin"]

    stream = zipped((f"{name}.txt", pieces(name)) for name in ("a", "b"))
    assert asked == []
    first = stream.read(10)
    assert len(first) <= 10 and asked == ["a"]
    with zipfile.ZipFile(io.BytesIO(first + stream.read())) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.txt", "b.txt"]
        assert archive.read("b.txt") == b"b" * 70_000 + b"fin"


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


def waiting(patient_id: UUID) -> list[UUID]:
    with transaction(patient_id=patient_id):
        found = run("SELECT id FROM core_download WHERE ready_at IS NULL", {})
        return [row[0] for row in found]


def fill(space: FlaskClient) -> None:
    form = {"title": "Radio : genou", "type": "DOCPAT04", "date": "2026-11-20"}
    data = {**form, "csrf_token": read_csrf_token(space, ADD), "file": (io.BytesIO(pdf_a()), "radio.pdf")}
    assert space.post(ADD, data=data, content_type="multipart/form-data").status_code == 303
    weight = {"value": "72,5", "date": "2026-11-20", "time": "08:15"}
    submit(space, "/espace/mesures/body-weight/ajouter", weight)
    submit(space, "/espace/mesures/blood-pressure/objectif", {"high": "130", "high2": "80", "until": "2999-12-31"})
    shot = {"vaccine": "J07CA02", "date": "2025-03-20", "product": "Repevax"}
    submit(space, "/espace/dossier/vaccinations/ajouter", shot)
    submit(space, "/espace/dossier/profil/allergies", {"label": "Arachide", "choice": "high"})
    submit(space, "/espace/dossier/profil/habitudes", {"label": "Marche", "choice": "activity"})


def test_a_record_leaves_whole_for_who_asked_and_for_a_day(space: FlaskClient, people: Seeded, camille: UUID) -> None:
    fill(space)
    assert submit(space, PAGE).location == PAGE
    submit(space, PAGE, page="/espace/dossier/documents")
    (download_id,) = waiting(camille)
    assert "La copie se prépare" in space.get(PAGE).text
    path = f"{PAGE}/{download_id}.zip"
    assert space.get(path).status_code == 404
    make_export(str(camille), str(download_id))
    make_export(str(camille), str(download_id))
    assert waiting(camille) == []
    assert "La copie est prête" in space.get(PAGE).text
    with transaction(patient_id=camille):
        told = run("SELECT link FROM notification_message WHERE kind = 'dmp.export-ready'", {})
        assert [row[0] for row in told] == [PAGE]
    answer = space.get(path)
    assert answer.mimetype == "application/zip" and answer.headers["Cache-Control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    resources = [orjson.loads(line) for name in files if name.startswith("fhir/") for line in files[name].splitlines()]
    types = sorted(one["resourceType"] for one in resources)
    assert types == [
        "AllergyIntolerance",
        "DocumentReference",
        "Goal",
        "Immunization",
        "Observation",
        "Observation",
        "Patient",
    ]
    assert [fault for one in resources for fault in judge(one)] == []
    (original,) = (name for name in files if name.startswith("documents/"))
    assert original == "documents/00001-Radio   genou.pdf" and files[original] == pdf_a()
    index = files["index.html"].decode()
    assert 'href="documents/00001-Radio%20%20%20genou.pdf"' in index
    assert "Arachide" in index and "Repevax" in index and "1 mesure" in index

    parent = Actor(ActorKind.REPRESENTATIVE, people.persons["camille"], "Camille", on_behalf_of=camille)
    with transaction(patient_id=camille):
        assert downloads.find_latest(patient_id=camille, kind="dmp.record", by=parent) is None
    with clock.frozen_at(clock.now()) as later:
        later.move(hours=25)
        with transaction(patient_id=camille):
            mine = Actor(ActorKind.PATIENT, people.persons["camille"], "Camille Durand")
            assert downloads.find_latest(patient_id=camille, kind="dmp.record", by=mine) is None
        with transaction(role=DatabaseRole.BATCH):
            assert downloads.drop_expired() == 1


def test_a_representative_takes_away_nothing_that_is_hidden_from_them(
    space: FlaskClient, people: Seeded, camille: UUID
) -> None:
    fill(space)
    mine = Actor(ActorKind.PATIENT, people.persons["camille"], "Camille Durand")
    parent = Actor(ActorKind.REPRESENTATIVE, people.persons["paul"], "Paul Lefèvre", on_behalf_of=camille)
    with transaction(patient_id=camille):
        ((document_id,),) = run("SELECT id FROM dmp_document WHERE patient_id = %(patient)s", {"patient": camille})
        acts.hide_document(patient_id=camille, document_id=document_id, by=mine)
        download, is_new = downloads.ask(patient_id=camille, kind="dmp.record", by=parent)
        download_id = download.id
        again, begun = downloads.ask(patient_id=camille, kind="dmp.record", by=parent)
        assert is_new and not begun and again.id == download_id
    make_export(str(camille), str(download_id))
    with transaction(patient_id=camille):
        blob = downloads.get_ready(patient_id=camille, download_id=download_id, by=parent)
        content = b"".join(blobs.read(blob, key=crypto.patient_key(camille)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("fhir/DocumentReference.ndjson") == b""
        assert [name for name in archive.namelist() if name.startswith("documents/")] == []
        assert b"Arachide" in archive.read("fhir/AllergyIntolerance.ndjson")
    assert space.get(f"{PAGE}/{download_id}.zip").status_code == 404


def test_copies_are_bounded_and_a_stuck_one_may_be_asked_again(app: Flask, people: Seeded, camille: UUID) -> None:
    mine = Actor(ActorKind.PATIENT, people.persons["camille"], "Camille Durand")
    found = []
    with clock.frozen_at(clock.now()) as now:
        for _ in range(downloads.MOST):
            with transaction(patient_id=camille):
                found.append(downloads.ask(patient_id=camille, kind="dmp.record", by=mine)[1])
            now.move(hours=1)
        with pytest.raises(TooManyRequests), transaction(patient_id=camille):
            downloads.ask(patient_id=camille, kind="dmp.record", by=mine)
        now.move(hours=20)
        with transaction(patient_id=camille):
            found.append(downloads.ask(patient_id=camille, kind="dmp.record", by=mine)[1])
    assert found == [True] * (downloads.MOST + 1)
