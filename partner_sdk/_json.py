"""JSON whose numbers keep the decimals they were written with (FHIR R4 §2.24.0.1: the precision of a decimal
matters)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any


def loads(text: str | bytes) -> Any:
    """Parse, with each fractional number as a Decimal that keeps its trailing zeros."""
    return json.loads(text, parse_float=Decimal)


def dumps(value: Any) -> str:
    """Write compact JSON; a Decimal becomes a number written digit for digit, never through a binary float."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("A number of a resource must be finite.")
        return format(value, "f")
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(str(key))}:{dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(dumps, value)) + "]"
    return json.dumps(value, allow_nan=False)
