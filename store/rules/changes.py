"""What changed from one version of a dossier to another, field by field, under the titles of the schema. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from store.rules import dossier as dossiers
from store.rules.dossier import ANSWER, ITEM, SECTIONS, Dossier


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs. `before` or `after` is None where the field was absent.

    `parent` names what the field belongs to when the section holds many: a criterion, or a category and an access.
    `shape` is the field's schema: its title, and the words of its values. An item of data that came or went is one
    change, without a field.
    """

    section: str
    parent: tuple[str, ...]
    field: str
    shape: Mapping[str, Any]
    before: Any
    after: Any


def list_changes(before: Dossier, after: Dossier) -> list[Change]:
    """Every field that differs, in the order of the sections and of their fields."""
    return [change for section in SECTIONS for change in _section(section, before, after)]


def _section(section: str, before: Dossier, after: Dossier) -> Iterator[Change]:
    old, new = before.get(section, {}), after.get(section, {})
    if section == "criteria":
        for criterion in sorted(old.keys() | new.keys()):
            yield from _fields(section, (criterion,), ANSWER, old.get(criterion, {}), new.get(criterion, {}))
        return
    yield from _fields(section, (), SECTIONS[section], old, new)
    if section == "data":
        yield from _items(before, after)


def _items(before: Dossier, after: Dossier) -> Iterator[Change]:
    old, new = ({(i["category"], i["access"]): i for i in dossiers.list_items(one)} for one in (before, after))
    for key in sorted(old.keys() | new.keys()):
        if key in old and key in new:
            yield from _fields("data", key, ITEM, old[key], new[key])
        else:
            yield Change("data", key, "", ITEM, old.get(key), new.get(key))


def _fields(
    section: str, parent: tuple[str, ...], shape: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Change]:
    for name, field in shape["properties"].items():
        if name != "items" and old.get(name) != new.get(name):
            yield Change(section, parent, name, field, old.get(name), new.get(name))
