"""The structure of FHIR R4 resources as JSON Schema, read from `fhir.resources` and cut where it would never end."""

import types
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from fhir.resources.R4B import get_fhir_model_class
from pydantic.fields import FieldInfo

Schema = dict[str, Any]

DATE = r"^(19|20)[0-9]{2}(-(0[1-9]|1[0-2])(-(0[1-9]|1[0-9]|2[0-8]))?)?$"
_TIME = r"T[01][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]0[0-9]:00)$"
INSTANT = rf"^20[012][0-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8]){_TIME}"
_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 40}
_PRIMITIVES: dict[str, Schema] = {
    "Code": {"type": "string", "pattern": r"^[a-z0-9/{}\[\]-]{1,12}$"},
    "Date": {"type": "string", "pattern": DATE},
    "DateTime": {"anyOf": [{"type": "string", "pattern": DATE}, {"type": "string", "pattern": INSTANT}]},
    "Instant": {"type": "string", "pattern": INSTANT},
    "Uri": {
        "type": "string",
        "pattern": r"^(urn:oid:1\.[1-9]{1,6}|http://[a-z]{1,9}\.fr|#[a-z]|urn:uuid:[a-f0-9-]{4,36})$",
    },
    "Decimal": {"type": "number", "minimum": -1e9, "maximum": 1e9},
    "Integer": {"type": "integer"},
    "PositiveInt": {"type": "integer", "minimum": 1},
    "UnsignedInt": {"type": "integer", "minimum": 0},
    "Base64Binary": {"type": "string", "pattern": "^([A-Za-z0-9+/]{4}){1,9}$"},
    "Time": {"type": "string", "pattern": "^[01][0-9]:[0-5][0-9]:00$"},
}
_BY_PYTHON: dict[type, Schema] = {bool: {"type": "boolean"}, int: {"type": "integer"}, float: {"type": "number"}}
_LEFT_OUT = frozenset({"contained", "extension", "modifierExtension", "fhir_comments", "resourceType", "implicitRules"})


def resource(type_: str, samples: list[dict[str, Any]], depth: int = 2) -> Schema:
    """The schema of a resource. An element that the samples have takes theirs as often as one made from its type."""
    structure = _structure(type_, depth)
    properties = {name: {"anyOf": [schema]} for name, schema in structure["properties"].items()}
    for sample in samples:
        for name, value in sample.items():
            known = properties.setdefault(name, {"anyOf": []})["anyOf"]
            known.insert(0, {"enum": [value]})
    required = sorted(set(structure["required"]).union(*(sample.keys() for sample in samples[:1])))
    properties["resourceType"] = {"enum": [type_]}
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


@cache
def _structure(type_: str, depth: int) -> Schema:
    properties, required = {}, []
    for field in get_fhir_model_class(type_).model_fields.values():
        name = field.alias or ""
        if name in _LEFT_OUT or name.startswith("_"):
            continue
        schema = _field(field, depth)
        if schema is None:
            continue
        properties[name] = schema
        if field.is_required() or (field.json_schema_extra or {}).get("element_required"):  # type: ignore[union-attr]
            required.append(name)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _field(field: FieldInfo, depth: int) -> Schema | None:
    allowed = (field.json_schema_extra or {}).get("enum_values")  # type: ignore[union-attr]
    if allowed and "+" not in allowed:
        return {"enum": [str(word).split()[0] for word in allowed]}
    return _type(field.annotation, depth)


def _type(annotation: Any, depth: int) -> Schema | None:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in {Union, types.UnionType}:
        return _type(next(part for part in parts if part is not type(None)), depth)
    if origin is list:
        item = _type(parts[0], depth)
        return item and {"type": "array", "items": item, "minItems": 1, "maxItems": 2}
    if origin is Annotated:
        return _PRIMITIVES.get(type(parts[1]).__name__, _TEXT)
    if annotation in _BY_PYTHON:
        return _BY_PYTHON[annotation]
    name = annotation.__name__.removesuffix("Type")
    return _structure(name, depth - 1) if depth and name not in {"Resource", "FHIRPrimitiveExtension"} else None
