"""A line of a prescription as people read it."""

from collections.abc import Iterator
from dataclasses import dataclass

from dmp_core.cda.statements import Medication
from dmp_core.cda.wording import dosage_in_words


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says: the medicine, how to take it step by step, and the remarks that go with it."""

    name: str
    dosages: tuple[str, ...]
    remarks: tuple[str, ...]


def read_line(medication: Medication) -> Line:
    """A prescribed medicine in words."""
    dosages = (text for dosage in medication.dosages if (text := dosage_in_words(dosage)))
    return Line(medication.product.name, tuple(dosages), tuple(_remarks(medication)))


def _remarks(medication: Medication) -> Iterator[str]:
    if medication.most:
        yield f"au plus {medication.most.replace('.', ',')}"
    if medication.repeats:
        yield f"à renouveler {medication.repeats} fois"
    if medication.substitutable is False:
        yield "non substituable"
    if medication.reason:
        yield f"pour : {medication.reason}"
    if medication.instructions:
        yield medication.instructions
    yield from (words for words, true in medication.facts if true)
