"""The dossier: its shape (a JSON Schema, data), what is missing, and the ceiling that it asks for.

A draft may be incomplete, a submission may not; neither may be malformed. What the orientation sets aside, whole
sections or single fields, is neither asked nor kept once submitted.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from platform_core.access import Access
from platform_core.categories import registry
from platform_core.errors import Fault, Invalid
from platform_core.health_identity import Siren
from platform_core.permission import Ceiling, CeilingItem, Periodicity, Purpose
from store.errors import Incomplete
from store.rules import answers, orientation
from store.rules.grid import Grid

Dossier = Mapping[str, Any]

SCHEMA: dict[str, Any] = json.loads(files("store").joinpath("data/dossier-1.json").read_text())
SCHEMA["properties"]["orientation"] = orientation.SCHEMA
SECTIONS: Mapping[str, dict[str, Any]] = SCHEMA["properties"]
ITEM: dict[str, Any] = SCHEMA["$defs"]["item"]
ANSWER: dict[str, Any] = SCHEMA["$defs"]["answer"]
NO_EXCHANGE = Ceiling((), frozenset(), 1)

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
_UNFINISHED = {"required", "insufficient", "not-eligible"}


def list_faults(dossier: Dossier, grid: Grid, backed: Collection[str] | None = None) -> list[Fault]:
    """Everything that keeps the dossier from being submitted, each fault once, in the order of the sections.

    `where` is `section.field`, e.g. `service.tagline`, or `criteria.SEC-01.level`. `backed` names the criteria that a
    file shows, or that may not be changed now; None leaves files aside.
    """
    order = {code: number for number, code in enumerate(SECTIONS)}
    return sorted(dict.fromkeys(_faults(dossier, grid, backed)), key=lambda fault: order.get(section_of(fault), -1))


def section_of(fault: Fault) -> str:
    """The section that a fault stands in."""
    return fault.where.partition(".")[0]


def check_draft(dossier: Dossier, grid: Grid) -> None:
    """Accept what is absent, or not enough yet; refuse what is wrong. Raises `Invalid` (`dossier-invalid`)."""
    if faults := [fault for fault in _faults(dossier, grid) if fault.code not in _UNFINISHED]:
        raise Invalid("The dossier is malformed.", code="dossier-invalid", faults=faults)


def check_item(item: Mapping[str, Any]) -> None:
    """An item of data is whole from the start. Raises `Invalid` (`dossier-invalid`) naming `data.items.0.<field>`."""
    found = [*_shape_faults({"data": {"items": [item]}}), *_item_faults("data.items.0", item)]
    if faults := [fault for fault in found if fault.where.startswith("data.items.0.")]:
        raise Invalid("The item is malformed or incomplete.", code="dossier-invalid", faults=faults)


def check_complete(dossier: Dossier, grid: Grid, backed: Collection[str] | None = None) -> None:
    """Raises `Incomplete` with every fault, as `list_faults` finds them."""
    if faults := list_faults(dossier, grid, backed):
        raise Incomplete("The dossier is not complete.", faults=faults)


def _faults(dossier: Dossier, grid: Grid, backed: Collection[str] | None = None) -> Iterator[Fault]:
    given = dossier.get("orientation", {})
    yield from (fault for fault in _shape_faults(dossier) if fault.code != "required" or _asks(given, fault))
    yield from _siren_faults(dossier.get("company", {}).get("siren"))
    for index, item in enumerate(list_items(dossier)):
        yield from _item_faults(f"data.items.{index}", item)
    yield from answers.list_faults(grid, dossier.get("criteria", {}), given, backed)
    for obstacle in orientation.list_obstacles(given):
        yield Fault(f"orientation.{obstacle.question}", obstacle.text, "not-eligible")


def _asks(given: orientation.Answers, fault: Fault) -> bool:
    """Whether the orientation asks for the field that is missing."""
    section, __, rest = fault.where.partition(".")
    return section_applies(given, section) and field_applies(given, section, rest.split(".")[0])


def section_applies(given: orientation.Answers, section: str) -> bool:
    """Whether a service with these answers to the orientation must fill the section."""
    return orientation.fulfils(given, SECTIONS[section].get("x-applies-when", ()))


def field_applies(given: orientation.Answers, section: str, field: str) -> bool:
    """Whether it must fill this field of the section."""
    return orientation.fulfils(given, SECTIONS[section]["properties"].get(field, {}).get("x-applies-when", ()))


def pruned(dossier: Dossier, grid: Grid) -> dict[str, Any]:
    """The dossier without what the orientation sets aside: sections, fields, answers to criteria."""
    given = dossier.get("orientation", {})
    kept = {
        section: {field: value for field, value in values.items() if field_applies(given, section, field)}
        for section, values in dossier.items()
        if section_applies(given, section)
    }
    return {**kept, "criteria": answers.concerning(grid, dossier.get("criteria", {}), given)}


def _shape_faults(dossier: Dossier) -> Iterator[Fault]:
    for error in sorted(_validator.iter_errors(dossier), key=lambda e: [str(step) for step in e.absolute_path]):
        yield from _fault(error)


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


def section_version(dossier: Dossier, section: str, fields: Collection[str] | None = None) -> str:
    """The optimistic lock of a section, or of some of its fields: it changes when they do, and only then."""
    values = dossier.get(section, {})
    read = values if fields is None else {name: values[name] for name in sorted(fields) if name in values}
    return _fingerprint(read)


def item_version(dossier: Dossier, category: str, access: str) -> str:
    """The optimistic lock of one item of data, asked for or not yet."""
    found = [item for item in list_items(dossier) if (item["category"], item["access"]) == (category, access)]
    return _fingerprint(found)


def _fingerprint(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
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


def asked_ceiling(dossier: Dossier) -> Ceiling:
    """The ceiling of a dossier that was submitted: empty for a service that exchanges no data."""
    return find_ceiling(dossier) or NO_EXCHANGE


def asked_profile(dossier: Dossier) -> str:
    """The OAuth profile of a dossier that was submitted."""
    return str(dossier.get("technical", {}).get("profile", "fapi2"))


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
