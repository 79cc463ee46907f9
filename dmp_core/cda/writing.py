"""Writing CDA R2 documents of level 3 (CI-SIS): the header, sections that people read, entries that programs read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from lxml import etree
from lxml.builder import ElementMaker
from lxml.etree import _Element as Element

from dmp_core.cda.document import Organization, Person
from dmp_core.cda.values import TYPE, Code, Identifier

_HL7 = "urn:hl7-org:v3"
_NAMES = {None: _HL7, "xsi": TYPE[1:].partition("}")[0]}
_E = ElementMaker(namespace=_HL7, nsmap=_NAMES)
_NATIONAL = ("2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1")
LOINC = "2.16.840.1.113883.6.1"
_CONFIDENTIALITY = "2.16.840.1.113883.5.25"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the header of a document says; `template` is the model that it follows."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A section: a table that people read (its first row is the heading), and the entries that it tells of."""

    code: Code
    title: str
    template: str
    rows: Sequence[Sequence[str]]
    entries: Sequence[Element] = field(default_factory=tuple)


def write(head: Head, parts: Sequence[Part]) -> bytes:
    """The document, in UTF-8."""
    root = _E.ClinicalDocument(
        _E.realmCode(code="FR"),
        _E.typeId(root="2.16.840.1.113883.1.3", extension="POCD_HD000040"),
        *(_E.templateId(root=oid) for oid in (*_NATIONAL, head.template)),
        _identifier("id", head.unique_id),
        coded("code", head.code),
        _E.title(head.title),
        _E.effectiveTime(value=instant(head.created)),
        _E.confidentialityCode(code=head.confidentiality, codeSystem=_CONFIDENTIALITY),
        _E.languageCode(code="fr-FR"),
        _record_target(head),
        _author(head),
        _custodian(head.custodian),
        _E.documentationOf(_E.serviceEvent(_E.effectiveTime(_E.low(value=instant(head.created))))),
        _encounter(head),
        _E.component(_E.structuredBody(*(_E.component(_section(part)) for part in parts))),
    )
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def coded(tag: str, code: Code, **more: str) -> Element:
    """A coded element, with its translations."""
    given = {"code": code.code, "codeSystem": code.system, "displayName": code.label, **more}
    found = _E(tag, {name: value for name, value in given.items() if value})
    found.extend(coded("translation", one) for one in code.translations)
    return found


def typed(tag: str, type_: str, **attributes: str) -> Element:
    """An element that declares the type of its value."""
    found = _E(tag, attributes)
    found.set(TYPE, type_)
    return found


def laboratory(chapter: Code, results: Sequence[Element]) -> Element:
    """The entry of a laboratory section: the act that holds its results (IHE XD-LAB)."""
    relations = [_E.entryRelationship(one, typeCode="COMP") for one in results]
    return _E.entry(
        _E.templateId(root="1.3.6.1.4.1.19376.1.3.1"),
        _E.act(coded("code", chapter), _E.statusCode(code="completed"), *relations, classCode="ACT", moodCode="EVN"),
    )


def result(code: Code, value: Decimal, unit: str, at: datetime, low: Decimal, high: Decimal) -> Element:
    """A laboratory result with its usual values; its interpretation follows from them."""
    interpretation = "L" if value < low else "H" if value > high else "N"
    usual = typed("value", "IVL_PQ")
    usual.extend([_E.low(value=str(low), unit=unit), _E.high(value=str(high), unit=unit)])
    return _statement(
        "observation",
        ("1.3.6.1.4.1.19376.1.3.1.6",),
        coded("code", code),
        _E.statusCode(code="completed"),
        _E.effectiveTime(value=instant(at)),
        typed("value", "PQ", value=str(value), unit=unit),
        _E.interpretationCode(code=interpretation, codeSystem="2.16.840.1.113883.5.83"),
        _E.referenceRange(_E.observationRange(usual)),
        classCode="OBS",
    )


def vaccination(product: Code, at: date, lot: str, rank: int) -> Element:
    """A vaccine given (IHE PCC Immunizations)."""
    order = _E.observation(
        _E.code(code="30973-2", codeSystem=LOINC),
        typed("value", "INT", value=str(rank)),
        classCode="OBS",
        moodCode="EVN",
    )
    return _E.entry(
        _statement(
            "substanceAdministration",
            ("1.3.6.1.4.1.19376.1.5.3.1.4.12",),
            _E.statusCode(code="completed"),
            _E.effectiveTime(value=f"{at:%Y%m%d}"),
            _consumed(product, lot),
            _E.entryRelationship(order, typeCode="SUBJ"),
            classCode="SBADM",
            negationInd="false",
        )
    )


def problem(code: Code, since: date, *, followed: bool = True) -> Element:
    """A condition, followed today or past (IHE PCC Concern)."""
    return _concern("1.3.6.1.4.1.19376.1.5.3.1.4.5.2", (), code, since, followed)


def allergy(agent: Code, since: date) -> Element:
    """An allergy that is known (IHE PCC Allergies and Intolerances)."""
    return _concern("1.3.6.1.4.1.19376.1.5.3.1.4.5.3", ("1.3.6.1.4.1.19376.1.5.3.1.4.6",), agent, since, followed=True)


def treatment(product: Code, since: date, dose: Decimal, unit: str, every: tuple[int, str]) -> Element:
    """A medicine taken: so much, each so many hours or days (IHE PCC Medications)."""
    period, of = every
    lasting = typed("effectiveTime", "IVL_TS")
    lasting.extend([_E.low(value=f"{since:%Y%m%d}"), _E.high(nullFlavor="UNK")])
    repeated = typed("effectiveTime", "PIVL_TS", operator="A")
    repeated.append(_E.period(value=str(period), unit=of))
    amount = {"value": str(dose), "unit": unit}
    return _E.entry(
        _statement(
            "substanceAdministration",
            ("1.3.6.1.4.1.19376.1.5.3.1.4.7",),
            _E.statusCode(code="completed"),
            lasting,
            repeated,
            _E.doseQuantity(_E.low(amount), _E.high(amount)),
            _consumed(product, ""),
            classCode="SBADM",
        )
    )


def reimbursed_act(code: Code, at: date, performer: str) -> Element:
    """An act that the health insurance reimbursed (CI-SIS CNAM-HR)."""
    return _E.entry(
        _statement(
            "procedure",
            ("1.3.6.1.4.1.19376.1.5.3.1.4.19",),
            coded("code", code),
            _E.statusCode(code="completed"),
            _E.effectiveTime(value=f"{at:%Y%m%d}"),
            _E.performer(_E.assignedEntity(_E.id(nullFlavor="UNK"), _E.representedOrganization(_E.name(performer)))),
            classCode="PROC",
        )
    )


def instant(at: datetime) -> str:
    """An HL7 timestamp with its offset."""
    return f"{at:%Y%m%d%H%M%S%z}"


def _statement(tag: str, templates: Sequence[str], *inside: Element, **attributes: str) -> Element:
    declared = [_E.templateId(root=oid) for oid in templates]
    return _E(tag, {"moodCode": "EVN", **attributes}, *declared, *inside)


def _concern(kind: str, templates: tuple[str, ...], code: Code, since: date, followed: bool) -> Element:
    began = f"{since:%Y%m%d}"
    value = coded("value", code)
    value.set(TYPE, "CD")
    observation = _statement(
        "observation",
        ("1.3.6.1.4.1.19376.1.5.3.1.4.5", *templates),
        _E.code(nullFlavor="NA"),
        _E.statusCode(code="completed"),
        _E.effectiveTime(_E.low(value=began)),
        value,
        classCode="OBS",
        negationInd="false",
    )
    return _E.entry(
        _statement(
            "act",
            ("1.3.6.1.4.1.19376.1.5.3.1.4.5.1", kind),
            _E.code(nullFlavor="NA"),
            _E.statusCode(code="active" if followed else "completed"),
            _E.effectiveTime(_E.low(value=began)),
            _E.entryRelationship(observation, typeCode="SUBJ"),
            classCode="ACT",
        )
    )


def _consumed(product: Code, lot: str) -> Element:
    inside: list[Any] = [coded("code", product), _E.name(product.label)]
    if lot:
        inside.append(_E.lotNumberText(lot))
    return _E.consumable(_E.manufacturedProduct(_E.manufacturedMaterial(*inside)))


def _section(part: Part) -> Element:
    heading, *rows = part.rows or [[]]
    table = _E.table(
        _E.thead(_E.tr(*(_E.th(cell) for cell in heading))),
        _E.tbody(*(_E.tr(*(_E.td(cell) for cell in row)) for row in rows)),
    )
    text = _E.text(table) if rows else _E.text(*heading)
    return _E.section(
        _E.templateId(root=part.template), coded("code", part.code), _E.title(part.title), text, *part.entries
    )


def _record_target(head: Head) -> Element:
    name = _E.name(
        _E.family(head.family, qualifier="BR"), _E.given(head.given), _E.given(head.given.split()[0], qualifier="BR")
    )
    patient = _E.patient(
        name,
        _E.administrativeGenderCode(code=head.gender, codeSystem="2.16.840.1.113883.5.1"),
        _E.birthTime(value=f"{head.birth_date:%Y%m%d}"),
    )
    known = _identifier("id", head.patient) if head.patient else _E.id(nullFlavor="UNK")
    return _E.recordTarget(_E.patientRole(known, patient))


def _author(head: Head) -> Element:
    person = head.author
    name = _E.name(_E.suffix(person.title), _E.given(person.given), _E.family(person.family))
    inside = [_identifier("id", person.identifier) if person.identifier else _E.id(nullFlavor="UNK")]
    if person.specialty:
        inside.append(coded("code", person.specialty))
    organization = _E.representedOrganization(
        *_described(head.custodian), _E.standardIndustryClassCode(code=head.setting)
    )
    return _E.author(
        _E.time(value=instant(head.created)), _E.assignedAuthor(*inside, _E.assignedPerson(name), organization)
    )


def _custodian(organization: Organization) -> Element:
    return _E.custodian(_E.assignedCustodian(_E.representedCustodianOrganization(*_described(organization))))


def _encounter(head: Head) -> Element:
    facility = _E.healthCareFacility(_E.code(code=head.facility))
    return _E.componentOf(
        _E.encompassingEncounter(_E.effectiveTime(_E.low(value=instant(head.created))), _E.location(facility))
    )


def _described(organization: Organization) -> list[Element]:
    known = [_identifier("id", organization.identifier)] if organization.identifier else []
    return [*known, _E.name(organization.name)]


def _identifier(tag: str, identifier: Identifier) -> Element:
    given = {"root": identifier.root}
    if identifier.extension:
        given["extension"] = identifier.extension
    return _E(tag, given)
