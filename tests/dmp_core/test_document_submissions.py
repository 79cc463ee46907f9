"""Submission sets (ITI-65): Lists, DocumentReferences and Binaries filed together, or not at all; published samples."""

import hashlib
import json
import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from identity_core import queries as identity
from platform_core.database import run, transaction
from tests.dmp_core.conftest import App, Fhir, Guard
from tests.dmp_core.filing import CDA, TEXT, comprehensive, concept, document, entry, operation, patch, submission
from tests.files import pdf
from tests.recalling import recall_people

SAMPLES = Path(os.environ.get("ENS_SAMPLES_DIR", "/nonexistent")) / "documents-pdsm"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="ENS_SAMPLES_DIR names no folder of published samples")
HOLLOW = b64encode(b'<?xml version="1.0" encoding="UTF-8"?><ClinicalDocument xmlns="urn:hl7-org:v3"/>').decode()
HASH_OF_HOLLOW = "A/hMRrv6Y15BjSM8kMLidrz+mHc="
FOLDER = concept("https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes", "folder")


def places(answer: Any) -> list[str]:
    return [place for issue in answer.json["issue"] for place in issue.get("expression", ())]


def locations(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["response"]["location"] for one in answer.json["entry"]]


def two(app: App) -> Any:
    """A submission of a text and of a PDF."""
    content = pdf()
    second = comprehensive(app, "urn:uuid:b2", content=content, content_type="application/pdf", code="11502-2")
    return submission(app, (comprehensive(app, "urn:uuid:b1"), TEXT), (second, content))


def test_documents_of_a_submission_are_filed_together_with_their_set_and_folder(fhir: Fhir, guard: Guard) -> None:
    bundle = two(guard.app)
    folder = {
        **bundle["entry"][0]["resource"],
        "code": FOLDER,
        "entry": [{"item": {"reference": "urn:uuid:doc-1"}}],
    }
    bundle["entry"].append(entry("urn:uuid:folder", folder))
    answer = fhir.post("", bundle)
    kinds = [location.partition("/")[0] for location in locations(answer)]
    assert kinds == ["List", "DocumentReference", "Binary", "DocumentReference", "Binary", "List"]
    assert [len(one["response"].get("outcome", {}).get("issue", ())) for one in answer.json["entry"]] == [0] * 6
    ids = [location.partition("/")[2] for location in locations(answer)]
    assert ids[1] == ids[2] and fhir.get(locations(answer)[2]).data == TEXT
    assert fhir.get(locations(answer)[4]).headers["Content-Type"] == "application/pdf"
    with transaction(patient_id=guard.app.patient_id):
        rows = run("SELECT id, submission_id, folder_ids FROM dmp_document ORDER BY kind", {})
        (kept,) = run("SELECT body FROM dmp_document_set WHERE purpose = 'submissionset'", {})
    assert [str(row.submission_id) for row in rows] == [ids[0], ids[0]]
    assert [[str(one) for one in row.folder_ids] for row in rows] == [[ids[5]], []]
    references = [one["item"]["reference"] for one in kept.body["entry"]]
    assert references == [f"DocumentReference/{ids[1]}", f"DocumentReference/{ids[3]}"]
    assert guard.app.counts[0] == {"documents.hospital-reports": 1, "documents.biology": 1}


def _without(position: int) -> Any:
    def change(bundle: Any) -> None:
        del bundle["entry"][position]

    return change


def _set(position: int, path: str, value: Any) -> Any:
    def change(bundle: Any) -> None:
        target = bundle["entry"][position]["resource"]
        *steps, last = path.split(".")
        for step in steps:
            target = target[int(step)] if step.isdigit() else target[step]
        target[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "status", "place"),
    [
        (_without(0), 422, "Bundle.entry"),
        (_without(2), 422, "Bundle.entry[1].resource.content[0].attachment.url"),
        (_set(0, "code", concept("x", "other")), 422, "Bundle.entry[0].resource.code"),
        (_set(0, "code", FOLDER), 422, "Bundle.entry"),
        (_set(0, "mode", "odd"), 422, "Bundle.entry[0].resource.mode"),
        (_set(0, "subject", {"reference": "Patient/other"}), 403, ""),
        (_set(3, "subject", {"reference": "Patient/other"}), 403, ""),
        (_set(3, "meta", {"source": "urn:other"}), 422, "Bundle.entry[3].resource.meta.source"),
        (_set(3, "securityLabel", None), 422, "Bundle.entry[3].resource.securityLabel"),
        (_set(3, "type", concept("http://loinc.org", "0-0")), 422, "Bundle.entry[3].resource.type"),
        (_set(3, "content.0.attachment.url", "urn:uuid:b1"), 422, "Bundle.entry[2].resource.contentType"),
        (_set(3, "content.0.attachment.size", 3), 422, "Bundle.entry[3].resource.content[0].attachment.size"),
        (_set(4, "contentType", "image/png"), 422, "Bundle.entry[4].resource.contentType"),
        (_set(4, "data", "@"), 422, "Bundle.entry[4].resource.data"),
        (_set(4, "data", ""), 422, "Bundle.entry[4].resource.data"),
        (_set(4, "data", b64encode(TEXT).decode()), 422, "Bundle.entry[3].resource.content[0].attachment.data"),
    ],
)
def test_a_submission_that_is_wrong_somewhere_is_refused_whole(
    fhir: Fhir, guard: Guard, change: Any, status: int, place: str
) -> None:
    bundle = two(guard.app)
    change(bundle)
    answer = fhir.post("", bundle)
    assert answer.status_code == status, answer.text
    assert place in places(answer) or not place, answer.text
    with transaction(patient_id=guard.app.patient_id):
        tables = ("dmp_document", "dmp_document_version", "dmp_document_set")
        assert [len(run(f"SELECT 1 FROM {table}", {})) for table in tables] == [0, 0, 0]


def test_a_content_that_no_document_names_is_refused(fhir: Fhir, guard: Guard) -> None:
    bundle = two(guard.app)
    binary = {"resourceType": "Binary", "contentType": "text/plain", "data": b64encode(TEXT).decode()}
    bundle["entry"].append(entry("urn:uuid:b3", binary))
    assert places(fhir.post("", bundle)) == ["Bundle.entry[5].resource"]


def test_a_submission_replaces_with_or_without_the_patch_that_says_so(fhir: Fhir, guard: Guard) -> None:
    old = locations(fhir.post("", submission(guard.app, (comprehensive(guard.app, "urn:uuid:b"), TEXT))))[1]
    related = [{"code": "replaces", "target": {"reference": old}}]
    new = comprehensive(guard.app, "urn:uuid:b", relatesTo=related)
    bundle = submission(guard.app, (new, TEXT))
    superseded = patch(operation("replace", "DocumentReference.status", value={"valueCode": "superseded"}))
    bundle["entry"].append({"resource": superseded, "request": {"method": "PATCH", "url": "DocumentReference/other"}})
    assert places(fhir.post("", bundle)) == ["Bundle.entry[3]"]
    bundle["entry"][3]["request"]["url"] = old
    assert locations(fhir.post("", bundle))[3] == old
    assert fhir.get(old).json["status"] == "superseded"


def test_a_patch_in_a_bundle_is_parameters_on_one_resource(fhir: Fhir, guard: Guard) -> None:
    for resource, url, place in (
        ({"resourceType": "List"}, "List/1", "Bundle.entry[0].resource"),
        ({"resourceType": "Parameters"}, "DocumentReference", "Bundle.entry[0].request.url"),
    ):
        asked = {"resource": resource, "request": {"method": "PATCH", "url": url}}
        answer = fhir.post("", {"resourceType": "Bundle", "type": "transaction", "entry": [asked]})
        assert places(answer) == [place]


def sample(name: str, app: App) -> Any:
    """A published sample, made to speak of the patient of the call, with a true CDA in the place of a hollow one."""
    text = (SAMPLES / name).read_text().replace(HOLLOW, b64encode(CDA).decode())
    text = text.replace(HASH_OF_HOLLOW, b64encode(hashlib.sha1(CDA, usedforsecurity=False).digest()).decode())
    text = text.replace('"size": 80', f'"size": {len(CDA)}').replace('"size" : 80', f'"size" : {len(CDA)}')
    for named in ("Patient?identifier=urn:oid:1.2.250.1.213.1.4.8|123456789012345", "Patient/fr-patient-123"):
        text = text.replace(named, f"Patient/{app.patient_reference}")
    return json.loads(text)


@needs_samples
def test_the_published_submission_and_its_replacement_go_in_and_come_out(fhir: Fhir, guard: Guard) -> None:
    first = sample("Bundle-example-td2-iti65-lot-soumission.json", guard.app)
    old = locations(fhir.post("", first))[1]
    second = json.loads(
        json.dumps(sample("Bundle-example-td2-1-remplacement.json", guard.app)).replace(
            "DocumentReference/doc-x-id", old
        )
    )
    new = locations(fhir.post("", second))[1]
    assert [fhir.get(one).json["status"] for one in (old, new)] == ["superseded", "current"]
    sent, got = second["entry"][1]["resource"], fhir.get(new).json
    for name in ("masterIdentifier", "type", "category", "date", "author", "authenticator"):
        assert got[name] == sent[name], name
    assert got["context"]["facilityType"] == sent["context"]["facilityType"]
    assert got["content"][0]["format"] == sent["content"][0]["format"]
    assert {**got["content"][0]["attachment"], "url": ""} == {**sent["content"][0]["attachment"], "url": ""}
    assert fhir.get(got["content"][0]["attachment"]["url"]).data.startswith(b"<?xml")


@needs_samples
def test_the_published_simplified_publication_goes_in_and_the_mistaken_one_is_named(fhir: Fhir, guard: Guard) -> None:
    sent = sample("DocumentReference-example-td2-iti105-publication-simplifiee.json", guard.app)
    got = fhir.post("DocumentReference", sent)
    assert got.status_code == 201 and got.json["contained"] == sent["contained"]
    mistaken = sample("pdsm-DocumentReference-PDSmSimplifiedExample.json", guard.app)
    refused = fhir.post("DocumentReference", mistaken)
    assert places(refused) == ["DocumentReference.content[0].attachment.data"], "« Hello World » is no PDF"
    mistaken["content"][0]["attachment"].pop("data")
    assert fhir.post("DocumentReference", mistaken).status_code == 422


@needs_samples
@pytest.mark.parametrize(
    "name", ["DocumentReference-doc-x-id.json", "pdsm-DocumentReference-exemple-pdsm-documentreference.json"]
)
def test_published_references_say_what_a_submission_asks_for(guard: Guard, fhir: Fhir, name: str) -> None:
    resource = {**sample(name, guard.app), "status": "current"}
    resource["content"][0]["attachment"].update(
        url="urn:uuid:b", contentType="text/plain", size=len(TEXT), hash="Fv//AAAAAAAAAAAAAAAAAAAAAAA="
    )
    answer = fhir.post("", submission(guard.app, (resource, TEXT)))
    assert places(answer) == ["Bundle.entry[1].resource.content[0].attachment.hash"]


@pytest.mark.parametrize("way", ["ITI-105", "ITI-65"])
def test_a_document_that_tells_the_matricule_of_another_patient_is_refused(fhir: Fhir, guard: Guard, way: str) -> None:
    guard.app = App(recall_people().patients["camille"])
    with transaction():
        ins = identity.find_ins(guard.app.patient_id)
    assert ins is not None
    answers = []
    for matricule in (ins.matricule, "255069911900171"):
        named = {"resourceType": "Patient", "id": "p", "identifier": [{"system": ins.system, "value": matricule}]}
        told = comprehensive(guard.app, "urn:uuid:b")
        told["contained"][0] = named
        context = {"sourcePatientInfo": {"reference": "#p"}}
        if way == "ITI-65":
            answer = fhir.post("", submission(guard.app, (told, TEXT)))
        else:
            answer = fhir.post("DocumentReference", document(guard.app, contained=[named], context=context))
        answers.append((answer.status_code, "patient-mismatch" in answer.text))
    assert answers == [(200 if way == "ITI-65" else 201, False), (403, True)]


@pytest.mark.parametrize("value", ["x", 1, [1], [{"target": "x"}], {"coding": "x"}], ids=str)
@pytest.mark.parametrize("place", ["code", "content", "relatesTo", "url", "method", "parameter"])
def test_a_transaction_of_any_shape_is_refused_without_a_fault(fhir: Fhir, place: str, value: Any) -> None:
    sent = submission(fhir.guard.app, (comprehensive(fhir.guard.app, "urn:uuid:a"), TEXT))
    listed, document = (entry["resource"] for entry in sent["entry"][:2])
    asked = {"method": "PATCH", "url": "DocumentReference/x"}
    if place == "parameter":
        sent["entry"].append({"resource": {"resourceType": "Parameters", place: value}, "request": asked})
    elif place == "method":
        sent["entry"][0]["request"][place] = value
    elif place == "url":
        document["content"][0]["attachment"][place] = value
    else:
        (listed if place == "code" else document)[place] = value
    assert fhir.post("", sent).status_code in {400, 422}
