"""The header of a CDA R2 document (CI-SIS, Volet Structuration minimale)."""

from collections.abc import Iterator
from datetime import date

from lxml.etree import _Element as Element

from dmp_core.cda.document import Header, Organization, Person, Related, Subject
from dmp_core.cda.values import (
    Code,
    Identifier,
    attribute,
    child,
    children,
    code,
    identifier,
    moment,
    period,
    text_of,
)
from platform_core.errors import Fault, Invalid
from platform_core.health_identity import INS_NIA, INS_NIR, INS_NIR_DEMO, INS_NIR_TEST

_INS_ROOTS = (INS_NIR, INS_NIA, INS_NIR_TEST, INS_NIR_DEMO)

_REQUIRED = {
    "id": "the unique identifier",
    "code": "the type",
    "effectiveTime": "the date of creation",
    "recordTarget/patientRole": "the patient",
    "author/assignedAuthor": "an author",
    "custodian/assignedCustodian/representedCustodianOrganization": "the custodian",
    "component": "the body",
}


def read_header(root: Element) -> Header:
    """Raises `Invalid` `cda-incomplete` with each missing element."""
    _check(root)
    unique, created = identifier(child(root, "id")), moment(child(root, "effectiveTime"))
    kind = code(child(root, "code"), {})
    if unique is None or created is None or kind is None or not kind.code:
        raise _incomplete(_hollow(unique, created, kind))
    event = child(root, "documentationOf/serviceEvent")
    encounter = child(root, "componentOf/encompassingEncounter")
    facility = child(encounter, "location/healthCareFacility")
    authenticator = child(root, "legalAuthenticator")
    return Header(
        unique_id=str(unique),
        set_id=str(identifier(child(root, "setId")) or ""),
        version=_integer(attribute(child(root, "versionNumber"), "value")),
        code=kind,
        title=text_of(child(root, "title")),
        created=created,
        confidentiality=code(child(root, "confidentialityCode"), {}) or Code(),
        language=attribute(child(root, "languageCode"), "code"),
        templates=[attribute(found, "root") for found in children(root, "templateId")],
        subject=_subject(root),
        authors=[person(author, "assignedAuthor") for author in children(root, "author")],
        custodian=organization(child(root, "custodian/assignedCustodian/representedCustodianOrganization")),
        legal_authenticator=person(authenticator, "assignedEntity") if authenticator is not None else None,
        service=code(child(event, "code"), {}),
        service_period=period(child(event, "effectiveTime")),
        performer=_performer(event),
        encounter=code(child(encounter, "code"), {}),
        encounter_period=period(child(encounter, "effectiveTime")),
        facility=code(child(facility, "code"), {}),
        practice_setting=_practice_setting(root),
        related=list(_related(root)),
        orders=[str(found) for one in children(root, "inFulfillmentOf/order/id") if (found := identifier(one))],
    )


def person(participation: Element, role: str) -> Person:
    """Who takes part (`author`, `performer`, `legalAuthenticator`…) through the role element of that name."""
    entity = child(participation, role)
    name = child(entity, "assignedPerson/name")
    device = child(entity, "assignedAuthoringDevice")
    worker = child(entity, "representedOrganization")
    return Person(
        family=text_of(child(name, "family")) or text_of(child(device, "softwareName")),
        given=text_of(child(name, "given")),
        title=text_of(child(name, "suffix")) or text_of(child(name, "prefix")),
        identifier=identifier(child(entity, "id")),
        specialty=code(child(entity, "code"), {}),
        organization=organization(worker) if worker is not None else None,
        at=moment(child(participation, "time")) or moment(child(participation, "time/low")),
    )


def organization(element: Element | None) -> Organization:
    """An organisation's name, national identifier and sector of practice."""
    return Organization(
        text_of(child(element, "name")),
        identifier(child(element, "id")),
        code(child(element, "standardIndustryClassCode"), {}),
    )


def _check(root: Element) -> None:
    if root.tag != "{urn:hl7-org:v3}ClinicalDocument":
        message = "The root element is not ClinicalDocument of urn:hl7-org:v3."
        raise Invalid(message, code="cda-not-a-document", faults=[Fault("/", message, "cda-not-a-document")])
    missing = [f"{path}: {words} is missing." for path, words in _REQUIRED.items() if child(root, path) is None]
    if missing:
        raise _incomplete(missing)


def _hollow(unique: Identifier | None, created: object, kind: Code | None) -> list[str]:
    empty = {"id/@root": unique, "effectiveTime/@value": created, "code/@code": kind and kind.code}
    return [f"{path}: no value that can be read." for path, value in empty.items() if not value]


def _incomplete(missing: list[str]) -> Invalid:
    faults = [
        Fault(f"/ClinicalDocument/{path}", words.strip()) for path, _, words in (m.partition(":") for m in missing)
    ]
    return Invalid("The CDA document lacks " + "; ".join(missing), code="cda-incomplete", faults=faults)


def _subject(root: Element) -> Subject:
    role = child(root, "recordTarget/patientRole")
    patient = child(role, "patient")
    identifiers = [found for element in children(role, "id") if (found := identifier(element))]
    names = [(attribute(found, "qualifier"), text_of(found)) for found in children(patient, "name/family")]
    givens = [text_of(found) for found in children(patient, "name/given") if attribute(found, "qualifier") != "CL"]
    born = moment(child(patient, "birthTime"))
    return Subject(
        identifiers=identifiers,
        ins=next((found for found in identifiers if found.root in _INS_ROOTS and found.extension), None),
        birth_family=_qualified(names, "BR"),
        used_family=_qualified(names, "CL"),
        given=next(iter(givens), ""),
        birth_date=_whole_day(born.text, born.day) if born else None,
        gender=attribute(child(patient, "administrativeGenderCode"), "code"),
    )


def _qualified(names: list[tuple[str, str]], qualifier: str) -> str:
    """The name of that qualifier (older models write SP for the name in use), else the first one without any."""
    wanted = ("CL", "SP") if qualifier == "CL" else (qualifier,)
    found = [name for mark, name in names if mark in wanted] or [name for mark, name in names if not mark]
    return found[0] if found else ""


def _whole_day(text: str, day: date) -> date | None:
    return day if len(text) >= 10 else None


def _performer(event: Element | None) -> Person | None:
    found = child(event, "performer")
    return person(found, "assignedEntity") if found is not None else None


def _practice_setting(root: Element) -> Code | None:
    """The sector in which the performer of the main act works, else that of the first author."""
    paths = (
        "documentationOf/serviceEvent/performer/assignedEntity/representedOrganization/standardIndustryClassCode",
        "author/assignedAuthor/representedOrganization/standardIndustryClassCode",
    )
    return next((found for path in paths if (found := code(child(root, path), {}))), None)


def _related(root: Element) -> Iterator[Related]:
    for element in children(root, "relatedDocument"):
        parent = identifier(child(element, "parentDocument/id"))
        if parent:
            yield Related(attribute(element, "typeCode"), str(parent))


def _integer(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 1
