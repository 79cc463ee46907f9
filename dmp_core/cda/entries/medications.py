"""Treatments, prescriptions and dispensations of medicines (IHE PCC Medications, IHE Pharmacy PRE and DIS)."""

from collections.abc import Iterator

from lxml.etree import _Element as Element

from dmp_core.cda.entries.parts import Place, author_of, performer_of, product_of, related
from dmp_core.cda.statements import Author, Dosage, Medication, MedicationKind
from dmp_core.cda.values import (
    TYPE,
    Bounds,
    Period,
    Quantity,
    attribute,
    bounds,
    child,
    children,
    identifier,
    period,
    quantity,
    templates_of,
)

MEDICATION = "1.3.6.1.4.1.19376.1.5.3.1.4.7"
PRESCRIPTION_ITEM = "1.3.6.1.4.1.19376.1.9.1.3.2"
DISPENSATION_ITEM = "1.3.6.1.4.1.19376.1.9.1.3.4"
SUPPLY = "1.3.6.1.4.1.19376.1.5.3.1.4.7.3"
_AUTHORIZED_SUPPLY = "1.3.6.1.4.1.19376.1.9.1.3.8"
_SUBSTITUTION = "1.3.6.1.4.1.19376.1.9.1.3.9.1"
_REASON = "1.3.6.1.4.1.19376.1.5.3.1.4.4.1"
_PATIENT_INSTRUCTIONS = "1.3.6.1.4.1.19376.1.5.3.1.4.3"
_NO_SUBSTITUTION = "N"
_ADMINISTERED_SECTION = "18610-6"
_REFERENCE_TO_ITEM = "1.3.6.1.4.1.19376.1.9.1.3.11"
# HL7 ActPharmacySupplyType: a first fill or a refill of which a part is owed.
_PARTIAL = frozenset({"FFP", "FFPS", "RFP", "RFPS"})


def read_medication(statement: Element, place: Place) -> Medication:
    """A `substanceAdministration`: the line of a prescription when it is an intent, else a treatment."""
    templates = templates_of(statement)
    times = list(children(statement, "effectiveTime"))
    return Medication(
        **place.stated(statement),
        kind=_kind(templates, place),
        product=product_of(statement, place),
        period=_period(times),
        dosages=tuple(_dosages(statement, times, place)),
        route=place.code(child(statement, "routeCode")),
        most=_most(child(statement, "maxDoseQuantity")),
        repeats=_integer(attribute(child(statement, "repeatNumber"), "value")),
        quantity=_authorized(statement),
        substitutable=_substitutable(statement, place),
        reason=_reason(statement, place),
        instructions=_instructions(statement, place),
        author=author_of(statement),
        facts=tuple(_facts(statement, place)),
        condition=place.words(child(statement, "precondition/criterion/text")),
    )


def read_dispensation(supply: Element, place: Place) -> Medication:
    """A `supply` of a dispensation (eDISP-MED): what was given, how much, by whom, for which line of a prescription."""
    given = performer_of(supply) or author_of(supply)
    served = _served(supply)
    return Medication(
        **place.stated(supply),
        kind=MedicationKind.DISPENSATION,
        product=product_of(supply, place, "product"),
        period=period(child(supply, "effectiveTime")) if child(supply, "effectiveTime") is not None else _given(given),
        dosages=(),
        route=None,
        most="",
        repeats=_integer(attribute(child(supply, "repeatNumber"), "value")),
        quantity=quantity(child(supply, "quantity")),
        substitutable=None,
        reason="",
        instructions=_instructions(supply, place),
        author=given,
        facts=(),
        order=str(identifier(child(served, "id")) or ""),
        order_document=str(identifier(child(served, "reference/externalDocument/id")) or ""),
        partial=attribute(child(supply, "code"), "code") in _PARTIAL,
    )


def supply_of(statement: Element) -> Element | None:
    """The dispensation that a treatment of the reimbursements' history refers to."""
    return next((found for found in related(statement, "supply") if SUPPLY in templates_of(found)), None)


def _served(supply: Element) -> Element | None:
    """The reference to the line of prescription that a dispensation serves (FR-Reference-item-prescription)."""
    lines = related(supply, "substanceAdministration")
    return next((found for found in lines if _REFERENCE_TO_ITEM in templates_of(found)), None)


def _given(author: Author | None) -> Period:
    return Period(author.at, author.at) if author else Period()


def _kind(templates: frozenset[str], place: Place) -> MedicationKind:
    if PRESCRIPTION_ITEM in templates:
        return MedicationKind.PRESCRIPTION
    return MedicationKind.ADMINISTERED if place.section == _ADMINISTERED_SECTION else MedicationKind.TREATMENT


def _period(times: list[Element]) -> Period:
    known = (period(element) for element in times if _type(element) in ("", "IVL_TS", "TS"))
    return next((found for found in known if found.known), Period())


def _dosages(statement: Element, times: list[Element], place: Place) -> Iterator[Dosage]:
    """The dosage of the statement itself, then one for each of its subordinate administrations, in order."""
    own = _dosage(statement, times, place)
    if own.dose or own.every or own.when:
        yield own
    for part in related(statement, "substanceAdministration"):
        yield _dosage(part, list(children(part, "effectiveTime")), place)


def _dosage(statement: Element, times: list[Element], place: Place) -> Dosage:
    parts = [each for element in times for each in (*children(element, "comp"), element)]
    lasting = next((each for each in parts if _type(each) == "IVL_TS" and child(each, "low") is not None), None)
    repeated = next((each for each in parts if _type(each) == "PIVL_TS"), None)
    event = next((each for each in parts if _type(each) == "EIVL_TS"), None)
    return Dosage(
        text=place.words(child(statement, "text")),
        dose=_dose(child(statement, "doseQuantity")),
        every=quantity(child(repeated, "period")),
        when=attribute(child(event, "event"), "code"),
        period=period(lasting),
        duration=quantity(child(lasting, "width")),
        rate=_dose(child(statement, "rateQuantity")),
    )


def _dose(element: Element | None) -> Bounds | None:
    return bounds(element) if element is not None else None


def _most(element: Element | None) -> str:
    numerator, denominator = quantity(child(element, "numerator")), quantity(child(element, "denominator"))
    return f"{numerator} / {denominator}" if numerator and denominator else ""


def _authorized(statement: Element) -> Quantity | None:
    supplies = (one for one in related(statement, "supply") if _AUTHORIZED_SUPPLY in templates_of(one))
    return next((found for one in supplies if (found := quantity(child(one, "quantity")))), None)


def _substitutable(statement: Element, place: Place) -> bool | None:
    for act in related(statement, "act"):
        if _SUBSTITUTION in templates_of(act):
            code = place.code(child(act, "code"))
            return code.code != _NO_SUBSTITUTION if code else None
    return None


def _reason(statement: Element, place: Place) -> str:
    codes = (place.code(child(act, "code")) for act in related(statement, "act") if _REASON in templates_of(act))
    return next((code.words for code in codes if code), "")


def _instructions(statement: Element, place: Place) -> str:
    acts = (act for act in related(statement, "act") if _PATIENT_INSTRUCTIONS in templates_of(act))
    return " ".join(filter(None, (place.words(child(act, "text")) for act in acts)))


def _facts(statement: Element, place: Place) -> Iterator[tuple[str, bool]]:
    """What is true or false of the line: related to a long-term illness, not reimbursable…"""
    for observation in related(statement, "observation"):
        element, code = child(observation, "value"), place.code(child(observation, "code"))
        if code and element is not None and _type(element) == "BL":
            yield code.words, attribute(element, "value") == "true"


def _type(element: Element) -> str:
    return (element.get(TYPE) or "").rpartition(":")[2]


def _integer(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 6 else None
