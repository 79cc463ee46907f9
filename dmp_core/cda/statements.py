"""The structured statements of a document, each with where it stands and what the narrative says of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from dmp_core.cda.values import Bounds, Code, Moment, Period, Quantity


@dataclass(frozen=True, slots=True)
class Author:
    """Who did, prescribed or dispensed, in words, with the national number of the person when it is given."""

    name: str = ""
    rpps: str = ""
    specialty: Code | None = None
    organization: str = ""
    at: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What every statement has: the producer's identifier, the XPath of the element, the code of its section."""

    id: str
    path: str
    section: str
    text: str = ""


class ResultKind(StrEnum):
    LABORATORY = "laboratory"
    VITAL_SIGN = "vital-sign"
    LIFESTYLE = "lifestyle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Stated):
    """A result, a vital sign or a habit. `battery` is the panel it belongs to; `interpretation` a code of HL7 5.83."""

    kind: ResultKind
    code: Code
    status: str
    at: Moment | None
    value: Quantity | Bounds | Code | str | None
    interpretation: str
    reference: Bounds | None
    reference_text: str
    specimen: str
    method: str
    battery: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A medicine or a vaccine. `code` is the most precise code given; the ATC class is among its translations."""

    code: Code
    name: str
    lot: str = ""
    substances: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vaccination(Stated):
    """A vaccine given, or refused when `refused`."""

    product: Product
    at: Moment | None
    refused: bool
    series: Code | None
    rank: int | None
    route: Code | None
    site: Code | None
    dose: Quantity | None
    performer: Author | None
    comment: str
    reactions: Sequence[str]


@dataclass(frozen=True, slots=True)
class Dosage:
    """How to take it: the dose (`low` and `high` alike when it is one), the frequency and the bounds in time."""

    text: str
    dose: Bounds | None
    every: Quantity | None
    when: str
    period: Period
    duration: Quantity | None
    rate: Bounds | None


class MedicationKind(StrEnum):
    TREATMENT = "treatment"
    ADMINISTERED = "administered"
    PRESCRIPTION = "prescription"
    DISPENSATION = "dispensation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Medication(Stated):
    """A treatment, a line of a prescription or a dispensation. `repeats` counts the renewals allowed.

    A dispensation names the line that it serves by `order`, and its document by `order_document`, when it says them;
    `partial` tells that the pharmacy owes the rest. `condition` is what must be true before the medicine is taken.
    """

    kind: MedicationKind
    product: Product
    period: Period
    dosages: Sequence[Dosage]
    route: Code | None
    most: str
    repeats: int | None
    quantity: Quantity | None
    substitutable: bool | None
    reason: str
    instructions: str
    author: Author | None
    facts: Sequence[tuple[str, bool]]
    order: str = ""
    order_document: str = ""
    partial: bool = False
    condition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Stated):
    """A condition: present (`active`), past, or denied when `absent`."""

    code: Code
    period: Period
    active: bool
    absent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Allergy(Stated):
    """An allergy or an intolerance to an agent; `absent` when none is known."""

    kind: Code | None
    agent: Code
    active: bool
    absent: bool
    period: Period
    reactions: Sequence[str]
    severity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyHistory(Stated):
    """A condition of a relative; `relation` is a code of HL7 RoleCode."""

    relation: Code
    condition: Code
    since: Moment | None
    died_of_it: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure(Stated):
    """An act performed, planned when `planned`."""

    code: Code
    period: Period
    planned: bool
    performer: Author | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device(Stated):
    """A medical device worn, implanted or prescribed."""

    code: Code
    period: Period
    udi: str
    quantity: Quantity | None
    prescribed: bool
    author: Author | None
    repeats: int | None = None


class CareKind(StrEnum):
    """What was reimbursed, in the words of the record."""

    MEDICATION = "medication"
    VACCINE = "vaccine"
    DEVICE = "device"
    HOSPITAL = "hospital"
    CARE = "care"
    IMAGING = "imaging"
    BIOLOGY = "biology"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reimbursement(Stated):
    """A care that the health insurance reimbursed. `amount` is in euros, when the document states it."""

    kind: CareKind
    code: Code
    period: Period
    quantity: Quantity | None
    performer: Author | None
    prescriber: Author | None
    amount: Decimal | None = None


Statement = Result | Vaccination | Medication | Problem | Allergy | FamilyHistory | Procedure | Device | Reimbursement
