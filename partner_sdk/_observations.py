"""Measures to FHIR R4 Observations and back. Pure: no network, no clock."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from ._measure_kinds import (
    ANS,
    CATEGORY_SYSTEM,
    DAYS,
    DIASTOLIC,
    KIND_OF,
    KINDS,
    LOINC,
    MOMENT,
    MOMENTS,
    NUMBER_OF_DAYS,
    REASON,
    SYSTOLIC,
    UCUM,
    Coding,
    Kind,
)
from ._models import DEVICE_KINDS, Device, Json, Measure, StoredMeasure
from ._times import parse_instant, require_aware

_DEVICE_CODES = "urn:iso:std:iso:11073:10101"
_DEVICE_NAMESPACE = uuid.UUID("5f0c3f0e-8a3c-5d0b-9f56-0f8a0f6d2b11")


def find_kind(name: str) -> Kind:
    """The kind of this name. Raises ValueError naming those that exist."""
    if name not in KINDS:
        raise ValueError(f"There is no kind of measure {name!r}; the kinds are {', '.join(KINDS)}.")
    return KINDS[name]


def to_observation(measure: Measure, *, patient: str, device_reference: str | None = None) -> Json:
    """The Observation of a measure, `meta.profile`, category and unit included.

    Raises ValueError for what the platform would refuse: a BMI (it is computed), another unit, a missing value,
    a date-time without offset, a glucose without its moment or its number of days.
    """
    kind = find_kind(measure.kind)
    if not kind.writable:
        raise ValueError(f"{measure.kind} is computed by the platform: write the weight and the height.")
    if measure.unit is not None and measure.unit != kind.unit:
        raise ValueError(f"{measure.kind} is written in {kind.unit} (UCUM), not in {measure.unit}.")
    observation: Json = {
        "resourceType": "Observation",
        "meta": {"profile": [ANS + kind.profile]},
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY_SYSTEM, "code": "vital-signs"}]}],
        "code": {"coding": [{"system": kind.system, "code": kind.code}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": require_aware(measure.at).isoformat(),
        **_value_of(measure, kind),
    }
    if extensions := list(_extensions(measure, kind)):
        observation["extension"] = extensions
    if device_reference:
        observation["device"] = {"reference": device_reference}
    return observation


def to_device(device: Device) -> Json:
    """The Device (PHD profile) of a device, under an id that is the same at each call.

    Raises ValueError for an unknown kind of device.
    """
    if device.kind not in DEVICE_KINDS:
        raise ValueError(f"There is no kind of device {device.kind!r}; the kinds are {', '.join(DEVICE_KINDS)}.")
    system_id = {"system": "http://hl7.org/fhir/uv/phd/CodeSystem/ContinuaDeviceIdentifiers", "code": "SYSID"}
    resource: Json = {
        "resourceType": "Device",
        "id": str(uuid.uuid5(_DEVICE_NAMESPACE, f"{device.system}|{device.identifier}")),
        "meta": {"profile": ["http://hl7.org/fhir/uv/phd/StructureDefinition/PhdDevice"]},
        "identifier": [{"type": {"coding": [system_id]}, "system": device.system, "value": device.identifier}],
        "type": {"coding": [{"system": _DEVICE_CODES, "code": "65573"}]},
        "specialization": [{"systemType": {"coding": [{"system": _DEVICE_CODES, "code": DEVICE_KINDS[device.kind]}]}}],
    }
    if device.manufacturer:
        resource["manufacturer"] = device.manufacturer
    if device.model:
        resource["modelNumber"] = device.model
    if device.name:
        resource["deviceName"] = [{"name": device.name, "type": "patient-reported-name"}]
    return resource


def to_transaction(measure: Measure, device: Device, *, patient: str) -> Json:
    """The transaction Bundle of one measure and its device, in the shape of the API Mesures: Device first,
    created unless its identifier is already known."""
    device_resource = to_device(device)
    reference = f"Device/{device_resource['id']}"
    observation = to_observation(measure, patient=patient, device_reference=reference)
    known = f"identifier={device.system}|{device.identifier}"
    full_url = uuid.uuid5(_DEVICE_NAMESPACE, f"{reference} {measure.kind} {measure.at.isoformat()}")
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "resource": device_resource,
                "request": {"method": "POST", "url": "Device", "ifNoneExist": known},
            },
            {
                "fullUrl": f"urn:uuid:{full_url}",
                "resource": observation,
                "request": {"method": "POST", "url": "Observation"},
            },
        ],
    }


def to_batch(observations: Iterable[Json]) -> Json:
    """The batch Bundle that creates these Observations, each on its own."""
    request = {"method": "POST", "url": "Observation"}
    entries = [{"resource": observation, "request": request} for observation in observations]
    return {"resourceType": "Bundle", "type": "batch", "entry": entries}


def from_observation(resource: Json) -> StoredMeasure | None:
    """The measure that an Observation holds, or None when its code is of no kind that this version knows."""
    name = next((KIND_OF[coding] for coding in _codings(resource["code"]) if coding in KIND_OF), None)
    if name is None:
        return None
    extensions = {extension["url"]: extension for extension in resource.get("extension", ())}
    moment = _named(MOMENTS, extensions.get(MOMENT))
    effective = resource["effectiveDateTime"]
    updated = resource.get("meta", {}).get("lastUpdated")
    return StoredMeasure(
        id=resource["id"],
        kind=name,
        at=parse_instant(effective),
        date_only="T" not in effective,
        unit=KINDS[name].unit,
        value=_quantity(resource),
        systolic=_component(resource, SYSTOLIC),
        diastolic=_component(resource, DIASTOLIC),
        moment=None if moment is None else str(moment),
        number_of_days=_named(DAYS, extensions.get(NUMBER_OF_DAYS)),
        reason=extensions.get(REASON, {}).get("valueString"),
        device_reference=resource.get("device", {}).get("reference"),
        recorded_at=parse_instant(updated) if updated else None,
        resource=resource,
    )


def exact(number: Any) -> Decimal:
    """A number as it is written: 72.40 as text or Decimal keeps its zero, a float is what its repr shows.

    Raises ValueError when it is no finite number.
    """
    if not isinstance(number, Decimal | int | float | str) or isinstance(number, bool):
        raise ValueError(f"{number!r} is not a number.")
    try:
        value = Decimal(str(number))
    except InvalidOperation:
        raise ValueError(f"{number!r} is not a number.") from None
    if not value.is_finite():
        raise ValueError(f"{number!r} is not a finite number.")
    return value


def _value_of(measure: Measure, kind: Kind) -> Json:
    if measure.kind != "blood-pressure":
        if measure.value is None or measure.systolic is not None or measure.diastolic is not None:
            raise ValueError(f"{measure.kind} takes `value`, and neither `systolic` nor `diastolic`.")
        return {"valueQuantity": _to_quantity(measure.value, kind)}
    if measure.value is not None or measure.systolic is None or measure.diastolic is None:
        raise ValueError("blood-pressure takes `systolic` and `diastolic`, and no `value`.")
    pair = ((SYSTOLIC, measure.systolic), (DIASTOLIC, measure.diastolic))
    return {
        "component": [
            {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": _to_quantity(value, kind)}
            for code, value in pair
        ]
    }


def _to_quantity(number: Any, kind: Kind) -> Json:
    return {"value": exact(number), "unit": kind.unit_text or kind.unit, "system": UCUM, "code": kind.unit}


def _extensions(measure: Measure, kind: Kind) -> Iterable[Json]:
    if measure.reason is not None:
        yield {"url": REASON, "valueString": measure.reason}
    if coding := _coded("moment", measure.moment, MOMENTS, measure.kind, kind):
        yield _coded_extension(MOMENT, coding)
    if coding := _coded("number_of_days", measure.number_of_days, DAYS, measure.kind, kind):
        yield _coded_extension(NUMBER_OF_DAYS, coding)


def _coded(member: str, given: Any, codings: dict[Any, Coding], name: str, kind: Kind) -> Coding | None:
    if kind.needs != member:
        if given is not None:
            raise ValueError(f"{name} takes no `{member}`.")
        return None
    if given not in codings:
        raise ValueError(f"{name} needs `{member}`, one of {', '.join(map(str, codings))}.")
    return codings[given]


def _coded_extension(url: str, coding: Coding) -> Json:
    system, code = coding
    return {"url": url, "valueCodeableConcept": {"coding": [{"system": system, "code": code}]}}


def _codings(concept: Json) -> list[Coding]:
    return [(coding.get("system", ""), coding.get("code", "")) for coding in concept.get("coding", ())]


def _named(names: dict[Any, Coding], extension: Json | None) -> int | str | None:
    found = _codings((extension or {}).get("valueCodeableConcept", {}))
    return next((name for name, coding in names.items() if coding in found), None)


def _quantity(holder: Json) -> Decimal | None:
    value = holder.get("valueQuantity", {}).get("value")
    return None if value is None else exact(value)


def _component(resource: Json, code: str) -> Decimal | None:
    for component in resource.get("component", ()):
        if (LOINC, code) in _codings(component["code"]):
            return _quantity(component)
    return None
