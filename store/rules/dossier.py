"""The dossier: its shape (a JSON Schema, data), what is missing, and the ceiling that it asks for.

A draft may be incomplete, a submission may not; neither may be malformed.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from platform_core.access import Access
from platform_core.categories import registry
from platform_core.errors import Fault, Invalid
from platform_core.health_identity import Siren
from platform_core.permission import Ceiling, CeilingItem, Periodicity, Purpose
from store.errors import Incomplete

Dossier = Mapping[str, Any]

SCHEMA: dict[str, Any] = json.loads(files("store").joinpath("data/dossier-1.json").read_text())
SECTIONS: Mapping[str, dict[str, Any]] = SCHEMA["properties"]
ITEM: dict[str, Any] = SCHEMA["$defs"]["item"]

_validator = Draft202012Validator(SCHEMA, format_checker=FormatChecker())
_CODES = {
    "required": "required",
    "minItems": "required",
    "minLength": "too-short",
    "maxLength": "too-long",
    "maxItems": "too-long",
    "minimum": "out-of-range",
    "maximum": "out-of-range",
    "enum": "not-a-choice",
    "pattern": "format",
    "format": "format",
}


class SectionStatus(StrEnum):
    EMPTY = "empty"
    STARTED = "started"
    COMPLETE = "complete"


def list_faults(dossier: Dossier) -> list[Fault]:
    """Everything that keeps the dossier from being submitted, each fault once, in the order of the sections.

    `where` is `section.field`, e.g. `service.tagline`.
    """
    order = {code: number for number, code in enumerate(SECTIONS)}
    return sorted(dict.fromkeys(_faults(dossier)), key=lambda fault: order.get(fault.where.partition(".")[0], -1))


def check_draft(dossier: Dossier) -> None:
    """Accept what is absent, refuse what is wrong. Raises `Invalid` (`dossier-invalid`)."""
    if faults := [fault for fault in _faults(dossier) if fault.code != "required"]:
        raise Invalid("The dossier is malformed.", code="dossier-invalid", faults=faults)


def check_item(item: Mapping[str, Any]) -> None:
    """An item of data is whole from the start. Raises `Invalid` (`dossier-invalid`) naming `data.items.0.<field>`."""
    found = _faults({"data": {"items": [item]}})
    if faults := [fault for fault in found if fault.where.startswith("data.items.0.")]:
        raise Invalid("The item is malformed or incomplete.", code="dossier-invalid", faults=faults)


def check_complete(dossier: Dossier) -> None:
    """Raises `Incomplete` with every fault."""
    if faults := list_faults(dossier):
        raise Incomplete("The dossier is not complete.", faults=faults)


def _faults(dossier: Dossier) -> Iterator[Fault]:
    for error in sorted(_validator.iter_errors(dossier), key=lambda e: [str(step) for step in e.absolute_path]):
        yield from _fault(error)
    yield from _siren_faults(dossier.get("company", {}).get("siren"))
    for index, item in enumerate(dossier.get("data", {}).get("items", ())):
        yield from _item_faults(f"data.items.{index}", item)


def _fault(error: ValidationError) -> Iterator[Fault]:
    path = [str(step) for step in error.absolute_path]
    if error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield from _missing([*path, name])
        return
    code = _CODES.get(str(error.validator), "invalid")
    yield Fault(".".join(path), error.message, code)


def _missing(path: list[str]) -> Iterator[Fault]:
    """A missing section counts as each of its required fields."""
    if len(path) == 1:
        for name in SECTIONS[path[0]]["required"]:
            yield Fault(f"{path[0]}.{name}", f"{name} is missing.", "required")
    else:
        yield Fault(".".join(path), f"{path[-1]} is missing.", "required")


def _siren_faults(siren: object) -> Iterator[Fault]:
    if isinstance(siren, str) and re.fullmatch("[0-9]{9}", siren):
        try:
            Siren(siren)
        except Invalid as refused:
            yield Fault("company.siren", refused.message, "format")


def _item_faults(where: str, item: Mapping[str, Any]) -> Iterator[Fault]:
    """What the schema cannot know: the registry of categories and the bounds of a periodicity."""
    category, access = item.get("category"), item.get("access")
    if category and access in set(Access) and not registry.allows(category, Access(access)):
        yield Fault(f"{where}.category", f"{category} cannot be asked with the access {access}.", "unknown-category")
    try:
        Periodicity.from_json(item.get("periodicity"))
    except Invalid as refused:
        yield Fault(f"{where}.periodicity", refused.message, "periodicity")


def section_status(dossier: Dossier, section: str) -> SectionStatus:
    """Where a section stands, for the publisher's task list."""
    if not dossier.get(section):
        return SectionStatus.EMPTY
    wrong = any(fault.where.startswith(f"{section}.") for fault in list_faults(dossier))
    return SectionStatus.STARTED if wrong else SectionStatus.COMPLETE


def section_version(dossier: Dossier, section: str) -> str:
    """The optimistic lock of one section: it changes when the section does, and only then."""
    text = json.dumps(dossier.get(section, {}), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def list_items(dossier: Dossier) -> Sequence[dict[str, Any]]:
    """The data asked for, one entry for each (category, access)."""
    items: Sequence[dict[str, Any]] = dossier.get("data", {}).get("items", [])
    return items


def with_item(data: Mapping[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    """The section `data` with one item added, or replaced when its (category, access) is there already."""
    kept = _others(data, item["category"], item["access"])
    return {**data, "items": sorted([*kept, item], key=lambda i: (i["category"], i["access"]))}


def without_item(data: Mapping[str, Any], category: str, access: str) -> dict[str, Any]:
    return {**data, "items": _others(data, category, access)}


def _others(data: Mapping[str, Any], category: str, access: str) -> list[dict[str, Any]]:
    return [i for i in data.get("items", ()) if (i["category"], i["access"]) != (category, access)]


def find_ceiling(dossier: Dossier) -> Ceiling | None:
    """The ceiling that the dossier asks for; None until it names at least one item and one purpose."""
    data = dossier.get("data", {})
    if not data.get("items") or not data.get("purposes"):
        return None
    items = tuple(
        CeilingItem(
            item["category"],
            Access(item["access"]),
            Periodicity.from_json(item["periodicity"]),
            item["history_days"],
            item["required"],
            item["why"],
        )
        for item in data["items"]
    )
    return Ceiling(items, frozenset(Purpose(p) for p in data["purposes"]), data.get("duration_days", 1))
