"""The copy of a record against the record: all that the tables hold is in it, once, and its index leads to all."""

import hashlib
import io
import re
import zipfile
from collections import Counter
from urllib.parse import unquote
from uuid import UUID

import orjson
from flask import Flask

from dmp_core.rules.entries.kinds import KINDS
from dmp_core.service.demonstration import COURSES, add_measures_for_demo
from dmp_core.service.documents.demonstration import add_documents_for_demo
from dmp_core.service.entries.demonstration import add_reports_for_demo
from dmp_core.service.exports import asking
from dmp_core.tasks import make_export
from platform_core import clock, crypto, downloads
from platform_core.access import Actor, ActorKind
from platform_core.blobs import service as blobs
from platform_core.database import run, transaction
from tests.recalling import recall_people

FEW = {kind: COURSES[kind] for kind in ("body-weight", "blood-pressure")}
STATES = "SELECT id FROM dmp_{} WHERE {}"
HELD = {
    "measure": "status NOT IN ('entered-in-error', 'cancelled')",
    "entry": "NOT wrong",
    "document": "state <> 'deleted'",
}


def copy_of(patient_id: UUID, by: Actor) -> dict[str, bytes]:
    """The files of a copy that was asked for and made."""
    with transaction(patient_id=patient_id):
        download_id = asking.ask_export(patient_id=patient_id, by=by).id
    make_export(str(patient_id), str(download_id))
    with transaction(patient_id=patient_id):
        blob = downloads.get_ready(patient_id=patient_id, download_id=download_id, by=by)
        key = crypto.patient_key(patient_id, create=False)
    with zipfile.ZipFile(io.BytesIO(b"".join(blobs.read(blob, key=key)))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_copy_holds_each_thing_of_the_record_once_and_its_index_leads_to_every_original(app: Flask) -> None:
    people, now = recall_people(), clock.now()
    camille = people.patients["camille"]
    with transaction(patient_id=camille):
        add_measures_for_demo(patient_id=camille, until=now, years=1, courses=FEW)
        add_documents_for_demo(patient_id=camille, until=now, count=12)
        add_reports_for_demo(patient_id=camille, until=now, years=1)
    files = copy_of(camille, Actor(ActorKind.PATIENT, people.persons["camille"], "Camille Durand"))

    resources = [orjson.loads(line) for name in files if name.startswith("fhir/") for line in files[name].splitlines()]
    copied = Counter(one["id"] for one in resources if one["resourceType"] not in {"Patient", "Device"})
    with transaction(patient_id=camille):
        held = {name: [str(row.id) for row in run(STATES.format(name, state), {})] for name, state in HELD.items()}
        categories = {row.category for row in run("SELECT DISTINCT category FROM dmp_entry", {})}
        documents = run("SELECT title, sha256 FROM dmp_document WHERE state <> 'deleted'", {})
    assert copied == Counter(one for ids in held.values() for one in ids)
    assert all(len(ids) > 10 for ids in held.values())
    assert categories >= KINDS.keys() - {"profile.lifestyle", "profile.family-history"}

    originals = {name: content for name, content in files.items() if name.startswith("documents/")}
    digests = Counter(hashlib.sha256(content).digest() for content in originals.values())
    assert digests == Counter(row.sha256 for row in documents)
    index = files["index.html"].decode()
    assert {unquote(link) for link in re.findall(r'href="([^"]+)"', index)} == originals.keys()
    assert all(row.title.split("’")[0] in index for row in documents)
