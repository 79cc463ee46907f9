"""General reference ranges (data/reference-ranges.json, each with its source), by age and by sex where the source does.

Nothing is said of who is outside the ages of a source: the blood pressure of a child is not that of an adult.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib import resources
from typing import Any

from dmp_core.rules.goals import Bounds, Parts

_OLDEST = 150


@dataclass(frozen=True, slots=True)
class Reference:
    """A range for people of some ages, both included, in whole years; `sex` is empty when the source makes no
    difference. `context` and `source` are French text."""

    kind: str
    parts: Parts
    context: str
    source: str
    from_age: int
    to_age: int
    sex: str


def find_reference(kind: str, *, born: date, sex: str, on: date) -> Reference | None:
    """The range that holds for a person on a day; None when no source tells one."""
    age = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    for one in REFERENCES:
        if one.kind == kind and one.from_age <= age <= one.to_age and one.sex in {"", sex}:
            return one
    return None


def _reference(row: Mapping[str, Any]) -> Reference:
    parts = tuple(Bounds(part.get("low"), part.get("high")) for part in row["parts"])
    ages = int(row["from_age"]), int(row.get("to_age", _OLDEST))
    return Reference(row["kind"], parts, row["context"], row["source"], *ages, row.get("sex", ""))


_text = resources.files("dmp_core").joinpath("data/reference-ranges.json").read_text()
REFERENCES = tuple(map(_reference, json.loads(_text, parse_float=Decimal, parse_int=Decimal)["ranges"]))
