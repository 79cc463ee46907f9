"""Whom a request names: read only where the token says whose record it is of nobody (professionals' software)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from platform_core.fhir import wire
from platform_core.fhir.transactions import MOST_ELEMENTS

PARAMETERS = frozenset({"patient", "subject", "patient.identifier", "subject.identifier", "subject:identifier"})
_ELEMENTS = ("subject", "patient")


def named_in_parameters(pairs: Iterable[tuple[str, str]]) -> set[str]:
    """The patients of search parameters: `Patient/<id>`, `<id>`, an address, or `system|<id>`."""
    return {_id(value.rpartition("|")[2]) for name, value in pairs if name in PARAMETERS}


def named_in_read(type_: str, identifier: str, pairs: Iterable[tuple[str, str]]) -> set[str]:
    """The patient of a resource asked for by its id: the parameter `patient`, or the Patient itself."""
    return {identifier} if type_ == "Patient" else named_in_parameters(pairs)


def named_in_body(text: bytes) -> set[str]:
    """The patients of the resource of a body, or of those of its Bundle. Raises `Malformed`."""
    document = wire.read(text, most_elements=MOST_ELEMENTS)
    return {name for resource in _resources(document) for name in _subjects(resource)}


def _resources(document: Any) -> Iterator[Mapping[str, Any]]:
    entries = document.get("entry") if isinstance(document, dict) else None
    found = [entry.get("resource") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return (one for one in (document, *found) if isinstance(one, dict))


def _subjects(resource: Mapping[str, Any]) -> Iterator[str]:
    for element in _ELEMENTS:
        subject = resource.get(element)
        if not isinstance(subject, dict):
            continue
        if isinstance(subject.get("reference"), str):
            yield _id(subject["reference"])
        if isinstance(identifier := subject.get("identifier"), dict) and isinstance(identifier.get("value"), str):
            yield identifier["value"]


def _id(reference: str) -> str:
    return reference.rpartition("/")[2]
