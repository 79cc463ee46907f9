"""Documents as FHIR text, for one reader.

What is stored is the DocumentReference as it was received, without what each reader or each version sees differently.
The identity of the patient is not kept with it: a contained Patient, with its matricule, becomes the patient as the
reader knows them.
"""

from base64 import b64encode
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from dmp_core.categories import CONFIDENTIALITIES, DOCUMENT_KINDS, DOCUMENT_TYPES, SYSTEMS
from dmp_core.fhir.measures import PATIENT
from dmp_core.models.documents import DocumentRow
from dmp_core.rules.documents.metadata import IS_ARCHIVED, PDSM, Metadata
from dmp_core.workflow import DocumentState
from platform_core.access import Permit
from platform_core.crypto import pairwise_id
from platform_core.errors import Fault
from platform_core.fhir import wire
from platform_core.fhir.registry import Stored

PROFILE = f"{PDSM}/pdsm-comprehensive-document-reference"
SIMPLIFIED = f"{PDSM}/pdsm-simplified-publish"
URN = "urn:ietf:rfc:3986"
# Stands in stored text for the entryUUID, which changes with each version.
ENTRY = "656e7472-7955-8549-a44d-656e732d2d2d"
_LOGICAL_ID = {"system": "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDDocumentIDTypes", "code": "logicalID"}
_HEAD = frozenset({"resourceType", "id", "meta", "status", "subject", "securityLabel", "text"})
_META_OF_SERVER = frozenset({"versionId", "lastUpdated", "source"})
_PUT_AWAY = f'{{"url":"{IS_ARCHIVED}","valueBoolean":true}}'
_NOT_PUT_AWAY = f'{{"url":"{IS_ARCHIVED}","valueBoolean":false}}'
_STATUS = {DocumentState.DELETED: "entered-in-error"}
_SET_HEAD = frozenset({"resourceType", "id", "meta", "subject", "text"})


def split_document(
    resource: Mapping[str, Any],
    read: Metadata,
    *,
    id: UUID,
    size: int,
    sha1: bytes,
    replaces: UUID | None,
    patient: str,
) -> tuple[str, str]:
    """The texts to store of a DocumentReference: its meta and its body. `patient` is its id as the writer knows it."""
    kept: dict[str, Any] = _anonymous(resource)
    kept["extension"] = [{"url": IS_ARCHIVED, "valueBoolean": False}, *_other_extensions(kept)]
    kept["masterIdentifier"] = {"system": URN, **kept.get("masterIdentifier", {}), "value": read.unique_id}
    kept["identifier"] = [
        {"use": "official", "system": URN, "value": f"urn:uuid:{ENTRY}"},
        {"type": {"coding": [_LOGICAL_ID]}, "system": URN, "value": f"urn:uuid:{id}"},
        *(one for one in kept.get("identifier", ()) if one.get("system") != URN),
    ]
    kept.setdefault("category", [_concept_of_class(read.class_code)] if read.class_code else [])
    if not kept["category"]:
        del kept["category"]
    (content,) = kept["content"]
    attachment = {name: value for name, value in content["attachment"].items() if name != "data"}
    attachment |= {"url": f"Binary/{id}", "size": size, "hash": b64encode(sha1).decode()}
    format_ = {"format": coding_of(read.format)} if read.format else {}
    kept["content"] = [{**format_, **content, "attachment": attachment}]
    context = kept.setdefault("context", {})
    context.setdefault("facilityType", {"coding": [coding_of(read.facility)]})
    context.setdefault("practiceSetting", {"coding": [coding_of(read.setting)]})
    if replaces:
        kept["relatesTo"] = [_resolved(one, read.replaces, replaces) for one in kept["relatesTo"]]
    return _meta(resource), _written(kept, _HEAD).replace(patient, PATIENT)


def split_set(resource: Mapping[str, Any], entries: Mapping[str, str], patient: str) -> tuple[str, str]:
    """The texts to store of a List (submission set or folder), its entries pointing to what was stored."""
    kept: dict[str, Any] = _anonymous(resource)
    for entry in kept.get("entry", ()):
        reference = entry.get("item", {}).get("reference", "")
        if reference in entries:
            entry["item"] = {**entry["item"], "reference": entries[reference]}
    return _meta(resource), _written(kept, _SET_HEAD).replace(patient, PATIENT)


def coding_of(text: str) -> dict[str, str]:
    """The Coding of `system|code`."""
    system, _, code = text.partition("|")
    return {"system": system, "code": code} if system else {"code": code}


class DocumentRenderer:
    """Writes stored documents as one reader may see them."""

    def __init__(self, permit: Permit) -> None:
        self._permit = permit
        self._patient = permit.patient_reference
        identifier = {"system": permit.source, "value": self._patient}
        self._subject = wire.write({"reference": f"Patient/{self._patient}", "identifier": identifier})

    def document(self, row: DocumentRow) -> str:
        """The JSON of a DocumentReference."""
        labels = [CONFIDENTIALITIES[code] for code in row.labels.codes]
        security = [{"coding": [{"system": one.system, "code": one.code, "display": one.label}]} for one in labels]
        body = row.body.replace(ENTRY, str(row.entry_id)).replace(PATIENT, self._patient)
        if row.archived:
            body = body.replace(_NOT_PUT_AWAY, _PUT_AWAY, 1)
        status = _STATUS.get(DocumentState(row.state), row.state)
        return (
            f'{{"resourceType":"DocumentReference","id":"{row.id}","meta":{self._stored_meta(row)},'
            f'"status":"{status}","subject":{self._subject},"securityLabel":{wire.write(security)},{body[1:]}'
        )

    def stored(self, row: DocumentRow, *, created: bool, warnings: tuple[Fault, ...] = ()) -> Stored:
        category = DOCUMENT_KINDS[row.kind].category
        text = partial(self.document, row)
        return Stored("DocumentReference", str(row.id), row.version, row.updated_at, category, text, created, warnings)

    def set_text(self, id: UUID, meta: str, body: str) -> str:
        """The JSON of a List."""
        return (
            f'{{"resourceType":"List","id":"{id}","meta":{meta},"subject":{self._subject},'
            f"{body[1:].replace(PATIENT, self._patient)}"
        )

    def _stored_meta(self, row: DocumentRow) -> str:
        """The version, then the source: as written for its writer, pairwise for the others."""
        source = row.source
        if row.author_id is not None and row.author_id != self._permit.author_id:
            source = f"urn:uuid:{pairwise_id(self._permit.app_id, row.author_id, 'Author')}"
        head = {"versionId": str(row.version), "lastUpdated": row.updated_at.isoformat(), "source": source}
        rest = f",{row.meta[1:]}" if row.meta != "{}" else "}"
        return wire.write(head)[:-1] + rest


def write_document(
    *,
    title: str,
    type_code: str,
    content_type: str,
    made: str,
    date: str,
    author: str,
    patient_reference: str,
    facility: str,
    setting: str,
    service_start: str = "",
) -> dict[str, Any]:
    """The DocumentReference of a document that the platform itself files (added by hand), without its content."""
    found = DOCUMENT_TYPES[type_code].code
    context: dict[str, Any] = {
        "facilityType": {"coding": [coding_of(facility)]},
        "practiceSetting": {"coding": [coding_of(setting)]},
    }
    if service_start:
        context["period"] = {"start": service_start}
    return {
        "resourceType": "DocumentReference",
        "meta": {"profile": [SIMPLIFIED]},
        "status": "current",
        "type": {"coding": [{"system": found.system, "code": found.code, "display": found.label}]},
        "subject": {"reference": f"Patient/{patient_reference}"},
        "date": date,
        "author": [{"reference": f"Patient/{patient_reference}", "display": author}],
        "content": [
            {"attachment": {"contentType": content_type, "language": "fr-FR", "title": title, "creation": made}}
        ],
        "context": context,
    }


def _anonymous(resource: Mapping[str, Any]) -> Any:
    """The resource, references to a contained Patient pointing to the patient as each reader knows them."""
    contained = resource.get("contained", ())
    own = {f"#{one.get('id')}" for one in contained if one["resourceType"] == "Patient"}
    kept = _pointed(resource, own)
    others = [one for one in kept.get("contained", ()) if one["resourceType"] != "Patient"]
    kept.pop("contained", None)
    if others:
        kept["contained"] = others
    return kept


def _pointed(value: Any, own: set[str]) -> Any:
    if isinstance(value, dict):
        if value.get("reference") in own:
            return {"reference": f"Patient/{PATIENT}"}
        return {name: _pointed(child, own) for name, child in value.items()}
    return [_pointed(child, own) for child in value] if isinstance(value, list) else value


def _other_extensions(resource: Mapping[str, Any]) -> list[Any]:
    return [one for one in resource.get("extension", ()) if one.get("url") != IS_ARCHIVED]


def _resolved(related: Mapping[str, Any], given: str, replaced: UUID) -> Mapping[str, Any]:
    target = related["target"]
    if related["code"] != "replaces" or target.get("reference") != given:
        return related
    return {**related, "target": {**target, "reference": f"DocumentReference/{replaced}"}}


def _concept_of_class(code: str) -> dict[str, Any]:
    return {"coding": [{"system": SYSTEMS["urn:oid:1.2.250.1.213.1.1.4.1"], "code": code}]}


def _meta(resource: Mapping[str, Any]) -> str:
    return _written(resource.get("meta", {}), _META_OF_SERVER)


def _written(value: Mapping[str, Any], but: frozenset[str]) -> str:
    return wire.write({name: child for name, child in value.items() if name not in but})
