"""The categories of data that the record declares: the kinds of measure and of document, with codes and plain words.

The codes of documents are those of the value sets of the ANS (data/documents.json names each and its revision).
"""

import json
from collections.abc import Iterable, Mapping
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
class Conversion:
    """Another unit that the profiles allow (UCUM): a value in it, plus `offset`, times `factor`, is one in ours."""

    unit: str
    factor: Decimal
    offset: Decimal


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
    conversions: tuple[Conversion, ...] = ()
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

    def told(self, value: Decimal) -> Decimal:
        """A value as people are told it: as it was written, but for what a conversion or a mean drags behind it."""
        exponent = value.as_tuple().exponent
        return value if not isinstance(exponent, int) or -exponent <= self.decimals + 1 else round(value, self.decimals)


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
        conversions=tuple(_conversion(one) for one in row.get("conversions", ())),
        moment=row.get("moment"),
        days=row.get("days"),
        labels={language: (short, long) for language, (short, long) in row["labels"].items()},
    )


def _conversion(row: Mapping[str, str]) -> Conversion:
    factor = Decimal(row["factor"]) / Decimal(row.get("divisor", "1"))
    return Conversion(row["unit"], factor, Decimal(row.get("offset", "0")))


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


DOCUMENTS_FAMILY = Family("documents", "Documents de santé", "Health documents", "DocumentReference")
LOINC = "http://loinc.org"


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a value set: `system` is its address, `oid` the same as IHE writes it."""

    code: str
    system: str
    oid: str
    label: str = ""

    @property
    def coding(self) -> Coding:
        return self.system, self.code


@dataclass(frozen=True, slots=True)
class DocumentType:
    """A type of document. `class_code` is empty where the association of the ANS gives none; `format_code` is the usual
    format, if there is one."""

    code: Code
    kind: str
    class_code: str
    format_code: str

    @property
    def label(self) -> str:
        return self.code.label


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """A set of types of document that a person consents to as one; `main` is the type that its scope names."""

    name: str
    main: Coding
    labels: Mapping[str, tuple[str, str]]
    types: tuple[DocumentType, ...]

    @property
    def category(self) -> str:
        return f"{DOCUMENTS_FAMILY.code}.{self.name}"

    @property
    def label(self) -> str:
        """The short French name."""
        return self.labels["fr"][0]


_documents = json.loads(resources.files("dmp_core").joinpath("data/documents.json").read_text())
_systems = _documents["systems"]
# Every address of a code system that is known here, its OID form included (FHIR R4 §4.3.1.2), by the usual one.
SYSTEMS: Mapping[str, str] = {
    address: row["url"]
    for row in _systems.values()
    for address in (row["url"], f"urn:oid:{row['oid']}", row["url"].rpartition("/FHIR/")[0] or row["url"])
}


def _code(row: Mapping[str, Any]) -> Code:
    system = _systems[row["system"]]
    return Code(row["code"], system["url"], system["oid"], row.get("label", ""))


def _value_set(name: str) -> dict[str, Code]:
    return {row["code"]: _code(row) for row in _documents[name]}


CLASSES: Mapping[str, Code] = _value_set("classes")
FORMATS: Mapping[str, Code] = _value_set("formats")
FACILITIES: Mapping[str, Code] = _value_set("facilities")
SETTINGS: Mapping[str, Code] = _value_set("settings")
CONFIDENTIALITIES: Mapping[str, Code] = _value_set("confidentialities")
DOCUMENT_TYPES: Mapping[str, DocumentType] = {
    row["code"]: DocumentType(_code(row), row["kind"], row.get("class", ""), row.get("format", ""))
    for row in _documents["types"]
}
DOCUMENT_KINDS: Mapping[str, DocumentKind] = {
    row["kind"]: DocumentKind(
        row["kind"],
        DOCUMENT_TYPES[row["main"]].code.coding,
        {language: (short, long) for language, (short, long) in row["labels"].items()},
        tuple(found for found in DOCUMENT_TYPES.values() if found.kind == row["kind"]),
    )
    for row in _documents["kinds"]
}

VACCINATION_HISTORY = "11369-6"


def find_document_type(codings: Iterable[Coding]) -> DocumentType | None:
    """The first known type among (system, code) pairs; an address of the system that is not known finds none."""
    for system, code in codings:
        found = DOCUMENT_TYPES.get(code)
        if found and SYSTEMS.get(system) == found.code.system:
            return found
    return None


def _document_category(kind: DocumentKind) -> Category:
    system, code = kind.main
    also = {f"type={found.code.system}|{found.code.code}" for found in kind.types}
    also |= {f"type={found.code.code}" for found in kind.types}
    classes = {CLASSES[found.class_code] for found in kind.types if found.class_code}
    also |= {f"category={found.system}|{found.code}" for found in classes} | {f"category={c.code}" for c in classes}
    return Category(
        kind.category,
        *kind.labels["fr"],
        *kind.labels["en"],
        accesses=frozenset(Access),
        smart=SmartScope("DocumentReference", f"type={system}|{code}", also=frozenset(also)),
    )


DOCUMENTS = tuple(_document_category(kind) for kind in DOCUMENT_KINDS.values())
