"""What an Observation must hold to be a measure: rules of the API Mesures v1.5.2 (§2.2) and of the ANS guide."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from dmp_core.categories import BLOOD_PRESSURE, BMI, DAYS, KINDS, MOMENTS, Coding, Kind
from platform_core.errors import Fault
from platform_core.fhir import wire
from platform_core.fhir.search import instant_of

UCUM = "http://unitsofmeasure.org"
VITAL_SIGNS = ("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")
# Each code system of the value sets, by its OID form (FHIR R4 §4.3.1.2).
_SYSTEMS = {
    "urn:oid:2.16.840.1.113883.6.1": "http://loinc.org",
    "urn:oid:1.2.250.1.213.1.1.4.322": "https://mos.esante.gouv.fr/NOS/TRE_R308-TAASIP/FHIR/TRE-R308-TAASIP",
}
_MOMENT = frozenset({"mesures-moment-of-measurement", "ENS_MomentOfMeasurement"})
_DAYS = frozenset({"mesures-number-of-days", "ENS_NumberOfDays"})
_KIND_OF: Mapping[Coding, Kind] = {coding: kind for kind in KINDS.values() for coding in (kind.coding, *kind.also)}
_LARGEST = Decimal(10) ** 9
_CONVERTED_DECIMALS = 6
_NO_DATE = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure read from an Observation: `values` is one number, or the systolic and the diastolic ones."""

    kind: Kind
    effective_at: datetime
    values: tuple[Decimal, ...]

    @property
    def is_plausible(self) -> bool:
        return all(self.kind.low <= value <= self.kind.high for value in self.values)


def read_measure(resource: Mapping[str, Any]) -> Measure | list[Fault]:
    """The measure that a valid Observation holds, or the faults that refuse it."""
    kind = _find_kind(resource)
    faults = list(_general_faults(resource))
    if kind is None:
        faults.append(Fault("Observation.code", "is not the code of a measure that is kept here.", "not-supported"))
        return faults
    if kind.name == BMI:
        return [Fault("Observation.code", "BMI cannot be written: it is computed.", "not-supported")]
    faults += _glucose_faults(resource, kind)
    values = _values(resource, kind, faults)
    effective_at = _effective_at(resource, faults)
    return faults or Measure(kind, effective_at, values)


def _find_kind(resource: Mapping[str, Any]) -> Kind | None:
    return next((kind for coding in _codings(resource.get("code")) if (kind := _KIND_OF.get(coding))), None)


def source_fault(resource: Mapping[str, Any], source: str) -> Fault | None:
    """The fault of a `meta.source` that is neither the writer's (`source`) nor a branch of it."""
    given = resource.get("meta", {}).get("source", source)
    if given == source or given.startswith((f"{source}.", f"{source}#", f"{source}/")):
        return None
    return Fault(f"{resource['resourceType']}.meta.source", f"must be {source} or one of its branches.", "value")


def _general_faults(resource: Mapping[str, Any]) -> Iterator[Fault]:
    if not resource.get("meta", {}).get("profile"):
        yield Fault("Observation.meta.profile", "is missing.", "invalid")
    if not any(VITAL_SIGNS in _codings(concept) for concept in resource.get("category", ())):
        yield Fault("Observation.category", "must hold vital-signs.", "required")
    if "subject" not in resource:
        yield Fault("Observation.subject", "is missing: name the patient by identifier or reference.", "invalid")


def _values(resource: Mapping[str, Any], kind: Kind, faults: list[Fault]) -> tuple[Decimal, ...]:
    if kind.name != BLOOD_PRESSURE:
        return tuple(_number(resource.get("valueQuantity"), kind, "Observation.valueQuantity", faults))
    found: dict[Coding, Decimal] = {}
    for index, component in enumerate(resource.get("component", ())):
        codings = [coding for coding in _codings(component.get("code")) if coding in kind.components]
        if codings:
            path = f"Observation.component[{index}].valueQuantity"
            found.update((codings[0], value) for value in _number(component.get("valueQuantity"), kind, path, faults))
    if len(found) < len(kind.components) and not faults:
        faults.append(Fault("Observation.component", "must hold the systolic and the diastolic pressure.", "value"))
    return tuple(found[coding] for coding in kind.components if coding in found)


def _number(quantity: Any, kind: Kind, path: str, faults: list[Fault]) -> Iterator[Decimal]:
    if not quantity or "value" not in quantity:
        faults.append(Fault(path, "holds no quantity.", "value"))
        return
    value = _converted(wire.exact(quantity["value"]), quantity, kind)
    if value is None:
        units = " or ".join([kind.unit, *(one.unit for one in kind.conversions)])
        faults.append(Fault(f"{path}.code", f"must be {units} ({UCUM}).", "value"))
        return
    if abs(value) >= _LARGEST:
        faults.append(Fault(f"{path}.value", "is out of all proportion.", "value"))
    yield value


def _converted(value: Decimal, quantity: Mapping[str, Any], kind: Kind) -> Decimal | None:
    """The value in the unit of the kind; None for a unit that is not one of its own."""
    unit = quantity.get("code")
    if quantity.get("system") != UCUM:
        return None
    if unit == kind.unit:
        return value
    found = next((one for one in kind.conversions if one.unit == unit), None)
    return None if found is None else round((value + found.offset) * found.factor, _CONVERTED_DECIMALS)


def _effective_at(resource: Mapping[str, Any], faults: list[Fault]) -> datetime:
    text = resource.get("effectiveDateTime")
    if text is None:
        faults.append(Fault("Observation.effectiveDateTime", "is missing.", "required"))
        return _NO_DATE
    try:
        start = instant_of(text).start
    except (ValueError, OverflowError):
        start = None
    if start is None:
        faults.append(Fault("Observation.effectiveDateTime", "is not a date of the calendar.", "value"))
    return start or _NO_DATE


def _glucose_faults(resource: Mapping[str, Any], kind: Kind) -> Iterator[Fault]:
    """The matrix of the API Mesures §2.2.6: moment for a blood glucose, number of days for sensor values."""
    for rule, names, allowed, label in (
        (kind.moment, _MOMENT, MOMENTS, "the moment of the measure"),
        (kind.days, _DAYS, DAYS, "the number of days"),
    ):
        if rule is None:
            continue
        given = [item for item in resource.get("extension", ()) if item["url"].rpartition("/")[2] in names]
        if rule == "forbidden" and given:
            yield Fault("Observation.extension", f"{label} is not allowed for {kind.name}.", "invalid")
        elif rule == "required" and not given:
            yield Fault("Observation.extension", f"{label} is missing for {kind.name}.", "incomplete")
        elif given and not any(coding in allowed for coding in _codings(given[0].get("valueCodeableConcept"))):
            yield Fault("Observation.extension", f"{label} is not of its value set.", "invalid")


def _codings(concept: Any) -> Sequence[Coding]:
    """The (system, code) pairs of a CodeableConcept, OIDs read as the addresses they stand for."""
    if not concept:
        return ()
    pairs = ((coding.get("system", ""), coding.get("code", "")) for coding in concept.get("coding", ()))
    return [(_SYSTEMS.get(system, system), code) for system, code in pairs]
