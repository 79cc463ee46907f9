"""The XDS metadata of a document as ebXML (IHE ITI TF-3 §4.2), both ways."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml import etree
from lxml.etree import _Element as Element

RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
LCM = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
_NAMES = {"rim": RIM, "lcm": LCM}
_DOCUMENT = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
_SUBMISSION = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
_AUTHOR = "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"
_UNIQUE_ID = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
_PATIENT_ID = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
_SUBMISSION_UNIQUE_ID = "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8"
_SUBMISSION_PATIENT_ID = "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446"
_SUBMISSION_SOURCE_ID = "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832"
_SUBMISSION_CONTENT = "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500"
_CLASS = "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a"
_TYPE = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
_FORMAT = "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d"
_FACILITY = "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"
_PRACTICE_SETTING = "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead"
_CONFIDENTIALITY = "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"


@dataclass(frozen=True, slots=True)
class Coding:
    """A code, the OID of its system, and what people read."""

    code: str = ""
    system: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Author:
    """An author: `person` and `institution` in the XCN and XON forms of the standard."""

    person: str = ""
    institution: str = ""
    specialty: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The metadata of one document. Instants are HL7 timestamps; `hash` is SHA-1 in hexadecimal, `size` in bytes."""

    unique_id: str
    patient_id: str
    title: str
    mime_type: str
    class_code: Coding = Coding()
    type_code: Coding = Coding()
    format_code: Coding = Coding()
    facility: Coding = Coding()
    practice_setting: Coding = Coding()
    confidentiality: Sequence[Coding] = ()
    authors: Sequence[Author] = ()
    created: str = ""
    service_start: str = ""
    service_stop: str = ""
    language: str = "fr-FR"
    uri: str = ""
    hash: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The set in which documents are sent together."""

    unique_id: str
    source_id: str
    patient_id: str
    submitted: str
    title: str
    content: Coding


def read_entries(root: Element) -> Iterator[Entry]:
    """Every document that the metadata describe."""
    for element in root.iter(f"{{{RIM}}}ExtrinsicObject"):
        size = _slot(element, "size")
        yield Entry(
            unique_id=_external(element, _UNIQUE_ID),
            patient_id=_external(element, _PATIENT_ID),
            title=_label(element),
            mime_type=element.get("mimeType") or "",
            confidentiality=tuple(_coding(found) for found in _classified(element, _CONFIDENTIALITY)),
            authors=tuple(_read_author(found) for found in _classified(element, _AUTHOR)),
            size=int(size) if size.isdecimal() and len(size) < 12 else None,
            created=_slot(element, "creationTime"),
            service_start=_slot(element, "serviceStartTime"),
            service_stop=_slot(element, "serviceStopTime"),
            language=_slot(element, "languageCode"),
            uri=_slot(element, "URI"),
            hash=_slot(element, "hash"),
            class_code=_first(element, _CLASS),
            type_code=_first(element, _TYPE),
            format_code=_first(element, _FORMAT),
            facility=_first(element, _FACILITY),
            practice_setting=_first(element, _PRACTICE_SETTING),
        )


def write_metadata(submission: Submission, entries: Sequence[Entry]) -> bytes:
    """The SubmitObjectsRequest of a submission and of its documents."""
    root = etree.Element(f"{{{LCM}}}SubmitObjectsRequest", nsmap={"rim": RIM, "lcm": LCM})
    objects = etree.SubElement(root, f"{{{RIM}}}RegistryObjectList")
    for number, entry in enumerate(entries, 1):
        _write_entry(objects, f"Document{number:02}", entry)
    _write_submission(objects, submission)
    for number in range(1, len(entries) + 1):
        association = _add(
            objects,
            "Association",
            id=f"Association{number:02}",
            associationType="urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember",
            sourceObject="SubmissionSet01",
            targetObject=f"Document{number:02}",
        )
        _add_slot(association, "SubmissionSetStatus", "Original")
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _slot(element: Element, name: str) -> str:
    found = element.find(f"rim:Slot[@name='{name}']/rim:ValueList/rim:Value", _NAMES)
    return "".join(found.itertext()).strip() if found is not None else ""


def _label(element: Element) -> str:
    found = element.find("rim:Name/rim:LocalizedString", _NAMES)
    return (found.get("value") or "").strip() if found is not None else ""


def _external(element: Element, scheme: str) -> str:
    found = element.find(f"rim:ExternalIdentifier[@identificationScheme='{scheme}']", _NAMES)
    return (found.get("value") or "").strip() if found is not None else ""


def _classified(element: Element, scheme: str) -> list[Element]:
    return element.findall(f"rim:Classification[@classificationScheme='{scheme}']", _NAMES)


def _first(element: Element, scheme: str) -> Coding:
    return next((_coding(found) for found in _classified(element, scheme)), Coding())


def _coding(element: Element) -> Coding:
    return Coding(element.get("nodeRepresentation") or "", _slot(element, "codingScheme"), _label(element))


def _read_author(element: Element) -> Author:
    names = ("authorPerson", "authorInstitution", "authorSpecialty", "authorRole")
    return Author(*(_slot(element, name) for name in names))


def _write_entry(objects: Element, name: str, entry: Entry) -> None:
    element = _add(objects, "ExtrinsicObject", id=name, mimeType=entry.mime_type, objectType=_DOCUMENT)
    slots = {
        "creationTime": entry.created,
        "serviceStartTime": entry.service_start,
        "serviceStopTime": entry.service_stop,
        "languageCode": entry.language,
        "URI": entry.uri,
        "hash": entry.hash,
    }
    for slot, value in slots.items():
        _add_slot(element, slot, value)
    _add_slot(element, "size", "" if entry.size is None else str(entry.size))
    _add_slot(element, "sourcePatientId", entry.patient_id)
    _add_label(element, entry.title)
    for author in entry.authors:
        _write_author(element, name, author)
    _classify(element, name, _CLASS, entry.class_code)
    _classify(element, name, _TYPE, entry.type_code)
    _classify(element, name, _FORMAT, entry.format_code)
    _classify(element, name, _FACILITY, entry.facility)
    _classify(element, name, _PRACTICE_SETTING, entry.practice_setting)
    for coding in entry.confidentiality:
        _classify(element, name, _CONFIDENTIALITY, coding)
    _identify(element, name, _PATIENT_ID, entry.patient_id, "XDSDocumentEntry.patientId")
    _identify(element, name, _UNIQUE_ID, entry.unique_id, "XDSDocumentEntry.uniqueId")


def _write_submission(objects: Element, submission: Submission) -> None:
    name = "SubmissionSet01"
    element = _add(objects, "RegistryPackage", id=name)
    _add_slot(element, "submissionTime", submission.submitted)
    _add_label(element, submission.title)
    _add(element, "Classification", id="SubmissionSetNode", classifiedObject=name, classificationNode=_SUBMISSION)
    _classify(element, name, _SUBMISSION_CONTENT, submission.content)
    _identify(element, name, _SUBMISSION_PATIENT_ID, submission.patient_id, "XDSSubmissionSet.patientId")
    _identify(element, name, _SUBMISSION_SOURCE_ID, submission.source_id, "XDSSubmissionSet.sourceId")
    _identify(element, name, _SUBMISSION_UNIQUE_ID, submission.unique_id, "XDSSubmissionSet.uniqueId")


def _write_author(element: Element, name: str, author: Author) -> None:
    found = _add(
        element,
        "Classification",
        id=f"{name}-author-{len(element)}",
        classifiedObject=name,
        classificationScheme=_AUTHOR,
        nodeRepresentation="",
    )
    _add_slot(found, "authorInstitution", author.institution)
    _add_slot(found, "authorPerson", author.person)
    _add_slot(found, "authorRole", author.role)
    _add_slot(found, "authorSpecialty", author.specialty)


def _classify(element: Element, name: str, scheme: str, coding: Coding) -> None:
    if not coding.code:
        return
    found = _add(
        element,
        "Classification",
        id=f"{name}-code-{len(element)}",
        classifiedObject=name,
        classificationScheme=scheme,
        nodeRepresentation=coding.code,
    )
    _add_slot(found, "codingScheme", coding.system)
    _add_label(found, coding.label)


def _identify(element: Element, name: str, scheme: str, value: str, label: str) -> None:
    found = _add(
        element,
        "ExternalIdentifier",
        id=f"{name}-id-{len(element)}",
        registryObject=name,
        identificationScheme=scheme,
        value=value,
    )
    _add_label(found, label)


def _add_label(element: Element, text: str) -> None:
    if text:
        _add(_add(element, "Name"), "LocalizedString", value=text)


def _add_slot(element: Element, name: str, value: str) -> None:
    if value:
        values = _add(_add(element, "Slot", name=name), "ValueList")
        _add(values, "Value").text = value


def _add(parent: Element, tag: str, **attributes: str) -> Element:
    return etree.SubElement(parent, f"{{{RIM}}}{tag}", attributes)
