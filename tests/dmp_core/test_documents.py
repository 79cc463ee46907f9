"""Documents through the FHIR API: filed (ITI-105), found (ITI-67), read (ITI-68), replaced, changed and taken back."""

import hashlib
import struct
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from dmp_core.events import DocumentFiled
from dmp_core.queries import documents as queries
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.service.documents import acts
from platform_core import crypto, events
from platform_core.access import Access, Actor, ActorKind, DatePeriod
from platform_core.blobs.stores import store
from platform_core.database import DatabaseRole, run, transaction
from platform_core.errors import Forbidden, Invalid
from platform_core.events import ContributionsChoice, ContributionsWithdrawn, DataChanged
from tests.dmp_core.conftest import App, Fhir, Guard
from tests.dmp_core.filing import (
    ARCHIVED,
    CDA,
    NOS,
    TEXT,
    comprehensive,
    document,
    label,
    operation,
    patch,
    pdf_a,
    submission,
)
from tests.files import JPEG, PNG, SCRIPT, TIFF, pdf

DOCUMENT, LABELS = "DocumentReference", "DocumentReference.securityLabel"
PATIENT = Actor(ActorKind.PATIENT, uuid4(), "Camille Durand")


def key_objects(sop_class: bytes = b"1.2.840.10008.5.1.4.1.1.88.59") -> bytes:
    """The beginning of a DICOM file of that class."""
    value = sop_class + b"\0" * (len(sop_class) % 2)
    meta = b"\x02\0\x01\0OB\0\0\x02\0\0\0\0\x01" + b"\x02\0\x02\0UI" + struct.pack("<H", len(value)) + value
    return bytes(128) + b"DICM\x02\0\0\0UL\x04\0" + struct.pack("<I", len(meta)) + meta


def file(fhir: Fhir, **changes: Any) -> str:
    """File a document; its id."""
    answer = fhir.post(DOCUMENT, document(fhir.guard.app, **changes))
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def code_of(answer: Any) -> str:
    return str(answer.json["issue"][0]["details"]["coding"][0]["code"])


def places(answer: Any) -> list[str]:
    return [place for issue in answer.json["issue"] for place in issue.get("expression", ())]


def heard(event_type: type[Any]) -> tuple[list[Any], Callable[[], None]]:
    """What is published of a type from now on, and how to stop hearing it."""
    told: list[Any] = []
    events.subscribe(event_type, told.append)
    return told, lambda: events._handlers[event_type].remove(told.append)


def act_as_patient(fhir: Fhir, act: Callable[..., Any], id: str) -> None:
    patient = fhir.guard.app.patient_id
    with transaction(patient_id=patient):
        act(patient_id=patient, document_id=UUID(id), by=PATIENT)


def test_a_document_comes_back_as_it_was_filed_with_what_the_record_adds(fhir: Fhir, guard: Guard) -> None:
    sent = document(guard.app, description="Suivi.", extension=[{"url": "http://exemple.fr/x", "valueDecimal": 1.50}])
    answer = fhir.post(DOCUMENT, sent)
    assert answer.status_code == 201
    assert answer.headers["Location"].endswith(f"/fhir/DocumentReference/{answer.json['id']}")
    read = fhir.get(f"{DOCUMENT}/{answer.json['id']}")
    assert read.text == answer.text and read.headers["ETag"] == 'W/"1"'
    got, id = read.json, read.json["id"]
    for name in ("masterIdentifier", "type", "date", "author", "custodian", "description", "status"):
        assert got[name] == sent[name], name
    attachment = got["content"][0]["attachment"]
    assert "data" not in attachment and attachment["url"] == f"Binary/{id}" and attachment["size"] == len(TEXT)
    assert attachment["hash"] == b64encode(hashlib.sha1(TEXT, usedforsecurity=False).digest()).decode()
    assert got["extension"] == [{"url": ARCHIVED, "valueBoolean": False}, *sent["extension"]]
    assert [one["value"].partition("urn:uuid:")[2] == id for one in got["identifier"]] == [False, True]
    assert got["context"]["facilityType"]["coding"][0]["code"] == "SNR"
    assert guard.app.required[0][:2] == (("documents.hospital-reports",), Access.WRITE)


@pytest.mark.parametrize(
    ("content", "content_type", "pdf_a_claim"),
    [
        (TEXT, "text/plain", ""),
        (TEXT, "text/plain; charset=utf-8", ""),
        (pdf(), "application/pdf", ""),
        (pdf_a(), "application/pdf", "PDF/A-1b"),
        (JPEG, "image/jpeg", ""),
        (PNG, "image/png", ""),
        (TIFF, "image/tiff", ""),
        (CDA, "text/xml", ""),
        (CDA, "application/xml", ""),
        (key_objects(), "application/dicom", ""),
    ],
)
def test_each_kind_of_content_is_kept_and_given_back_with_its_type(
    fhir: Fhir, guard: Guard, content: bytes, content_type: str, pdf_a_claim: str
) -> None:
    id = file(fhir, content=content, content_type=content_type)
    read = fhir.get(f"Binary/{id}")
    assert (read.status_code, read.data) == (200, content)
    assert read.headers["Content-Type"] == content_type.partition(";")[0]
    assert read.headers["X-Content-Type-Options"] == "nosniff" and "sandbox" in read.headers["Content-Security-Policy"]
    with transaction(patient_id=guard.app.patient_id):
        row = queries.get_document(
            patient_id=guard.app.patient_id, document_id=UUID(id), viewer=Viewer(ViewerKind.PATIENT)
        )
        assert row.pdf_a == pdf_a_claim
        assert content[:16] not in b"".join(store().read(row.blob_name, 0, row.size))


@pytest.mark.parametrize(
    ("changes", "status", "code", "place"),
    [
        ({"content": PNG}, 422, "invalid-resource", "attachment.data"),
        ({"content": SCRIPT}, 422, "invalid-resource", "attachment.data"),
        ({"content": b"%PDF-1.7 no", "content_type": "application/pdf"}, 422, "invalid-resource", "attachment.data"),
        ({"content": pdf("secret"), "content_type": "application/pdf"}, 422, "invalid-resource", "attachment.data"),
        ({"content": b"<!DOCTYPE a><a/>", "content_type": "text/xml"}, 422, "invalid-resource", "attachment.data"),
        ({"content": CDA[:-4], "content_type": "text/xml"}, 422, "invalid-resource", "attachment.data"),
        ({"content": b"<a/>", "content_type": "text/xml"}, 422, "invalid-resource", "attachment.data"),
        ({"content": key_objects(b"1.2.3"), "content_type": "application/dicom"}, 422, "invalid-resource", "data"),
        ({"attachment": {"data": "@@@@"}}, 422, "invalid-resource", "attachment.data"),
        ({"attachment": {"data": None}}, 422, "invalid-resource", "attachment.data"),
        ({"attachment": {"url": "http://exemple.fr/a.pdf"}}, 422, "invalid-resource", "attachment.url"),
        ({"attachment": {"size": 3}}, 422, "invalid-resource", "attachment.size"),
        ({"attachment": {"hash": b64encode(bytes(20)).decode()}}, 422, "invalid-resource", "attachment.hash"),
        ({"code": "12345-6"}, 422, "invalid-resource", "DocumentReference.type"),
        ({"docStatus": "odd"}, 422, "invalid-resource", "docStatus"),
        ({"meta": {"source": "urn:other"}}, 422, "invalid-resource", "DocumentReference.meta.source"),
        ({"subject": {"reference": "Patient/other"}}, 403, "patient-mismatch", ""),
        ({"subject": {"reference": "Patient?identifier=urn:oid:1|1"}}, 403, "patient-mismatch", ""),
        ({"relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/none"}}]},
         422, "invalid-resource", "relatesTo.target"),
    ],
)  # fmt: skip
def test_what_is_refused_is_named_and_nothing_is_kept(
    fhir: Fhir, guard: Guard, changes: dict[str, Any], status: int, code: str, place: str
) -> None:
    answer = fhir.post(DOCUMENT, document(guard.app, **changes))
    assert (answer.status_code, code_of(answer)) == (status, code), answer.text
    assert any(found.endswith(place) for found in places(answer)) or not place
    with transaction(patient_id=guard.app.patient_id):
        assert not run("SELECT 1 FROM dmp_document", {})


def test_the_same_unique_id_comes_once_and_the_same_content_is_kept_once(fhir: Fhir, guard: Guard) -> None:
    first = document(guard.app)
    assert fhir.post(DOCUMENT, first).status_code == 201
    twin = fhir.post(DOCUMENT, first)
    assert (twin.status_code, code_of(twin)) == (409, "duplicate")
    file(fhir)
    with transaction(patient_id=guard.app.patient_id):
        assert run("SELECT count(*), count(DISTINCT blob_name) AS blobs FROM dmp_document", {})[0] == (2, 1)


def test_a_create_sent_again_files_nothing_more(fhir: Fhir, guard: Guard) -> None:
    sent = document(guard.app)
    first = fhir.post(DOCUMENT, sent, Idempotency_Key="k1")
    assert fhir.post(DOCUMENT, sent, Idempotency_Key="k1").json == first.json
    unlike = fhir.post(DOCUMENT, document(guard.app), Idempotency_Key="k1")
    assert (unlike.status_code, code_of(unlike)) == (422, "invalid-resource")
    name = sent["masterIdentifier"]
    found = fhir.post(DOCUMENT, sent, If_None_Exist=f"identifier={name['system']}|{name['value']}")
    assert (found.status_code, found.json["id"]) == (200, first.json["id"])
    assert fhir.post(DOCUMENT, sent, If_None_Exist="date=2026").status_code == 400


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ("bytes=3-9", 206, slice(3, 10)),
        ("bytes=60-", 206, slice(60, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=0-1,3-4", 200, slice(None)),
        ("bytes=100-", 416, slice(0)),
        ("octets=1-2", 200, slice(None)),
    ],
)
def test_a_content_is_read_by_ranges(fhir: Fhir, asked: str, status: int, expected: slice) -> None:
    id = file(fhir)
    answer = fhir.get(f"Binary/{id}", Range=asked)
    assert (answer.status_code, answer.data) == (status, TEXT[expected])
    whole = fhir.get(f"Binary/{id}")
    assert fhir.get(f"Binary/{id}", If_None_Match=whole.headers["ETag"]).status_code == 304
    assert fhir.get(f"Binary/{id}", Range=asked, If_Range='"else"').data == TEXT
    assert fhir.get(f"Binary/{id}", Accept="application/fhir+json").json == {
        "resourceType": "Binary", "id": id, "contentType": "text/plain", "data": b64encode(TEXT).decode()
    }  # fmt: skip


def test_a_document_gives_way_to_the_one_that_replaces_it(fhir: Fhir, guard: Guard) -> None:
    old = file(fhir)
    related = [{"code": "replaces", "target": {"reference": f"DocumentReference/{old}"}}]
    new = file(fhir, relatesTo=related)
    assert fhir.get(f"{DOCUMENT}/{old}").json["status"] == "superseded"
    assert fhir.get(f"{DOCUMENT}/{new}").json["relatesTo"] == related
    again = fhir.post(DOCUMENT, document(guard.app, relatesTo=related))
    assert (again.status_code, code_of(again)) == (409, "conflict")
    found = fhir.get(f"{DOCUMENT}?status=current").json["entry"]
    assert [one["resource"]["id"] for one in found] == [new]
    versions = fhir.get(f"{DOCUMENT}/{old}/_history").json
    assert [one["resource"]["status"] for one in versions["entry"]] == ["superseded", "current"]
    identifiers = [one["resource"]["identifier"] for one in versions["entry"]]
    assert identifiers[0][0] != identifiers[1][0] and identifiers[0][1] == identifiers[1][1]
    entry_id = identifiers[1][0]["value"].removeprefix("urn:uuid:")
    assert fhir.get(f"{DOCUMENT}/{entry_id}").json["id"] == old


def test_only_the_author_takes_a_document_back_and_nobody_sees_it_then(fhir: Fhir, guard: Guard) -> None:
    id = file(fhir)
    mine = guard.app
    guard.app = replace(mine, id=uuid4())
    assert fhir.get(f"{DOCUMENT}/{id}").json["meta"]["source"].startswith("urn:uuid:")
    assert fhir._client.delete(f"/fhir/{DOCUMENT}/{id}").status_code == 404
    guard.app = mine
    stale = fhir._client.delete(f"/fhir/{DOCUMENT}/{id}", headers={"If-Match": 'W/"7"'})
    assert (stale.status_code, code_of(stale)) == (412, "version-mismatch")
    told, stop = heard(DataChanged)
    assert fhir._client.delete(f"/fhir/{DOCUMENT}/{id}").status_code == 204
    stop()
    assert [(one.resource, one.operation) for one in told] == [(f"{DOCUMENT}/{id}", "delete")]
    for path in (f"{DOCUMENT}/{id}", f"Binary/{id}", f"{DOCUMENT}/{id}/_history"):
        assert fhir.get(path).status_code == 404
    assert "entry" not in fhir.get(DOCUMENT).json
    with transaction(patient_id=mine.patient_id):
        assert run("SELECT state FROM dmp_document", {})[0].state == "deleted"


def patched(fhir: Fhir, id: str, *operations: Any, **headers: str) -> Any:
    given = {"Content-Type": "application/fhir+json", **headers}
    return fhir._client.patch(f"/fhir/{DOCUMENT}/{id}", json=patch(*operations), headers=given)


def test_the_author_puts_away_hides_and_announces_by_patches(fhir: Fhir, guard: Guard) -> None:
    id = file(fhir, labels=("N", "INVISIBLE_PATIENT"))
    assert fhir.get(f"{DOCUMENT}/{id}").status_code == 404
    told, stop = heard(DataChanged)
    announced = patched(fhir, id, operation("delete", f"{LABELS}.where(coding.code='INVISIBLE_PATIENT')"))
    stop()
    assert announced.status_code == 200 and announced.headers["ETag"] == 'W/"2"'
    assert [one.operation for one in told] == ["update"]
    away = operation("replace", f"{DOCUMENT}.extension.where(url='{ARCHIVED}').value", value={"valueBoolean": True})
    mask = operation("add", DOCUMENT, "securityLabel", {"valueCodeableConcept": label("MASQUE_PS")})
    assert patched(fhir, id, away, **{"If-Match": 'W/"1"'}).status_code == 412
    both = patched(fhir, id, away, mask, **{"If-Match": 'W/"2"'})
    assert both.json["meta"]["versionId"] == "4" and both.json["extension"][0]["valueBoolean"] is True
    assert [one["coding"][0]["code"] for one in both.json["securityLabel"]] == ["N", "MASQUE_PS"]
    shown = patched(fhir, id, operation("delete", f"{LABELS}.where(coding.code='MASQUE_PS')"))
    assert (shown.status_code, code_of(shown)) == (403, "not-author")
    assert patched(fhir, id, operation("delete", f"{DOCUMENT}.status")).status_code == 422
    act_as_patient(fhir, acts.unmask_document, id)
    versions = fhir.get(f"{DOCUMENT}/{id}/_history").json["entry"]
    assert [one["response"]["etag"] for one in versions] == [f'W/"{number}"' for number in (5, 4, 3, 2, 1)]


def test_what_the_patient_masks_or_does_not_know_of_is_not_found_by_apps(fhir: Fhir, guard: Guard) -> None:
    masked, excluded, seen = file(fhir), file(fhir), file(fhir)
    hidden = file(fhir, labels=("INVISIBLE_REPRESENTANTS_LEGAUX",))
    act_as_patient(fhir, acts.mask_document, masked)
    guard.app = replace(guard.app, excluded=frozenset({UUID(excluded)}))
    for id in (masked, excluded, hidden):
        for path in (f"{DOCUMENT}/{id}", f"Binary/{id}", f"{DOCUMENT}/{id}/_history"):
            assert fhir.get(path).status_code == 404, path
    assert [one["resource"]["id"] for one in fhir.get(DOCUMENT).json["entry"]] == [seen]
    act_as_patient(fhir, acts.unmask_document, masked)
    assert fhir.get(f"{DOCUMENT}/{masked}").status_code == 200
    with pytest.raises(Forbidden):
        act_as_patient(fhir, acts.delete_document, seen)


@pytest.mark.parametrize("act", ["announce", "withhold"])
def test_the_patient_does_not_decide_on_an_announcement(fhir: Fhir, act: str) -> None:
    id = file(fhir)
    with pytest.raises(Forbidden):
        act_as_patient(fhir, getattr(acts, f"{act}_document"), id)


def test_a_consent_bounds_kinds_and_dates(fhir: Fhir, guard: Guard) -> None:
    biology, report = file(fhir, code="11502-2"), file(fhir, creation="2020-03-01")
    guard.app.refused = frozenset({("documents.biology", Access.READ)})
    guard.app.periods = {"documents.hospital-reports": DatePeriod(date(2026, 1, 1), None)}
    assert fhir.get(f"{DOCUMENT}/{biology}").status_code == 404
    assert fhir.get(f"{DOCUMENT}/{report}").status_code == 404
    assert fhir.get(f"Binary/{report}").status_code == 404
    assert "entry" not in fhir.get(DOCUMENT).json
    refused = fhir.get(f"{DOCUMENT}?type=11502-2")
    assert (refused.status_code, code_of(refused)) == (403, "consent-not-given")
    fhir.get(f"{DOCUMENT}?type=11488-4&period-start=ge2021&period-start=lt2022")
    asked, _, period, narrow = guard.app.required[-1]
    assert asked == ("documents.hospital-reports",) and not narrow
    assert period == DatePeriod(date(2021, 1, 1), date(2021, 12, 31))


SEARCHES = {
    "": "tb",
    "status=current": "tb",
    "status=superseded": "",
    "status=current,superseded": "tb",
    "type=11488-4": "t",
    "type=http://loinc.org|11502-2,11488-4": "tb",
    "type=urn:oid:2.16.840.1.113883.6.1|11502-2": "b",
    "type=00000-0": "",
    "category=10": "tb",
    "category=31": "",
    f"category={NOS}/TRE_A03-ClasseDocument/FHIR/TRE-A03-ClasseDocument|10": "tb",
    "setting=ETABLISSEMENT": "t",
    "setting=SNR": "b",
    "facility=SA01": "t",
    f"facility={NOS}/TRE_R02-SecteurActivite/FHIR/TRE-R02-SecteurActivite|": "t",
    "facility=urn:oid:1.2.250.1.71.4.2.4|SA01": "t",
    "format=urn:ihe:iti:xds-sd:text:2008": "t",
    "event=DEQP003": "t",
    "event=urn:oid:1.2.250.1.213.2.5|DEQP003": "t",
    "event=x|DEQP003": "",
    "security-label=N": "tb",
    "security-label=R": "",
    "author=urn:oid:1.2.250.1.71.4.2.1|899700218896": "t",
    "author=899700218896": "t",
    "author.family=lefev": "t",
    "author.given=Anne": "t",
    "author.family=martin": "",
    "period=2026-06-11": "t",
    "period=lt2026-06-10": "",
    "period-start=ge2026-06-01": "t",
    "period-end=2026-06-12": "t",
    "creation=2026-06-12": "t",
    "creation=2024": "b",
    "date=2026-06-12": "tb",
    "isArchived=true": "",
    "isArchived=false": "tb",
    "_lastUpdated=ge2020": "tb",
    "_lastUpdated=lt2020": "",
    "contenttype=text/plain": "tb",
    "contenttype=application/pdf": "",
    "relatesto=DocumentReference/00000000-0000-0000-0000-000000000000": "",
    "identifier=urn:ietf:rfc:3986|urn:oid:1.2.3": "b",
    "_id=unknown": "",
    "_sort=date": "bt",
    "_sort=-date": "tb",
    "type=11488-4&setting=SNR": "",
    "unknown=1": "tb",
}  # fmt: skip


def test_every_parameter_of_a_search_finds_what_it_says(fhir: Fhir, guard: Guard) -> None:
    sent = fhir.post(
        "", submission(guard.app, (comprehensive(guard.app, "urn:uuid:b", date="2026-06-12T12:00:00Z"), TEXT))
    )
    names = {
        sent.json["entry"][1]["response"]["location"].partition("/")[2]: "t",
        file(
            fhir,
            code="11502-2",
            creation="2024-02-01",
            masterIdentifier={"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3"},
        ): "b",
    }
    for query, expected in SEARCHES.items():
        answer = fhir.get(f"{DOCUMENT}?{query}")
        found = "".join(names[one["resource"]["id"]] for one in answer.json.get("entry", ()))
        assert found == expected, query
        counted = fhir.get(f"{DOCUMENT}?{query}&_count=0").json["total"]
        assert counted == len(expected), query
    page = fhir.get(f"{DOCUMENT}?_count=1&_total=accurate").json
    assert (page["total"], [link["relation"] for link in page["link"]]) == (2, ["self", "next"])
    by_post = fhir._client.post(f"/fhir/{DOCUMENT}/_search", data={"type": "11502-2"})
    assert len(by_post.json["entry"]) == 1
    for wrong in ("isArchived=maybe", "date=yesterday", "_sort=title"):
        assert fhir.get(f"{DOCUMENT}?{wrong}").status_code == 400, wrong
    assert fhir.get(f"{DOCUMENT}?patient=Patient/other").status_code == 403


def test_a_search_by_what_is_related_finds_the_new_document(fhir: Fhir) -> None:
    old = file(fhir)
    new = file(fhir, relatesTo=[{"code": "replaces", "target": {"reference": f"DocumentReference/{old}"}}])
    for name in ("relatesto", "relatesTo"):
        found = fhir.get(f"{DOCUMENT}?{name}=DocumentReference/{old}").json["entry"]
        assert [one["resource"]["id"] for one in found] == [new]


def test_who_hears_of_a_document_reads_it_and_may_refuse_it(fhir: Fhir, guard: Guard) -> None:
    read: list[bytes] = []

    def refuse(event: DocumentFiled) -> None:
        read.append(event.content.read())
        raise Invalid("No.", code="invalid-resource")

    events.subscribe(DocumentFiled, refuse)
    answer = fhir.post(DOCUMENT, document(guard.app))
    events._handlers[DocumentFiled].remove(refuse)
    assert answer.status_code == 422 and read == [TEXT]
    with transaction(patient_id=guard.app.patient_id):
        assert not run("SELECT 1 FROM dmp_document", {})


def test_apps_hear_of_a_document_that_they_may_see_and_of_no_other(fhir: Fhir) -> None:
    told, stop = heard(DataChanged)
    plain = file(fhir)
    file(fhir, labels=("INVISIBLE_PATIENT",))
    act_as_patient(fhir, acts.mask_document, plain)
    act_as_patient(fhir, acts.mask_document, plain)
    act_as_patient(fhir, acts.archive_document, plain)
    act_as_patient(fhir, acts.unmask_document, plain)
    stop()
    assert [(one.category, one.version, one.operation) for one in told] == [
        ("documents.hospital-reports", version, operation)
        for version, operation in ((1, "create"), (2, "delete"), (4, "update"))
    ]


@pytest.mark.parametrize(("choice", "state", "masked"), [("mask", "current", True), ("delete", "deleted", False)])
def test_what_a_revoked_app_filed_is_masked_or_deleted_at_the_patients_word(
    fhir: Fhir, guard: Guard, choice: str, state: str, masked: bool
) -> None:
    file(fhir)
    patient, author = guard.app.patient_id, guard.app.id
    guard.app = replace(guard.app, id=uuid4())
    file(fhir)
    with transaction(patient_id=patient):
        events.publish(ContributionsWithdrawn(patient, author, ContributionsChoice(choice)))
    with transaction(patient_id=patient):
        rows = run("SELECT state, masked FROM dmp_document ORDER BY created_at", {})
    assert rows == [(state, masked), ("current", False)]
    with transaction(patient_id=patient):
        events.publish(ContributionsWithdrawn(patient, author, ContributionsChoice.KEEP))
        assert [row.masked for row in run("SELECT masked FROM dmp_document", {})] == [False, False]


def test_the_metadata_tell_no_app_the_matricule_of_the_patient(fhir: Fhir, guard: Guard) -> None:
    sent = fhir.post("", submission(guard.app, (comprehensive(guard.app, "urn:uuid:b"), TEXT)))
    text = fhir.get(sent.json["entry"][1]["response"]["location"]).text
    assert "123456789012345" not in text and "Lefèvre" in text
    writer = guard.app.patient_reference
    guard.app = replace(guard.app, id=uuid4())
    other = fhir.get(sent.json["entry"][1]["response"]["location"])
    assert writer not in other.text
    assert other.json["context"]["sourcePatientInfo"] == {"reference": f"Patient/{guard.app.patient_reference}"}


def test_the_application_sees_no_document_outside_the_patient_of_its_transaction(fhir: Fhir, guard: Guard) -> None:
    file(fhir)
    tables = ("dmp_document", "dmp_document_version")
    for patient in (None, uuid4()):
        with transaction(patient_id=patient):
            assert [run(f"SELECT count(*) AS n FROM {table}", {})[0].n for table in tables] == [0, 0]
    with transaction(patient_id=uuid4()), pytest.raises(Exception, match="row-level security"):
        acts_of_another(guard.app)
    with transaction(patient_id=guard.app.patient_id), pytest.raises(Exception, match="permission denied"):
        run("UPDATE dmp_document_version SET act = 'publish'", {})
    with transaction(role=DatabaseRole.BATCH):
        (blob,) = run("SELECT blob_name FROM dmp_document", {})
        assert queries.list_referenced_blobs([blob.blob_name, "documents/other"]) == [blob.blob_name]
    with transaction(role=DatabaseRole.BATCH), pytest.raises(Exception, match="permission denied"):
        run("SELECT title FROM dmp_document", {})


def acts_of_another(app: App) -> None:
    statement = "INSERT INTO dmp_document_set VALUES (%(p)s, %(i)s, 'folder', NULL, '', now(), '{}', '{}')"
    run(statement, {"p": app.patient_id, "i": uuid4()})


def test_without_the_key_of_the_patient_no_content_can_be_read(fhir: Fhir, guard: Guard) -> None:
    id = file(fhir)
    with transaction(patient_id=guard.app.patient_id):
        crypto.destroy_patient_key(guard.app.patient_id)
    answer = fhir.get(f"Binary/{id}")
    assert (answer.status_code, code_of(answer)) == (404, "key-destroyed")
