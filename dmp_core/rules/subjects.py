"""Whose measure it is: the patient that a resource or a search names must be the one of the call."""

from collections.abc import Iterator, Mapping
from typing import Any

from platform_core.health_identity import INS_SYSTEMS


def names_another(subject: Mapping[str, Any], patient_reference: str) -> bool:
    """Whether a Reference names someone else, or nobody, by its identifier or its literal reference."""
    named = []
    if "identifier" in subject:
        named.append(subject["identifier"].get("value"))
    if "reference" in subject:
        named.append(_id(subject["reference"]))
    return not named or any(name != patient_reference for name in named)


def value_names_another(value: str, patient_reference: str) -> bool:
    """The same for a search value: `Patient/<id>`, `<id>`, an address, or `system|<id>`."""
    return _id(value.rpartition("|")[2]) != patient_reference


def matricules_in(resource: Mapping[str, Any]) -> set[str]:
    """The matricules INS that a resource holds, wherever they stand: identifiers of a contained Patient, of a
    reference."""
    return set(_matricules(resource))


def _matricules(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for child in value:
            yield from _matricules(child)
    elif isinstance(value, dict):
        if value.get("system") in INS_SYSTEMS and isinstance(value.get("value"), str):
            yield "".join(value["value"].split()).upper()
        for child in value.values():
            yield from _matricules(child)


def _id(reference: str) -> str:
    head, _, identifier = reference.rpartition("/")
    return identifier if not head or head.rpartition("/")[2] == "Patient" else ""
