"""The International Patient Summary: a FHIR document of what the record holds (HL7 FHIR IPS)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from markupsafe import escape

from dmp_core.cda.resources.clinical import procedure
from dmp_core.cda.resources.parts import Source
from dmp_core.cda.statements import Procedure
from dmp_core.cda.values import Moment
from dmp_core.fhir.entries import own_resource
from dmp_core.models.entries import EntryRow
from dmp_core.rules.entries.kinds import RESULTS
from dmp_core.rules.profile.steps import IPS_ABSENCE

Resource = dict[str, Any]

_IPS = "http://hl7.org/fhir/uv/ips/StructureDefinition"
_LOINC = "http://loinc.org"
_XHTML = "http://www.w3.org/1999/xhtml"


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the summary. `required` is what is said when nothing is known: a resource without its subject.

    `stated` holds resources that no entry of the record keeps, each with its label, without their subject.
    """

    code: str
    title: str
    rows: Sequence[EntryRow]
    subject: str = "subject"
    required: Resource | None = None
    stated: Sequence[tuple[str, Resource]] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """Whose summary it is. `sex` is `male`, `female` or `unknown`."""

    id: UUID
    family_name: str
    given_name: str
    birth_date: date
    sex: str


def no_information(resource: str, code: str, text: str) -> Resource:
    """What stands in a required section that holds nothing (IPS, absent and unknown data)."""
    concept = {"coding": [{"system": IPS_ABSENCE, "code": code}], "text": text}
    match resource:
        case "MedicationStatement":
            return {"resourceType": resource, "status": "unknown", "medicationCodeableConcept": concept}
        case "Condition":
            system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
            state = {"coding": [{"system": system, "code": "active"}]}
            return {"resourceType": resource, "clinicalStatus": state, "code": concept}
    system = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
    return {
        "resourceType": resource,
        "clinicalStatus": {"coding": [{"system": system, "code": "active"}]},
        "code": concept,
    }


def write_procedure(found: Procedure) -> Resource:
    """An act as the summary holds it, without its subject; it must say when, be it in words (Procedure-uv-ips)."""
    written = procedure(found, Source("", "", Moment("", date.min)))
    kept = {name: value for name, value in written.items() if name not in {"subject", "report"}}
    return kept if "performedPeriod" in kept else {**kept, "performedString": "Date inconnue"}


def write_summary(*, person: Person, sections: Sequence[Section], author: str, at: datetime) -> Resource:
    """The Bundle of type document: the Composition first, the Patient, then every entry that a section names."""
    written = [(section, list(_entries(section, person))) for section in sections]
    composition = {
        "resourceType": "Composition",
        "meta": {"profile": [f"{_IPS}/Composition-uv-ips"]},
        "status": "final",
        "type": {"coding": [{"system": _LOINC, "code": "60591-5", "display": "Patient summary Document"}]},
        "subject": {"reference": f"urn:uuid:{person.id}"},
        "date": at.isoformat(),
        "author": [{"display": author}],
        "title": f"Résumé de santé de {person.given_name} {person.family_name}",
        "section": [_section(section, found) for section, found in written if found],
    }
    entries = [(str(uuid4()), composition), (str(person.id), write_patient(person))]
    entries += [entry for _, found in written for entry in found]
    return {
        "resourceType": "Bundle",
        "meta": {"profile": [f"{_IPS}/Bundle-uv-ips"]},
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{uuid4()}"},
        "type": "document",
        "timestamp": at.isoformat(),
        "entry": [{"fullUrl": f"urn:uuid:{id}", "resource": resource} for id, resource in entries],
    }


def _entries(section: Section, person: Person) -> Iterator[tuple[str, Resource]]:
    subject = {section.subject: {"reference": f"urn:uuid:{person.id}"}}
    for row in section.rows:
        resource = own_resource(row, person.id)
        if row.category == RESULTS.category:
            resource.setdefault("performer", [{"display": row.author_name or "Laboratoire"}])
        yield str(row.id), {**resource, **subject}
    for _, resource in section.stated:
        yield str(uuid4()), {**resource, **subject}
    if not (section.rows or section.stated) and section.required:
        yield str(uuid4()), {**section.required, **subject}


def _section(section: Section, found: Sequence[tuple[str, Resource]]) -> Resource:
    labels = [*(row.label for row in section.rows), *(label for label, _ in section.stated)] or ["Aucune information"]
    items = "".join(f"<li>{escape(label)}</li>" for label in labels)
    return {
        "title": section.title,
        "code": {"coding": [{"system": _LOINC, "code": section.code}]},
        "text": {"status": "generated", "div": f'<div xmlns="{_XHTML}"><ul>{items}</ul></div>'},
        "entry": [{"reference": f"urn:uuid:{id}"} for id, _ in found],
    }


def write_patient(person: Person) -> Mapping[str, Any]:
    """The Patient, without the matricule."""
    return {
        "resourceType": "Patient",
        "id": str(person.id),
        "name": [{"family": person.family_name, "given": [person.given_name]}],
        "gender": person.sex,
        "birthDate": person.birth_date.isoformat(),
    }
