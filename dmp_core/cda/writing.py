"""Writing CDA R2 documents of level 3 (CI-SIS): the header, sections that people read, entries that programs read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from lxml import etree
from lxml.builder import ElementMaker
from lxml.etree import Element as Element

from dmp_core.cda.document import Organization, Person
from dmp_core.cda.values import TYPE, Code, Identifier

_HL7 = "urn:hl7-org:v3"
_NAMES = {None: _HL7, "xsi": TYPE[1:].partition("}")[0]}
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def writable(text: str) -> str:
    """A text without the characters that XML holds in no way (XML 1.0 §2.2): what is pasted may hide some."""
    return _UNWRITABLE.sub("", text)


def _add_text(element: Element, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + writable(text)
    else:
        element.text = (element.text or "") + writable(text)


def _add_attributes(element: Element, given: Mapping[str, str]) -> None:
    element.attrib.update({name: writable(value) for name, value in given.items()})


E = ElementMaker(namespace=_HL7, nsmap=_NAMES, typemap={str: _add_text, dict: _add_attributes})
_NATIONAL = ("2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1")
LOINC = "2.16.840.1.113883.6.1"
_CONFIDENTIALITY = "2.16.840.1.113883.5.25"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the header of a document says; `template` is the model that it follows, `orders` what it carries out."""

    unique_id: Identifier
    code: Code
    title: str
    created: datetime
    template: str
    patient: Identifier | None
    family: str
    given: str
    birth_date: date
    gender: str
    author: Person
    custodian: Organization
    facility: str
    setting: str
    confidentiality: str = "N"
    set_id: Identifier | None = None
    version: int = 1
    replaces: Identifier | None = None
    orders: Sequence[Identifier] = ()
    is_signed: bool = False
    """Whether the author answers for it by law (legalAuthenticator)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A section: a table that people read (its first row is the heading), the paragraphs after it, the entries that it
    tells of, the sections inside it. A first row alone is read as words; `also` holds more templates."""

    code: Code
    title: str
    template: str
    rows: Sequence[Sequence[str]] = ()
    entries: Sequence[Element] = field(default_factory=tuple)
    also: Sequence[str] = ()
    paragraphs: Sequence[str] = ()
    parts: Sequence["Part"] = ()


def write(head: Head, parts: Sequence[Part]) -> bytes:
    """The document, in UTF-8."""
    root = E.ClinicalDocument(
        E.realmCode(code="FR"),
        E.typeId(root="2.16.840.1.113883.1.3", extension="POCD_HD000040"),
        *(E.templateId(root=oid) for oid in (*_NATIONAL, head.template)),
        identified("id", head.unique_id),
        coded("code", head.code),
        E.title(head.title),
        E.effectiveTime(value=instant(head.created)),
        E.confidentialityCode(code=head.confidentiality, codeSystem=_CONFIDENTIALITY),
        E.languageCode(code="fr-FR"),
        *_place_in_set(head),
        _record_target(head),
        _author(head),
        _custodian(head.custodian),
        *([_authenticator(head)] if head.is_signed else []),
        *(E.inFulfillmentOf(E.order(identified("id", order))) for order in head.orders),
        E.documentationOf(E.serviceEvent(E.effectiveTime(E.low(value=instant(head.created))))),
        *([_replaced(head.replaces)] if head.replaces else []),
        _encounter(head),
        E.component(E.structuredBody(*(E.component(_section(part)) for part in parts))),
    )
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def coded(tag: str, code: Code, **more: str) -> Element:
    """A coded element, with the words that it stands for and its translations; words alone are no code (`OTH`)."""
    given = {"code": code.code, "codeSystem": code.system, "displayName": code.label, **more}
    found = E(tag, {name: value for name, value in given.items() if value} or {"nullFlavor": "OTH"})
    if code.text:
        found.append(E.originalText(code.text))
    found.extend(coded("translation", one) for one in code.translations)
    return found


def typed(tag: str, type_: str, **attributes: str) -> Element:
    """An element that declares the type of its value."""
    found = E(tag, attributes)
    found.set(TYPE, type_)
    return found


def laboratory(chapter: Code, results: Sequence[Element]) -> Element:
    """The entry of a laboratory section: the act that holds its results (IHE XD-LAB)."""
    relations = [E.entryRelationship(one, typeCode="COMP") for one in results]
    return E.entry(
        E.templateId(root="1.3.6.1.4.1.19376.1.3.1"),
        E.act(coded("code", chapter), E.statusCode(code="completed"), *relations, classCode="ACT", moodCode="EVN"),
    )


def result(code: Code, value: Decimal, unit: str, at: datetime, low: Decimal, high: Decimal) -> Element:
    """A laboratory result with its usual values; its interpretation follows from them."""
    interpretation = "L" if value < low else "H" if value > high else "N"
    usual = typed("value", "IVL_PQ")
    usual.extend([E.low(value=str(low), unit=unit), E.high(value=str(high), unit=unit)])
    return statement(
        "observation",
        ("1.3.6.1.4.1.19376.1.3.1.6",),
        coded("code", code),
        E.statusCode(code="completed"),
        E.effectiveTime(value=instant(at)),
        typed("value", "PQ", value=str(value), unit=unit),
        E.interpretationCode(code=interpretation, codeSystem="2.16.840.1.113883.5.83"),
        E.referenceRange(E.observationRange(usual)),
        classCode="OBS",
    )


def vaccination(product: Code, at: date, lot: str, rank: int) -> Element:
    """A vaccine given (IHE PCC Immunizations)."""
    order = E.observation(
        E.code(code="30973-2", codeSystem=LOINC),
        typed("value", "INT", value=str(rank)),
        classCode="OBS",
        moodCode="EVN",
    )
    return E.entry(
        statement(
            "substanceAdministration",
            ("1.3.6.1.4.1.19376.1.5.3.1.4.12",),
            E.statusCode(code="completed"),
            E.effectiveTime(value=f"{at:%Y%m%d}"),
            _consumed(product, lot),
            E.entryRelationship(order, typeCode="SUBJ"),
            classCode="SBADM",
            negationInd="false",
        )
    )


def problem(code: Code, since: date | str, *, followed: bool = True, id: Identifier | None = None) -> Element:
    """A condition, followed today or past (IHE PCC Concern). `since` is a day, or as much of one as HL7 writes."""
    return _concern("1.3.6.1.4.1.19376.1.5.3.1.4.5.2", (), code, since, followed, id)


def allergy(agent: Code, since: date | str, *, id: Identifier | None = None) -> Element:
    """An allergy that is known (IHE PCC Allergies and Intolerances)."""
    own = ("1.3.6.1.4.1.19376.1.5.3.1.4.6",)
    return _concern("1.3.6.1.4.1.19376.1.5.3.1.4.5.3", own, agent, since, True, id)


def treatment(product: Code, since: date, dose: Decimal, unit: str, every: tuple[int, str]) -> Element:
    """A medicine taken: so much, each so many hours or days (IHE PCC Medications)."""
    period, of = every
    lasting = typed("effectiveTime", "IVL_TS")
    lasting.extend([E.low(value=f"{since:%Y%m%d}"), E.high(nullFlavor="UNK")])
    repeated = typed("effectiveTime", "PIVL_TS", operator="A")
    repeated.append(E.period(value=str(period), unit=of))
    amount = {"value": str(dose), "unit": unit}
    return E.entry(
        statement(
            "substanceAdministration",
            ("1.3.6.1.4.1.19376.1.5.3.1.4.7",),
            E.statusCode(code="completed"),
            lasting,
            repeated,
            E.doseQuantity(E.low(amount), E.high(amount)),
            _consumed(product, ""),
            classCode="SBADM",
        )
    )


def reimbursed_act(code: Code, at: date, performer: str) -> Element:
    """An act that the health insurance reimbursed (CI-SIS CNAM-HR)."""
    return E.entry(
        statement(
            "procedure",
            ("1.3.6.1.4.1.19376.1.5.3.1.4.19",),
            coded("code", code),
            E.statusCode(code="completed"),
            E.effectiveTime(value=f"{at:%Y%m%d}"),
            E.performer(E.assignedEntity(E.id(nullFlavor="UNK"), E.representedOrganization(E.name(performer)))),
            classCode="PROC",
        )
    )


def began(since: date | str) -> Element:
    """The interval that began on a day, or at an unknown time."""
    day = since if isinstance(since, str) else f"{since:%Y%m%d}"
    return E.effectiveTime(E.low({"value": day} if day else {"nullFlavor": "UNK"}))


def statement(tag: str, templates: Sequence[str], *inside: Element, **attributes: str) -> Element:
    """A clinical statement that declares the templates it follows; something that happened, unless `moodCode` says."""
    declared = [E.templateId(root=oid) for oid in templates]
    return E(tag, {"moodCode": "EVN", **attributes}, *declared, *inside)


def identified(tag: str, identifier: Identifier) -> Element:
    """An instance identifier."""
    given = {"root": identifier.root}
    if identifier.extension:
        given["extension"] = identifier.extension
    return E(tag, given)


def instant(at: datetime) -> str:
    """An HL7 timestamp with its offset."""
    return f"{at:%Y%m%d%H%M%S%z}"


def _concern(
    kind: str, templates: tuple[str, ...], code: Code, since: date | str, followed: bool, id: Identifier | None
) -> Element:
    value = coded("value", code)
    value.set(TYPE, "CD")
    observation = statement(
        "observation",
        ("1.3.6.1.4.1.19376.1.5.3.1.4.5", *templates),
        *([identified("id", id)] if id else []),
        E.code(nullFlavor="NA"),
        E.statusCode(code="completed"),
        began(since),
        value,
        classCode="OBS",
        negationInd="false",
    )
    return E.entry(
        statement(
            "act",
            ("1.3.6.1.4.1.19376.1.5.3.1.4.5.1", kind),
            E.code(nullFlavor="NA"),
            E.statusCode(code="active" if followed else "completed"),
            began(since),
            E.entryRelationship(observation, typeCode="SUBJ"),
            classCode="ACT",
        )
    )


def _consumed(product: Code, lot: str) -> Element:
    inside: list[Any] = [coded("code", product), E.name(product.label)]
    if lot:
        inside.append(E.lotNumberText(lot))
    return E.consumable(E.manufacturedProduct(E.manufacturedMaterial(*inside)))


def _section(part: Part) -> Element:
    return E.section(
        *(E.templateId(root=oid) for oid in (*part.also, part.template)),
        coded("code", part.code),
        E.title(part.title),
        *([_narrative(part)] if part.rows or part.paragraphs else []),
        *part.entries,
        *(E.component(_section(inner)) for inner in part.parts),
    )


def _narrative(part: Part) -> Element:
    text = E.text()
    heading, *rows = part.rows or [[]]
    if rows:
        head = E.thead(E.tr(*(E.th(cell) for cell in heading)))
        text.append(E.table(head, E.tbody(*(E.tr(*(E.td(cell) for cell in row)) for row in rows))))
    else:
        text.text = writable(" ".join(heading))
    text.extend(E.paragraph(words) for words in part.paragraphs)
    return text


def _place_in_set(head: Head) -> list[Element]:
    return [identified("setId", head.set_id), E.versionNumber(value=str(head.version))] if head.set_id else []


def _replaced(identifier: Identifier) -> Element:
    return E.relatedDocument(E.parentDocument(identified("id", identifier)), typeCode="RPLC")


def _record_target(head: Head) -> Element:
    name = E.name(
        E.family(head.family, qualifier="BR"), E.given(head.given), E.given(head.given.split()[0], qualifier="BR")
    )
    patient = E.patient(
        name,
        E.administrativeGenderCode(code=head.gender, codeSystem="2.16.840.1.113883.5.1"),
        E.birthTime(value=f"{head.birth_date:%Y%m%d}"),
    )
    known = identified("id", head.patient) if head.patient else E.id(nullFlavor="UNK")
    return E.recordTarget(E.patientRole(known, patient))


def _author(head: Head) -> Element:
    return E.author(E.time(value=instant(head.created)), E.assignedAuthor(*_assigned(head)))


def _authenticator(head: Head) -> Element:
    return E.legalAuthenticator(
        E.time(value=instant(head.created)), E.signatureCode(code="S"), E.assignedEntity(*_assigned(head))
    )


def _assigned(head: Head) -> list[Element]:
    """The author within the organisation that keeps the document."""
    person = head.author
    name = E.name(E.suffix(person.title), E.given(person.given), E.family(person.family))
    inside = [identified("id", person.identifier) if person.identifier else E.id(nullFlavor="UNK")]
    if person.specialty:
        inside.append(coded("code", person.specialty))
    organization = E.representedOrganization(
        *_described(head.custodian), E.standardIndustryClassCode(code=head.setting)
    )
    return [*inside, E.assignedPerson(name), organization]


def _custodian(organization: Organization) -> Element:
    return E.custodian(E.assignedCustodian(E.representedCustodianOrganization(*_described(organization))))


def _encounter(head: Head) -> Element:
    facility = E.healthCareFacility(E.code(code=head.facility))
    return E.componentOf(
        E.encompassingEncounter(E.effectiveTime(E.low(value=instant(head.created))), E.location(facility))
    )


def _described(organization: Organization) -> list[Element]:
    known = [identified("id", organization.identifier)] if organization.identifier else []
    return [*known, E.name(organization.name)]
