"""The lines of prescriptions and dispensations as the record follows them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID

from dmp_core.categories import DOCUMENT_TYPES
from dmp_core.cda.document import ClinicalDocument, Header
from dmp_core.cda.resources.parts import concept
from dmp_core.cda.statements import Author, Device, Medication, MedicationKind, Product, Statement
from dmp_core.cda.values import Code, Moment, Quantity
from dmp_core.rules.prescriptions import wording
from dmp_core.rules.prescriptions.names import UNNAMED

ATC = "http://www.whocc.no/atc"
SMS = "urn:oid:2.16.840.1.113883.3.6905.2"
_WHOLE_ATC = 7
# A month of treatment is one of thirty days (code de la santé publique, art. R. 5123-2).
_DAYS = {"h": Decimal(1) / 24, "d": Decimal(1), "wk": Decimal(7), "mo": Decimal(30), "a": Decimal(365)}
_BOUNDS = {"days": (1, 3_650), "repeats": (1, 99), "quantity": (Decimal("0.001"), Decimal(10) ** 6)}


class LineKind(StrEnum):
    PRESCRIPTION = "prescription"
    DISPENSATION = "dispensation"


_KINDS = {
    MedicationKind.PRESCRIPTION: LineKind.PRESCRIPTION,
    MedicationKind.DISPENSATION: LineKind.DISPENSATION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A medicine or a device prescribed, or a medicine handed over. `number` is its place in the document, from 1.

    `written_on` is the day of the prescription, or of the handing over; `days` how long the quantity of one handing
    over lasts, `repeats` how many more are allowed, each None when the document does not say. A dispensation names by
    `order` the line that it serves and by `orders` its document. `codes` are `system|code`.
    """

    document_id: UUID
    number: int
    kind: LineKind
    identifier: str = ""
    order: str = ""
    orders: tuple[str, ...] = ()
    label: str
    substances: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    written_on: date
    starts_on: date | None = None
    days: int | None = None
    repeats: int | None = None
    quantity: Decimal | None = None
    unit: str = ""
    partial: bool = False
    author: str = ""
    dosages: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    unique_id: str = ""

    @property
    def key(self) -> tuple[UUID, int]:
        return self.document_id, self.number

    @property
    def refers(self) -> bool:
        """Whether it says which prescription it serves."""
        return bool(self.order or self.orders)

    @property
    def atc(self) -> frozenset[str]:
        """The codes of substance of the ATC classification (its fifth level)."""
        return frozenset(code for code in coded(self.codes, ATC) if len(code) == _WHOLE_ATC)


@lru_cache(maxsize=4096)
def coded(codes: tuple[str, ...], system: str) -> frozenset[str]:
    """The codes that belong to a system."""
    return frozenset(code.removeprefix(f"{system}|") for code in codes if code.startswith(f"{system}|"))


def read_lines(document: ClinicalDocument, document_id: UUID) -> Sequence[Line]:
    """The lines that a document holds, in its order: medicines and devices prescribed, medicines handed over."""
    header = document.header
    found = [kept for one in document.statements if (kept := _kept(one, header))]
    return [Line(document_id=document_id, number=number, **_plausible(kept)) for number, kept in enumerate(found, 1)]


def _plausible(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The same, where a number that no prescription has counts as not said: what is counted from it stays sound."""
    beyond = [name for name, (least, most) in _BOUNDS.items() if kept[name] and not least <= kept[name] <= most]
    return {**kept, **dict.fromkeys(beyond)}


def _kept(one: Statement, header: Header) -> dict[str, Any] | None:
    if isinstance(one, Device):
        type_ = DOCUMENT_TYPES.get(header.code.code)
        return _device(one, header) if one.prescribed and type_ and type_.kind == "prescriptions" else None
    if isinstance(one, Medication) and one.kind in _KINDS:
        return _medicine(one, _KINDS[one.kind], header)
    return None


def _device(found: Device, header: Header) -> dict[str, Any]:
    start, end = found.period.start, found.period.end
    return {
        "kind": LineKind.PRESCRIPTION,
        "identifier": found.id,
        "label": found.code.words or UNNAMED,
        "codes": tuple(_codes(found.code)),
        "written_on": header.created.day,
        "starts_on": start.day if start else None,
        "days": _between(start, end),
        "repeats": found.repeats,
        "quantity": found.quantity.value if found.quantity else None,
        "unit": found.quantity.unit if found.quantity else "",
        "author": _author(found.author, LineKind.PRESCRIPTION, header),
    }


def _medicine(found: Medication, kind: LineKind, header: Header) -> dict[str, Any]:
    orders = dict.fromkeys([found.order_document, *header.orders])
    start = found.period.start or next((one.period.start for one in found.dosages if one.period.start), None)
    return {
        "kind": kind,
        "identifier": found.id,
        "order": found.order,
        "orders": tuple(f"urn:oid:{one}" for one in orders if one),
        "label": " ".join((found.product.name or found.text or found.product.code.words).split()) or UNNAMED,
        "substances": tuple(_substances(found.product)),
        "codes": tuple(code for one in (found.product.code, *found.product.substances) for code in _codes(one)),
        "written_on": _written(found, kind, header),
        "starts_on": start.day if start else None,
        "days": _days(found),
        "repeats": found.repeats,
        "quantity": found.quantity.value if found.quantity else None,
        "unit": found.quantity.unit if found.quantity else "",
        "partial": found.partial,
        "author": _author(found.author, kind, header),
        "dosages": wording.dosages(found),
        "remarks": wording.remarks(found),
    }


def _codes(code: Code) -> Iterator[str]:
    """A code and its translations, as `system|code`."""
    return (f"{one.get('system', '')}|{one['code']}" for one in concept(code).get("coding", ()))


def _substances(product: Product) -> Iterator[str]:
    generic = next((one for one in product.code.walk() if one.system == "2.16.840.1.113883.6.73" and one.label), None)
    names = [one.words for one in product.substances] or ([generic.label] if generic else [])
    yield from dict.fromkeys(names)


def _written(found: Medication, kind: LineKind, header: Header) -> date:
    """A prescription is of the day of its document; a dispensation of the day when the medicine was handed over."""
    if kind is LineKind.PRESCRIPTION:
        return header.created.day
    moments: tuple[Moment | None, ...] = (found.period.start, header.service_period.start)
    return next((one.day for one in moments if one), header.created.day)


def _author(stated: Author | None, kind: LineKind, header: Header) -> str:
    """Who prescribed, or who handed over: the line says it, else the document."""
    others = [header.performer] if kind is LineKind.DISPENSATION else []
    people = [one for one in (*others, *header.authors) if one and one.name]
    if stated and (stated.name or stated.organization):
        return " – ".join(part for part in (stated.name, stated.organization) if part)
    if not people:
        return header.custodian.name
    place = people[0].organization
    return " – ".join(part for part in (people[0].name, place.name if place else "") if part)


def _days(found: Medication) -> int | None:
    """How many days one handing over lasts: the dates of the treatment, both included, else its steps one after one."""
    if stated := _between(found.period.start, found.period.end):
        return stated
    lengths = [one.duration for one in found.dosages]
    if not lengths or any(one is None or one.unit not in _DAYS for one in lengths):
        return None
    return int(sum((_length(one) for one in lengths if one), Decimal(0))) or None


def _between(start: Moment | None, end: Moment | None) -> int | None:
    return (end.day - start.day).days + 1 if start and end and end.day > start.day else None


def _length(duration: Quantity) -> Decimal:
    return duration.value * _DAYS[duration.unit]
