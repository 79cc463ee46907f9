"""Changes of a document by FHIRPath Patch (FHIR R4 §3.1.0.6): its status, its labels, whether it is put away.

A patch is applied to these three elements only; what comes out is compared with what was, and gives acts.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dmp_core.categories import CONFIDENTIALITIES
from dmp_core.rules.documents.labels import Labels, read_labels
from dmp_core.rules.documents.metadata import IS_ARCHIVED, is_archived
from dmp_core.workflow import DocumentAct
from platform_core.errors import Fault

_PATH = re.compile(
    r"DocumentReference(?:\.(?P<element>status|securityLabel|extension)"
    r"(?:\[(?P<index>\d{1,3})\]|\.where\((?:coding\.code|url)\s*=\s*'(?P<key>[^']+)'\))?"
    r"(?P<value>\.value(?:Boolean)?)?)?"
)
_LISTS = frozenset({"securityLabel", "extension"})
_STATUS = {"current": None, "entered-in-error": DocumentAct.DELETE}


@dataclass(frozen=True, slots=True)
class Changeable:
    """What may change of a document that is not replaced."""

    status: str
    labels: Labels
    archived: bool

    def elements(self) -> dict[str, Any]:
        """The same as elements of a DocumentReference."""
        coded = [CONFIDENTIALITIES[code] for code in self.labels.codes]
        return {
            "status": self.status,
            "securityLabel": [{"coding": [{"system": one.system, "code": one.code}]} for one in coded],
            "extension": [{"url": IS_ARCHIVED, "valueBoolean": self.archived}],
        }


def apply_patch(parameters: Mapping[str, Any], before: Changeable) -> Changeable | list[Fault]:
    """What the document becomes, or the faults of the patch."""
    elements = before.elements()
    operations = parameters.get("parameter", ())
    if not operations:
        return [Fault("Parameters.parameter", "is missing.", "required")]
    for index, operation in enumerate(operations):
        path = f"Parameters.parameter[{index}]"
        if fault := _apply(operation, elements, path):
            return [fault]
    labels = read_labels(elements.get("securityLabel", ()), "DocumentReference.securityLabel")
    if not isinstance(labels, Labels):
        return labels
    return Changeable(str(elements.get("status", "")), labels, is_archived(elements))


def refusal_of(before: Changeable, after: Changeable) -> Fault | None:
    """The fault of a change that no act makes."""
    if after.labels.confidentiality != before.labels.confidentiality:
        return Fault("DocumentReference.securityLabel", "keeps its level: replace the document.", "business-rule")
    if after.status != before.status and after.status not in _STATUS:
        return Fault("DocumentReference.status", "may become entered-in-error only.", "business-rule")
    return None


def acts_between(before: Changeable, after: Changeable) -> Iterator[DocumentAct]:
    """The acts that lead from one to the other."""
    pairs = (
        (before.archived, after.archived, DocumentAct.ARCHIVE, DocumentAct.UNARCHIVE),
        (before.labels.masked, after.labels.masked, DocumentAct.MASK, DocumentAct.UNMASK),
        (
            before.labels.invisible_to_patient,
            after.labels.invisible_to_patient,
            DocumentAct.WITHHOLD,
            DocumentAct.ANNOUNCE,
        ),
        (
            before.labels.invisible_to_representatives,
            after.labels.invisible_to_representatives,
            DocumentAct.HIDE,
            DocumentAct.UNHIDE,
        ),
    )
    for was, becomes, done, undone in pairs:
        if was != becomes:
            yield done if becomes else undone
    if after.status != before.status and (act := _STATUS[after.status]):
        yield act


def _apply(operation: Mapping[str, Any], elements: dict[str, Any], path: str) -> Fault | None:
    parts = {part.get("name"): part for part in operation.get("part", ())}
    kind = parts.get("type", {}).get("valueCode")
    found = _PATH.fullmatch(parts.get("path", {}).get("valueString", ""))
    if operation.get("name") != "operation" or kind not in {"add", "insert", "replace", "delete"}:
        return Fault(path, "must be an operation: add, insert, replace or delete.", "not-supported")
    if not found:
        return Fault(f"{path}.part", "path is not one that a document lets change.", "not-supported")
    element = found["element"] or parts.get("name", {}).get("valueString", "")
    if element not in {"status", *_LISTS}:
        return Fault(f"{path}.part", "may change status, securityLabel and extension only.", "not-supported")
    if kind == "delete":
        return _delete(elements, element, found, path)
    value = _value(parts.get("value", {}))
    if value is None:
        return Fault(f"{path}.part", "value is missing.", "required")
    if element == "status":
        elements["status"] = value
        return None
    return _write(elements, element, found, kind, value, path)


def _write(
    elements: dict[str, Any], element: str, found: re.Match[str], kind: str, value: Any, path: str
) -> Fault | None:
    """Add a label or an extension, or write over the one that the path names."""
    values = elements.setdefault(element, [])
    if found["value"]:
        value = {"url": found["key"] or IS_ARCHIVED, "valueBoolean": value}
    if not isinstance(value, dict):
        return Fault(f"{path}.part", "value is not that of this element.", "value")
    if kind != "replace":
        if element == "extension":
            values[:] = [one for one in values if one.get("url") != value.get("url")]
        values.append(value)
        return None
    chosen = _chosen(values, found)
    if not chosen:
        return Fault(f"{path}.part", "path names nothing.", "not-found")
    values[chosen[0]] = value
    for position in reversed(chosen[1:]):
        del values[position]
    return None


def _delete(elements: dict[str, Any], element: str, found: re.Match[str], path: str) -> Fault | None:
    if element == "status" or not found["element"]:
        return Fault(f"{path}.part", "status cannot be deleted.", "business-rule")
    for position in reversed(_chosen(elements.get(element, []), found)):
        del elements[element][position]
    return None


def _chosen(values: list[Any], found: re.Match[str]) -> list[int]:
    """The positions that a path names: all, one by its number, or those with that code or address."""
    if found["index"] is not None:
        return [index for index in (int(found["index"]),) if index < len(values)]
    if found["key"] is None:
        return list(range(len(values)))
    return [index for index, one in enumerate(values) if found["key"] in _keys(one)]


def _keys(value: Mapping[str, Any]) -> set[str]:
    return {value.get("url", "")} | {coding.get("code", "") for coding in value.get("coding", ())}


def _value(part: Mapping[str, Any]) -> Any:
    """The value of an operation; an extension comes in parts, `url` and `value` (or `value[x]`, `valueBoolean`)."""
    if members := part.get("part"):
        return {_member(member): _value(member) for member in members if "name" in member}
    return next((value for name, value in part.items() if name.startswith("value")), None)


def _member(part: Mapping[str, Any]) -> str:
    name = str(part["name"])
    return next((typed for typed in part if typed.startswith("value")), name) if name.startswith("value") else name
