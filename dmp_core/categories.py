"""The categories of data that the record declares: the kinds of measure, with their codes, units and plain words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from importlib import resources
from typing import Any

from platform_core.access import Access
from platform_core.categories import Category, Family, SmartScope

FAMILY = Family("measures", "Mesures de santé", "Health measures", "Observation", "category=vital-signs")
BMI = "bmi"
BODY_WEIGHT = "body-weight"
BODY_HEIGHT = "body-height"
BLOOD_PRESSURE = "blood-pressure"

Coding = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of measure (guide « Mesures de santé » of the ANS, API Mesures): how it is coded, written and judged.

    `unit` is the UCUM code; `low` and `high` bound what is plausible, beyond which a value is remarked, never
    refused. `moment` and `days` tell whether these extensions are required, forbidden or free (None).
    """

    name: str
    coding: Coding
    unit: str
    shown_unit: str
    decimals: int
    profile: str
    low: Decimal
    high: Decimal
    unit_text: str = ""
    mes_profile: str = ""
    also: tuple[Coding, ...] = ()
    components: tuple[Coding, ...] = ()
    moment: str | None = None
    days: str | None = None
    labels: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def category(self) -> str:
        return f"{FAMILY.code}.{self.name}"

    @property
    def label(self) -> str:
        """The short French name."""
        return self.labels["fr"][0]


def _kind(row: Mapping[str, Any]) -> Kind:
    return Kind(
        row["kind"],
        (row["system"], row["code"]),
        row["unit"],
        row["shown_unit"],
        row["decimals"],
        row["profile"],
        Decimal(str(row["low"])),
        Decimal(str(row["high"])),
        unit_text=row.get("unit_text", ""),
        mes_profile=row.get("mes_profile", ""),
        also=_codings(row.get("also", ())),
        components=_codings(row.get("components", ())),
        moment=row.get("moment"),
        days=row.get("days"),
        labels={language: (short, long) for language, (short, long) in row["labels"].items()},
    )


def _codings(rows: Any) -> tuple[Coding, ...]:
    return tuple((row["system"], row["code"]) for row in rows)


_data = json.loads(resources.files("dmp_core").joinpath("data/measures.json").read_text())
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in map(_kind, _data["kinds"])}
MOMENTS: Mapping[Coding, str] = {(row["system"], row["code"]): row["label"] for row in _data["moments"]}
DAYS: Mapping[Coding, str] = {(row["system"], row["code"]): row["label"] for row in _data["days"]}


def _category(kind: Kind) -> Category:
    system, code = kind.coding
    return Category(
        kind.category,
        *kind.labels["fr"],
        *kind.labels["en"],
        accesses=frozenset({Access.READ}) if kind.name == BMI else frozenset(Access),
        smart=SmartScope("Observation", f"code={system}|{code}"),
    )


MEASURES = tuple(_category(kind) for kind in KINDS.values())
