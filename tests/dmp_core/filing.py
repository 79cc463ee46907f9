"""Documents as an app would publish them, and the reading of what came of it."""

import hashlib
import io
from base64 import b64encode
from typing import Any
from uuid import uuid4

from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject

from tests.dmp_core.cda import building
from tests.dmp_core.conftest import App

LOINC = "http://loinc.org"
NOS = "https://mos.esante.gouv.fr/NOS"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
VISIBILITY = f"{NOS}/TRE_A07-StatusVisibiliteDocument/FHIR/TRE-A07-StatusVisibiliteDocument"
ARCHIVED = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived"
TEXT = "Compte rendu de consultation : tension normale, œdème résorbé.\n".encode()
CDA = building.document(building.section())


def label(code: str) -> dict[str, Any]:
    return {"coding": [{"system": CONFIDENTIALITY if len(code) == 1 else VISIBILITY, "code": code}]}


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def document(
    app: App, *, content: bytes = TEXT, code: str = "11488-4", labels: tuple[str, ...] = (), **changes: Any
) -> Any:
    """A DocumentReference of ITI-105, its content inside; elements given as None are left out."""
    attachment = {
        "contentType": changes.pop("content_type", "text/plain"),
        "language": "fr-FR",
        "data": b64encode(content).decode(),
        "title": changes.pop("title", "Consultation du 12 juin"),
        "creation": changes.pop("creation", "2026-06-12T10:00:00+02:00"),
        **changes.pop("attachment", {}),
    }
    resource = {
        "resourceType": "DocumentReference",
        "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{uuid4()}"},
        "status": "current",
        "type": concept(changes.pop("system", LOINC), code),
        "subject": {"reference": f"Patient/{app.patient_reference}"},
        "date": "2026-06-12T11:00:00+02:00",
        "author": [{"display": "Dr Sophie Martin"}],
        "custodian": {"display": "Centre de santé des Tilleuls"},
        "content": [{"attachment": {name: value for name, value in attachment.items() if value is not None}}],
        **({"securityLabel": [label(one) for one in labels]} if labels else {}),
        **changes,
    }
    return {name: element for name, element in resource.items() if element is not None}


def comprehensive(app: App, url: str, *, content: bytes = TEXT, **changes: Any) -> Any:
    """A DocumentReference of ITI-65, its content in a Binary at `url`."""
    digest = hashlib.sha1(content, usedforsecurity=False).digest()
    attachment = {"data": None, "url": url, "size": len(content), "hash": b64encode(digest).decode()}
    resource = document(
        app,
        attachment={**attachment, **changes.pop("attachment", {})},
        labels=changes.pop("labels", ("N",)),
        **{
            "category": [concept(f"{NOS}/TRE_A03-ClasseDocument/FHIR/TRE-A03-ClasseDocument", "10")],
            "contained": [
                {
                    "resourceType": "Patient",
                    "id": "p",
                    "identifier": [{"system": "urn:oid:1.2", "value": "123456789012345"}],
                },
                {
                    "resourceType": "Practitioner",
                    "id": "a",
                    "identifier": [{"system": "urn:oid:1.2.250.1.71.4.2.1", "value": "899700218896"}],
                    "name": [{"family": "Lefèvre", "given": ["Anne"]}],
                },
            ],
            "author": [{"reference": "#a"}],
            "context": {
                "period": {"start": "2026-06-10T08:00:00+02:00", "end": "2026-06-12T10:00:00+02:00"},
                "event": [concept("urn:oid:1.2.250.1.213.2.5", "DEQP003")],
                "facilityType": concept(f"{NOS}/TRE_R02-SecteurActivite/FHIR/TRE-R02-SecteurActivite", "SA01"),
                "practiceSetting": concept(f"{NOS}/TRE_A01-CadreExercice/FHIR/TRE-A01-CadreExercice", "ETABLISSEMENT"),
                "sourcePatientInfo": {"reference": "#p"},
            },
            **changes,
        },
    )
    resource["content"][0]["format"] = {
        "system": "urn:oid:1.3.6.1.4.1.19376.1.2.3",
        "code": "urn:ihe:iti:xds-sd:text:2008",
    }
    return resource


def submission(app: App, *documents: tuple[Any, bytes], **changes: Any) -> Any:
    """A transaction of ITI-65: its submission set, then each document with its Binary."""
    entries = []
    for number, (resource, content) in enumerate(documents):
        entries.append(entry(f"urn:uuid:doc-{number}", resource))
        kind = resource["content"][0]["attachment"]["contentType"]
        binary = {"resourceType": "Binary", "contentType": kind, "data": b64encode(content).decode()}
        entries.append(entry(resource["content"][0]["attachment"]["url"], binary))
    listed = {
        "resourceType": "List",
        "status": "current",
        "mode": "working",
        "code": concept("https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes", "submissionset"),
        "subject": {"reference": f"Patient/{app.patient_reference}"},
        "date": "2026-06-12T11:00:00+02:00",
        "entry": [{"item": {"reference": f"urn:uuid:doc-{number}"}} for number in range(len(documents))],
        **changes,
    }
    return {"resourceType": "Bundle", "type": "transaction", "entry": [entry("urn:uuid:set", listed), *entries]}


def entry(full_url: str, resource: Any) -> Any:
    request = {"method": "POST", "url": resource["resourceType"]}
    return {"fullUrl": full_url, "resource": resource, "request": request}


def patch(*operations: dict[str, Any]) -> Any:
    """A FHIRPath Patch: each operation is given by its parts."""
    parameters = []
    for parts in operations:
        part = [{"name": name, **(value if isinstance(value, dict) else {})} for name, value in parts.items()]
        parameters.append({"name": "operation", "part": part})
    return {"resourceType": "Parameters", "parameter": parameters}


def operation(kind: str, path: str, name: str = "", value: dict[str, Any] | None = None) -> dict[str, Any]:
    parts: dict[str, Any] = {"type": {"valueCode": kind}, "path": {"valueString": path}}
    if name:
        parts["name"] = {"valueString": name}
    if value is not None:
        parts["value"] = value
    return parts


def pdf_a() -> bytes:
    """A PDF that claims PDF/A-1b in its metadata."""
    writer, out = PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    packet = DecodedStreamObject()
    packet.set_data(
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">'
        b"<pdfaid:part>1</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance></rdf:Description></x:xmpmeta>"
    )
    writer.root_object[NameObject("/Metadata")] = writer._add_object(packet)
    writer.write(out)
    return out.getvalue()
