"""DocumentReferences written from what a sender says otherwise: the header of a CDA document, the metadata of XDS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dmp_core.categories import (
    CLASSES,
    CONFIDENTIALITIES,
    DOCUMENT_TYPES,
    FACILITIES,
    FORMATS,
    LOINC,
    SETTINGS,
    Code,
)
from dmp_core.cda.document import Header, Person
from dmp_core.cda.envelopes.metadata import Entry
from dmp_core.cda.values import Identifier, read_moment

_RPPS = "urn:oid:1.2.250.1.71.4.2.1"
_URN = "urn:ietf:rfc:3986"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A document as its sender describes it. Dates are FHIR's; codes are those of the ANS value sets.

    `replaces` is the unique id of the document that this one takes the place of; `patient` is the one it is about.
    """

    unique_id: str
    patient: Identifier | None
    type_code: str
    class_code: str = ""
    format_code: str = ""
    facility: str = ""
    setting: str = ""
    confidentiality: Sequence[str] = ()
    title: str
    media_type: str
    language: str
    created: str
    service_start: str = ""
    service_stop: str = ""
    authors: Sequence[tuple[str, str]] = ()
    """The name and the RPPS number of each author; either may be empty."""
    institution: str = ""
    institution_id: str = ""
    replaces: str = ""


def of_header(header: Header, *, patient: Identifier | None = None) -> Described:
    """What the header of a CDA document says."""
    facility, setting = header.facility, header.practice_setting
    identifier = header.custodian.identifier
    return Described(
        unique_id=header.unique_id,
        patient=header.subject.ins or patient,
        type_code=header.code.code,
        facility=facility.code if facility else "",
        setting=setting.code if setting else "",
        confidentiality=[header.confidentiality.code or "N"],
        title=header.title or header.code.words,
        media_type="text/xml",
        language=header.language,
        created=header.created.text,
        service_start=str(header.service_period.start or header.encounter_period.start or ""),
        service_stop=str(header.service_period.end or ""),
        authors=[(_name(author), author.rpps) for author in header.authors],
        institution=header.custodian.name,
        institution_id=str(identifier) if identifier else "",
        replaces=next((one.unique_id for one in header.related if one.relation == "RPLC"), ""),
    )


def of_entry(entry: Entry) -> Described:
    """What the XDS metadata of a document say. Their instants are in UTC (IHE ITI TF-3 §4.2.3.1)."""
    name, _, authority = entry.patient_id.partition("^^^")
    oid = authority.split("&")[1] if authority.count("&") >= 2 else ""
    return Described(
        unique_id=entry.unique_id,
        patient=Identifier(oid, name) if oid and name else None,
        type_code=entry.type_code.code,
        class_code=entry.class_code.code,
        format_code=entry.format_code.code,
        facility=entry.facility.code,
        setting=entry.practice_setting.code,
        confidentiality=[one.code for one in entry.confidentiality] or ["N"],
        title=entry.title or entry.type_code.label,
        media_type=entry.mime_type,
        language=entry.language,
        created=_instant(entry.created),
        service_start=_instant(entry.service_start),
        service_stop=_instant(entry.service_stop),
        authors=[_xcn(author.person) for author in entry.authors if author.person],
        institution=next((author.institution.split("^")[0] for author in entry.authors if author.institution), ""),
        institution_id=next((author.institution for author in entry.authors if author.institution), ""),
    )


def write_imported(found: Described, patient_reference: str, *, now: str, replaces: str = "") -> dict[str, Any]:
    """The DocumentReference of what was described; `replaces` refers to the document that it takes the place of."""
    kind = DOCUMENT_TYPES.get(found.type_code)
    system = kind.code.system if kind else LOINC
    context: dict[str, Any] = {}
    if found.facility or found.setting:
        context["facilityType"] = _concept(found.facility, FACILITIES)
        context["practiceSetting"] = _concept(found.setting, SETTINGS)
    if period := _filled({"start": found.service_start, "end": found.service_stop}):
        context["period"] = period
    attachment = {
        "contentType": found.media_type,
        "language": found.language,
        "title": found.title,
        "creation": found.created,
    }
    resource = {
        "resourceType": "DocumentReference",
        "masterIdentifier": {"system": _URN, "value": f"urn:oid:{found.unique_id}"},
        "status": "current",
        "type": {"coding": [{"system": system, "code": found.type_code, **({"display": kind.label} if kind else {})}]},
        "category": [_concept(found.class_code, CLASSES)] if found.class_code else None,
        "subject": {"reference": f"Patient/{patient_reference}"},
        "date": now,
        "author": [_author(*author) for author in found.authors] or [{"display": found.institution}],
        "custodian": {"display": found.institution} if found.institution else None,
        "relatesTo": [{"code": "replaces", "target": {"reference": replaces}}] if replaces else None,
        "securityLabel": [_concept(code, CONFIDENTIALITIES) for code in found.confidentiality],
        "content": [_filled({"attachment": _filled(attachment), "format": _format(found.format_code)})],
        "context": context,
    }
    return _filled(resource)


def _name(author: Person) -> str:
    return author.name or (author.organization.name if author.organization else "")


def _author(name: str, rpps: str) -> dict[str, Any]:
    identifier = {"system": _RPPS, "value": f"8{rpps}"} if rpps else None
    return _filled({"identifier": identifier, "display": name})


def _xcn(person: str) -> tuple[str, str]:
    """The name and RPPS number of an XCN (`8…^family^given`)."""
    number, family, given, *_ = [*person.split("^"), "", "", ""]
    rpps = number[1:] if number.startswith("8") and len(number) == 12 else ""
    return f"{given} {family}".strip() or number, rpps


def _concept(code: str, known: Mapping[str, Code]) -> dict[str, Any]:
    found = known.get(code)
    system = found.system if found else next(iter(known.values())).system
    return {"coding": [_filled({"system": system, "code": code, "display": found.label if found else ""})]}


def _format(code: str) -> dict[str, Any] | None:
    found = FORMATS.get(code)
    return {"system": found.system, "code": found.code} if found else None


def _instant(written: str) -> str:
    moment = read_moment(f"{written}+0000" if len(written) >= 12 else written)
    return moment.text if moment else ""


def _filled(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}
