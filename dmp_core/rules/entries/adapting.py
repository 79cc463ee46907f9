"""Resources that come from another record, brought to what this one keeps. What is not said is not invented."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dmp_core.categories import BMI, KINDS, Kind
from dmp_core.rules.entries.kinds import SOCIAL_HISTORY, at, kind_of

LOINC = "http://loinc.org"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
# Codes that older records give to the same measure, and units written otherwise.
_ALIASES = {"55284-4": "85354-9", "3141-9": "29463-7", "2710-2": "2708-6", "59408-5": "2708-6"}
_UNITS = {"{score}": "1", "{beats}/min": "/min", "{breaths}/min": "/min"}
# Habits that some records file among surveys.
_HABITS = frozenset({"72166-2", "74011-8", "11343-1", "74013-4", "11331-6"})
_MEASURES: Mapping[str, Kind] = {kind.coding[1]: kind for kind in KINDS.values() if kind.coding[0] == LOINC}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A resource that the record does not keep, and why."""

    reference: str
    reason: str


def resources_of(bundle: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each resource of a Bundle with its address in it."""
    for number, entry in enumerate(bundle.get("entry", ())):
        resource = entry.get("resource") if isinstance(entry, Mapping) else None
        if isinstance(resource, dict) and isinstance(resource.get("resourceType"), str):
            yield str(entry.get("fullUrl") or f"Bundle.entry[{number}]"), resource


def adapt(resource: Mapping[str, Any]) -> dict[str, Any] | LeftOut:
    """The resource as this record keeps it, or why it does not."""
    reference = f"{resource['resourceType']}/{resource.get('id', '')}"
    if resource["resourceType"] == "Observation":
        found = _observation(resource)
        return found if isinstance(found, dict) else LeftOut(reference, found)
    if kind_of(resource) is None:
        return LeftOut(reference, f"the record keeps no {resource['resourceType']}")
    return {name: value for name, value in resource.items() if name not in {"id", "text"}}


def _observation(resource: Mapping[str, Any]) -> dict[str, Any] | str:
    kept = {name: value for name, value in resource.items() if name not in {"id", "text", "encounter"}}
    codes = {one.get("code") for one in at(resource, "code.coding") if one.get("system") == LOINC}
    if codes & _HABITS:
        return {**kept, "category": [{"coding": [{"system": _CATEGORY, "code": SOCIAL_HISTORY}]}]}
    if kind_of(resource) is not None:
        return kept
    kind = next((found for code in codes if (found := _MEASURES.get(_ALIASES.get(code, code)))), None)
    if kind is None:
        return "it is no measure, result or habit that the record keeps"
    if kind.name == BMI:
        return "the body mass index is computed from the weight and the height"
    return _measure(kept, kind)


def _measure(resource: dict[str, Any], kind: Kind) -> dict[str, Any]:
    system, code = kind.coding
    codings = [one for one in at(resource, "code.coding") if one.get("code") != code]
    meta = {**resource.get("meta", {}), "profile": [kind.profile]}
    found = {
        **resource,
        "meta": meta,
        "code": {**resource["code"], "coding": [{"system": system, "code": code}, *codings]},
        "category": [{"coding": [{"system": _CATEGORY, "code": "vital-signs"}]}],
    }
    if "valueQuantity" in found:
        found["valueQuantity"] = _quantity(found["valueQuantity"])
    if "component" in found:
        found["component"] = [_component(one) for one in found["component"]]
    return found


def _component(component: Mapping[str, Any]) -> dict[str, Any]:
    if "valueQuantity" not in component:
        return dict(component)
    return {**component, "valueQuantity": _quantity(component["valueQuantity"])}


def _quantity(quantity: Mapping[str, Any]) -> dict[str, Any]:
    code = quantity.get("code", "")
    return {**quantity, "code": _UNITS.get(code, code)}
