"""The OpenAPI document of `/api/v1`, read into what a page shows without JavaScript."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from platform_core.rest import api

_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Value:
    """A parameter, or a member of a body: its name, where it goes, its type in words, whether it must be there."""

    name: str
    place: str
    type: str
    required: bool
    text: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path."""

    method: str
    path: str
    summary: str
    text: str
    tag: str
    parameters: tuple[Value, ...]
    body: tuple[Value, ...]
    answers: tuple[tuple[str, str], ...]

    @property
    def anchor(self) -> str:
        return f"{self.method}{self.path}".lower().replace("/", "-").replace("{", "").replace("}", "")


def read_operations() -> list[tuple[str, list[Operation]]]:
    """The operations of the API, grouped by tag, in the order of their paths."""
    document: dict[str, Any] = api.spec.to_dict()
    found = sorted(_operations(document), key=lambda one: (one.tag, one.path, _METHODS.index(one.method)))
    return [(tag, list(group)) for tag, group in groupby(found, key=lambda one: one.tag)]


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, item in document.get("paths", {}).items():
        shared = item.get("parameters", [])
        for method in _METHODS:
            if method in item:
                yield _operation(document, method, path, item[method], shared)


def _operation(
    document: Mapping[str, Any], method: str, path: str, described: Mapping[str, Any], shared: list[Any]
) -> Operation:
    parameters = [_resolve(document, each) for each in [*shared, *described.get("parameters", [])]]
    content = _resolve(document, described.get("requestBody", {})).get("content", {})
    media: Mapping[str, Any] = next(iter(content.values()), {})
    return Operation(
        method=method,
        path=path,
        summary=described.get("summary", ""),
        text=described.get("description", ""),
        tag=next(iter(described.get("tags", [])), "api"),
        parameters=tuple(
            Value(p["name"], p["in"], _type(document, p.get("schema", {})), p.get("required", False), _text(p))
            for p in parameters
        ),
        body=tuple(_members(document, media.get("schema", {}))),
        answers=tuple(
            (status, _resolve(document, answer).get("description", ""))
            for status, answer in sorted(described.get("responses", {}).items())
        ),
    )


def _members(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Value]:
    resolved = _resolve(document, schema)
    required = resolved.get("required", [])
    for name, member in resolved.get("properties", {}).items():
        yield Value(name, "body", _type(document, member), name in required, _text(_resolve(document, member)))


def _type(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """The type of a schema in a few words: `string (date)`, `array of integer`, `"read" | "write"`."""
    resolved = _resolve(document, schema)
    if "enum" in resolved:
        return " | ".join(f'"{value}"' for value in resolved["enum"] if value is not None)
    kinds = resolved.get("type", "object")
    name = " | ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if name == "array":
        return f"array of {_type(document, resolved.get('items', {}))}"
    return f"{name} ({resolved['format']})" if "format" in resolved else name


def _text(described: Mapping[str, Any]) -> str:
    text: str = described.get("description", "")
    return text


def _resolve(document: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a `$ref` inside the document."""
    while "$ref" in part:
        target: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        part = target
    return part
