"""Is this a valid FHIR R4 resource? `fhir.resources` (R4B) judges, with rules of our own for what it lets pass.

Most resources are accepted by a compiled JSON Schema that knows a subset only; what it does not accept is judged in
full.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from importlib import resources
from typing import Any

import jsonschema_rs
import orjson
from fhir.resources.R4B import get_fhir_model_class
from pydantic import BaseModel, ValidationError

from platform_core.errors import Fault, Invalid

# The model lists the first statuses only, then "+".
_STATUSES = {
    "Observation": frozenset(
        "registered preliminary final amended corrected cancelled entered-in-error unknown".split()
    ),
    "Device": frozenset("active inactive entered-in-error unknown".split()),
}
_ENUM_WORD = re.compile(r"[^\s(]+")
_MOST_FAULTS = 20


def _compiled() -> dict[str, Any]:
    text = resources.files("platform_core.fhir").joinpath("data/accepted_subset.json").read_bytes()
    schema = orjson.loads(text)
    return {
        name: jsonschema_rs.validator_for(
            {"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]}, pattern_options=jsonschema_rs.RegexOptions()
        )
        for name in schema["resources"]
    }


_accepted = _compiled()


def accepts(resource: Mapping[str, Any]) -> bool:
    """Whether the fast schema of the type accepts the resource. False says nothing: the full judgement decides."""
    validator = _accepted.get(resource.get("resourceType", ""))
    return validator is not None and validator.is_valid(resource)


def validate(resource: Mapping[str, Any]) -> None:
    """Check a resource of a known type. Raises `Invalid` (`invalid-resource`) with the FHIRPath of each fault."""
    if not accepts(resource) and (faults := judge(resource)):
        raise invalid(faults)


def invalid(faults: Sequence[Fault]) -> Invalid:
    """The refusal of a resource."""
    first = faults[0]
    return Invalid(f"The resource is not valid: {first.where} {first.message}", code="invalid-resource", faults=faults)


def judge(resource: Mapping[str, Any]) -> list[Fault]:
    """Every fault of a resource, by the full rules; empty when it is valid."""
    name = str(resource.get("resourceType", ""))
    faults = list(_hollow(resource, name))
    if not faults:
        try:
            model = get_fhir_model_class(name).model_validate(resource)
        except ValidationError as error:
            faults = [_fault(name, details) for details in error.errors(include_url=False, include_input=False)]
        except (TypeError, AttributeError):  # the model's own checks take a value for the text it should be
            faults = [Fault(name, "holds a value that is not of the type of its element.", "structure")]
        except RecursionError:
            faults = [Fault(name, "is nested too deeply.", "too-long")]
        else:
            faults = list(_mistyped(model, resource, name))
    return faults[:_MOST_FAULTS]


def _hollow(value: Any, path: str) -> Iterator[Fault]:
    """Nulls, empty objects, lists and strings: an element that is present has content (FHIR R4, ele-1, §2.6.2)."""
    if value is None and not path.endswith("]"):
        yield Fault(path, "is null: leave the element out.", "structure")
    elif isinstance(value, str) and not value.strip():
        yield Fault(path, "is empty: leave the element out.", "structure")
    elif isinstance(value, dict):
        if not value:
            yield Fault(path, "is an empty object: leave the element out.", "structure")
        for name, child in value.items():
            yield from _hollow(child, f"{path}.{name}")
    elif isinstance(value, list):
        if not value or all(child is None for child in value):
            yield Fault(path, "is an empty list: leave the element out.", "structure")
        for index, child in enumerate(value):
            yield from _hollow(child, f"{path}[{index}]")


def _mistyped(model: BaseModel, given: Any, path: str) -> Iterator[Fault]:
    """What the model quietly converts: a string for a number, a code outside its value set."""
    for name, field in type(model).model_fields.items():
        value, alias = getattr(model, name), field.alias or name
        written = given.get(alias) if isinstance(given, dict) else None
        if value is None or written is None:
            continue
        where = f"{path}.{alias}"
        if isinstance(value, list):
            pairs = zip(value, written, strict=False) if isinstance(written, list) else []
            for index, (item, text) in enumerate(pairs):
                yield from _mistyped_value(item, text, f"{where}[{index}]", None)
        else:
            yield from _mistyped_value(value, written, where, _allowed(type(model).__name__, alias, field))


def _mistyped_value(value: Any, written: Any, where: str, allowed: frozenset[str] | None) -> Iterator[Fault]:
    if isinstance(value, BaseModel):
        yield from _mistyped(value, written, where)
    elif isinstance(value, Decimal | int | float) and not isinstance(value, bool):
        if isinstance(written, str | bool):
            yield Fault(where, "must be a JSON number.", "value")
    elif isinstance(value, bool):
        if not isinstance(written, bool):
            yield Fault(where, "must be true or false.", "value")
    elif isinstance(written, int | float | Decimal):
        yield Fault(where, "must be a JSON string.", "value")
    elif allowed is not None and isinstance(written, str) and written not in allowed:
        yield Fault(where, f"must be one of {', '.join(sorted(allowed))}.", "code-invalid")


def _allowed(type_: str, element: str, field: Any) -> frozenset[str] | None:
    if element == "status" and type_ in _STATUSES:
        return _STATUSES[type_]
    values = (field.json_schema_extra or {}).get("enum_values")
    if not values or "+" in values:
        return None
    return frozenset(found[0] for value in values if (found := _ENUM_WORD.match(value)))


def _fault(name: str, details: Any) -> Fault:
    path = name
    for step in details["loc"]:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    missing = "missing" in details["type"]
    return Fault(
        path, details["msg"], "required" if missing else "structure" if "extra" in details["type"] else "value"
    )
