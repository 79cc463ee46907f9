"""An app files documents under a consent, with its token and its proofs: bounded, journaled, hidden at a word."""

import hashlib
from base64 import b64encode
from typing import Any
from uuid import UUID

from dmp_core.service.documents import acts
from platform_core.access import Actor, ActorKind
from platform_core.database import run, transaction
from tests.journeys.test_attacks_on_records import Holder, code_of
from tests.oauth.conftest import other, partner, patient
from tests.oauth.partner import Partner

__all__ = ["other", "partner", "patient"]

DOCUMENT = "/fhir/DocumentReference"
TEXT = b"Compte rendu de consultation."


def report(reference: str, code: str = "11488-4") -> dict[str, Any]:
    attachment = {"contentType": "text/plain", "title": "Consultation", "data": b64encode(TEXT).decode()}
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{reference}"},
        "date": "2026-06-12T11:00:00+02:00",
        "author": [{"display": "Dr Sophie Martin"}],
        "content": [{"attachment": attachment}],
    }


def test_a_consent_bounds_what_is_filed_and_each_access_is_in_the_journal(
    partner: Partner, other: Partner, patient: UUID
) -> None:
    writer = Holder(partner, patient, datatypes=["documents.hospital-reports"])
    filed = writer.post(DOCUMENT, report(writer.reference))
    assert filed.status_code == 201, filed.text
    refused = writer.post(DOCUMENT, report(writer.reference, "11502-2"))
    assert (refused.status_code, code_of(refused)) == (403, "consent-not-given")
    path = f"{DOCUMENT}/{filed.json['id']}"
    content = writer.get(f"/fhir/Binary/{filed.json['id']}")
    assert (content.data, content.headers["ETag"]) == (TEXT, f'"{hashlib.sha256(TEXT).hexdigest()}"')
    reader = Holder(other, patient, datatypes=["documents.hospital-reports"])
    assert reader.get(path).json["subject"]["reference"] == f"Patient/{reader.reference}"
    stranger = Holder(other, patient)
    assert stranger.get(path).status_code == 404
    by = Actor(ActorKind.PATIENT, None, "Camille Durand")
    with transaction(patient_id=patient):
        acts.mask_document(patient_id=patient, document_id=UUID(filed.json["id"]), by=by)
    assert writer.get(path).status_code == 404
    assert writer._call("DELETE", path).status_code == 204
    with transaction(patient_id=patient):
        lines = run("SELECT interaction, resource, outcome FROM core_journal ORDER BY occurred_at, id", {})
    assert ("create", "DocumentReference", "served") in lines
    assert ("create", "DocumentReference", "refused") in lines
    assert ("read", "Binary", "served") in lines and ("delete", "DocumentReference", "served") in lines
