"""Data types common to the mapped resources."""

from dataclasses import dataclass
from typing import Any

from dmp_core.cda.statements import Author
from dmp_core.cda.values import Bounds, Code, Moment, Period, Quantity

Resource = dict[str, Any]

UCUM = "http://unitsofmeasure.org"
UNSAID = "Non précisé"
RPPS = "urn:oid:1.2.250.1.71.4.2.1"
_SYSTEMS = {
    "2.16.840.1.113883.6.1": "http://loinc.org",
    "2.16.840.1.113883.6.96": "http://snomed.info/sct",
    "2.16.840.1.113883.6.3": "http://hl7.org/fhir/sid/icd-10",
    "2.16.840.1.113883.6.73": "http://www.whocc.no/atc",
    "2.16.840.1.113883.5.111": "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
    "0.4.0.127.0.16.1.1.2.1": "http://standardterms.edqm.eu",
    "1.2.250.1.213.1.1.4.322": "https://mos.esante.gouv.fr/NOS/TRE_R308-TAASIP/FHIR/TRE-R308-TAASIP",
}
_OIDS = {address: oid for oid, address in _SYSTEMS.items()}


@dataclass(frozen=True, slots=True)
class Source:
    """What every resource refers to: the patient and the document, as references, and when the document was made."""

    patient: str
    document: str
    created: Moment


def concept(code: Code | None) -> Resource:
    """A CodeableConcept with every coding known; a code without a system keeps none."""
    if code is None:
        return {"text": UNSAID}
    codings = [_coding(one) for one in code.walk() if one.code]
    text = code.text or code.label or (codings[0].get("display", "") if codings else "")
    found: Resource = {"coding": codings} if codings else {}
    return {**found, "text": text or UNSAID} if text or not found else found


def oid_of(address: str) -> str:
    """The OID of a code system by its FHIR address; empty for one that no OID is known of."""
    return _OIDS.get(address) or (address.removeprefix("urn:oid:") if address.startswith("urn:oid:") else "")


def _coding(code: Code) -> Resource:
    uri = _SYSTEMS.get(code.system) or (f"urn:oid:{code.system}" if code.system else "")
    return filled({"system": uri, "code": code.code, "display": code.label})


def coded(system: str, code: str) -> Resource:
    """A CodeableConcept of one code of FHIR's own systems."""
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}]}


def quantity(value: Quantity | None) -> Resource | None:
    """A Quantity. A unit is said to be UCUM's only when it can be (no space in it)."""
    if value is None:
        return None
    if not value.unit or " " in value.unit:
        return filled({"value": value.value, "unit": value.unit})
    return {"value": value.value, "unit": value.unit, "system": UCUM, "code": value.unit}


def limits(value: Bounds | None) -> Resource | None:
    """A Range, or the low and high of a reference range."""
    return filled({"low": quantity(value.low), "high": quantity(value.high)}) if value else None


def dates(value: Period) -> Resource | None:
    """A FHIR Period; None when neither side is known."""
    return filled({"start": text(value.start), "end": text(value.end)}) or None


def text(value: Moment | None) -> str | None:
    """A FHIR dateTime."""
    return value.text if value else None


def actor(author: Author | None) -> Resource | None:
    """A Reference to a professional known by name and, when given, by RPPS."""
    if author is None:
        return None
    names = " – ".join(part for part in (author.name, author.organization) if part)
    identifier = {"system": RPPS, "value": author.rpps} if author.rpps else None
    return filled({"display": names or None, "identifier": identifier}) or None


def note(*texts: str) -> list[Resource] | None:
    """Annotations, without those that say nothing."""
    return [{"text": words} for words in texts if words] or None


def filled(members: Resource) -> Resource:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}
