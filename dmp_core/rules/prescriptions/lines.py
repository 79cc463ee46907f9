"""The lines of prescriptions and dispensations as the record follows them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from dmp_core.cda.document import ClinicalDocument, Header
from dmp_core.cda.resources.parts import concept
from dmp_core.cda.statements import Author, Medication, MedicationKind, Product
from dmp_core.cda.values import Moment, Quantity
from dmp_core.rules.prescriptions import wording

ATC = "http://www.whocc.no/atc"
SMS = "urn:oid:2.16.840.1.113883.3.6905.2"
_WHOLE_ATC = 7
# A month of treatment is one of thirty days (code de la santé publique, art. R. 5123-2).
_DAYS = {"h": Decimal(1) / 24, "d": Decimal(1), "wk": Decimal(7), "mo": Decimal(30), "a": Decimal(365)}


class LineKind(StrEnum):
    PRESCRIPTION = "prescription"
    DISPENSATION = "dispensation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A medicine of a prescription, or one handed over. `number` is its place in the document, from 1.

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
        return frozenset(code for code in codes_of(self.codes, ATC) if len(code) == _WHOLE_ATC)


def codes_of(codes: Iterable[str], system: str) -> Iterator[str]:
    """The codes that belong to a system."""
    return (code.removeprefix(f"{system}|") for code in codes if code.startswith(f"{system}|"))


def read_lines(document: ClinicalDocument, document_id: UUID) -> Sequence[Line]:
    """The lines that a document holds, of prescription or of dispensation, in its order."""
    kinds = {MedicationKind.PRESCRIPTION: LineKind.PRESCRIPTION, MedicationKind.DISPENSATION: LineKind.DISPENSATION}
    found = [one for one in document.statements if isinstance(one, Medication) and one.kind in kinds]
    header = document.header
    return [_line(one, kinds[one.kind], header, document_id, number) for number, one in enumerate(found, 1)]


def _line(found: Medication, kind: LineKind, header: Header, document_id: UUID, number: int) -> Line:
    orders = dict.fromkeys([found.order_document, *header.orders])
    start = found.period.start or next((one.period.start for one in found.dosages if one.period.start), None)
    return Line(
        document_id=document_id,
        number=number,
        kind=kind,
        identifier=found.id,
        order=found.order,
        orders=tuple(f"urn:oid:{one}" for one in orders if one),
        label=found.product.name or found.text or found.product.code.words,
        substances=tuple(_substances(found.product)),
        codes=tuple(codes_of_product(found.product)),
        written_on=_written(found, kind, header),
        starts_on=start.day if start else None,
        days=_days(found),
        repeats=found.repeats,
        quantity=found.quantity.value if found.quantity else None,
        unit=found.quantity.unit if found.quantity else "",
        partial=found.partial,
        author=_author(found, kind, header),
        dosages=wording.dosages(found),
        remarks=wording.remarks(found),
    )


def codes_of_product(product: Product) -> Iterator[str]:
    """Every code of a medicine and of its substances, as `system|code`."""
    for code in (product.code, *product.substances):
        for coding in concept(code).get("coding", ()):
            yield f"{coding.get('system', '')}|{coding['code']}"


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


def _author(found: Medication, kind: LineKind, header: Header) -> str:
    """Who prescribed, or who handed over: the line says it, else the document."""
    others = [header.performer] if kind is LineKind.DISPENSATION else []
    people = [one for one in (*others, *header.authors) if one and one.name]
    if found.author and (found.author.name or found.author.organization):
        return _named(found.author)
    if not people:
        return header.custodian.name
    place = people[0].organization
    return " – ".join(part for part in (people[0].name, place.name if place else "") if part)


def _named(author: Author) -> str:
    return " – ".join(part for part in (author.name, author.organization) if part)


def _days(found: Medication) -> int | None:
    """How many days one handing over lasts: the dates of the treatment, both included, else its steps one after one."""
    start, end = found.period.start, found.period.end
    if start and end and start != end:
        return (end.day - start.day).days + 1
    lengths = [one.duration for one in found.dosages]
    if not lengths or any(one is None or one.unit not in _DAYS for one in lengths):
        return None
    return int(sum((_length(one) for one in lengths if one), Decimal(0))) or None


def _length(duration: Quantity) -> Decimal:
    return duration.value * _DAYS[duration.unit]
