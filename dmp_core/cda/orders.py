"""Writing the lines of e-prescriptions (CI-SIS eP-MED-DM) and of dispensations (CI-SIS eDISP-MED)."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from lxml.builder import ElementMaker
from lxml.etree import _Element as Element

from dmp_core.cda.document import Person
from dmp_core.cda.values import NAMESPACES, Code, Identifier
from dmp_core.cda.writing import E, coded, identified, typed

PRESCRIPTION, DISPENSATION = "1.2.250.1.213.1.1.1.39", "1.2.250.1.213.1.1.1.54"
PRESCRIPTION_SECTION, DISPENSATION_SECTION = "1.3.6.1.4.1.19376.1.9.1.2.1", "1.3.6.1.4.1.19376.1.9.1.2.3"
BOX = "30009000"
_PHARM = ElementMaker(namespace=NAMESPACES["pharm"], nsmap={"pharm": NAMESPACES["pharm"]})
_ITEM_TEMPLATES = (
    "2.16.840.1.113883.10.20.1.24",
    "1.3.6.1.4.1.19376.1.5.3.1.4.7",
    "1.3.6.1.4.1.19376.1.9.1.3.2",
    "1.2.250.1.213.1.1.3.83",
)
_SUPPLY_TEMPLATES = (
    "2.16.840.1.113883.10.20.1.34",
    "1.3.6.1.4.1.19376.1.5.3.1.4.7.3",
    "1.3.6.1.4.1.19376.1.9.1.3.4",
    "1.2.250.1.213.1.1.3.204",
)
_SUBSTITUTIONS = "2.16.840.1.113883.5.1070"
_TERMS = "1.2.250.1.213.1.1.4.322"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """A medicine prescribed: so much each so often for some days, so many boxes, renewed so many times.

    `days`, `boxes` and `repeats` are left out of the document when they are None.
    """

    id: Identifier
    product: Code
    substance: Code | None = None
    dose: Decimal
    unit: str
    every: tuple[int, str]
    start: date
    days: int | None
    boxes: int | None
    repeats: int | None
    substitutable: bool = True
    long_illness: bool = False
    reason: str = ""


def prescribed(line: Ordered) -> Element:
    """The entry of a line of prescription (FR-Traitement-prescrit)."""
    lasting = typed("effectiveTime", "IVL_TS")
    lasting.append(E.low(value=f"{line.start:%Y%m%d}"))
    if line.days is not None:
        lasting.append(E.high(value=f"{line.start + timedelta(days=line.days - 1):%Y%m%d}"))
    repeated = typed("effectiveTime", "PIVL_TS", operator="A")
    repeated.append(E.period(value=str(line.every[0]), unit=line.every[1]))
    amount = {"value": str(line.dose), "unit": line.unit}
    renewals = [] if line.repeats is None else [E.repeatNumber(value=str(line.repeats))]
    item = E.substanceAdministration(
        *_templates(_ITEM_TEMPLATES),
        identified("id", line.id),
        E.code(code="DRUG", codeSystem="2.16.840.1.113883.5.4"),
        E.statusCode(code="completed"),
        lasting,
        repeated,
        *renewals,
        E.doseQuantity(E.low(amount), E.high(amount)),
        E.consumable(_product(line.product, line.substance)),
        *_details(line),
        classCode="SBADM",
        moodCode="INT",
    )
    return E.entry(item)


def dispensed(
    *, id: Identifier, product: Code, boxes: int, at: date, by: Person, order: Identifier | None, document: Identifier
) -> Element:
    """The entry of a dispensation (FR-Traitement-dispense), which names the line that it serves when `order` does."""
    served = [] if order is None else [E.entryRelationship(_reference(order, document), typeCode="REFR")]
    name = E.name(E.suffix(by.title), E.given(by.given), E.family(by.family))
    place = [E.representedOrganization(E.name(by.organization.name))] if by.organization else []
    known = identified("id", by.identifier) if by.identifier else E.id(nullFlavor="UNK")
    person = E.assignedEntity(known, E.assignedPerson(name), *place)
    supply = E.supply(
        *_templates(_SUPPLY_TEMPLATES),
        identified("id", id),
        E.effectiveTime(value=f"{at:%Y%m%d}"),
        E.quantity(value=str(boxes), unit=BOX),
        E.product(_product(product, None)),
        E.performer(person, typeCode="PRF"),
        *served,
        classCode="SPLY",
        moodCode="EVN",
    )
    return E.entry(supply)


def _details(line: Ordered) -> list[Element]:
    found = []
    if line.boxes is not None:
        quantity = E.quantity(value=str(line.boxes), unit=BOX)
        template = E.templateId(root="1.3.6.1.4.1.19376.1.9.1.3.8")
        found.append(E.supply(template, quantity, classCode="SPLY", moodCode="RQO"))
    allowed = E.code(code="G" if line.substitutable else "N", codeSystem=_SUBSTITUTIONS)
    found.append(E.act(E.templateId(root="1.3.6.1.4.1.19376.1.9.1.3.9.1"), allowed, classCode="ACT", moodCode="DEF"))
    if line.reason:
        reason = coded("code", Code(text=line.reason, label=line.reason))
        found.append(E.act(E.templateId(root="1.3.6.1.4.1.19376.1.5.3.1.4.4.1"), reason, classCode="ACT"))
    related = coded("code", Code("MED-574", _TERMS, "En rapport avec une ALD"))
    value = typed("value", "BL", value=str(line.long_illness).lower())
    template = E.templateId(root="1.2.250.1.213.1.1.3.48.13")
    found.append(E.observation(template, related, value, classCode="OBS", moodCode="EVN"))
    return [E.entryRelationship(one, typeCode="COMP") for one in found]


def _reference(order: Identifier, document: Identifier) -> Element:
    """The line of prescription that is served (FR-Reference-item-prescription)."""
    return E.substanceAdministration(
        *_templates(("1.3.6.1.4.1.19376.1.9.1.3.11", "1.2.250.1.213.1.1.3.90")),
        identified("id", order),
        E.code(code="PREItem", codeSystem="1.3.6.1.4.1.19376.1.9.2.2"),
        E.consumable(E.manufacturedProduct(E.manufacturedMaterial(nullFlavor="NA"))),
        E.reference(E.externalDocument(identified("id", document)), typeCode="XCRPT"),
        classCode="SBADM",
        moodCode="INT",
    )


def _product(product: Code, substance: Code | None) -> Element:
    inside = [coded("code", product), E.name(product.label)]
    if substance:
        named = _PHARM.code(code=substance.code, codeSystem=substance.system, displayName=substance.label)
        inside.append(_PHARM.ingredient(_PHARM.ingredient(named, _PHARM.name(substance.label)), classCode="ACTI"))
    return E.manufacturedProduct(E.manufacturedMaterial(*inside), classCode="MANU")


def _templates(oids: tuple[str, ...]) -> list[Element]:
    return [E.templateId(root=oid) for oid in oids]
