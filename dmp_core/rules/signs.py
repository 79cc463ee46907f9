"""The vital signs of a document in words, as a person reads them beside its text."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from dmp_core.cda.document import ClinicalDocument
from dmp_core.cda.statements import Result, ResultKind
from dmp_core.cda.values import Bounds, Code, Quantity
from dmp_core.rules.results import unit_in_words
from platform_core.french import number_in_words


@dataclass(frozen=True, slots=True)
class Sign:
    """A vital sign: its name, its value and the range printed beside it, in words; empty when none is."""

    label: str
    value: str
    usual: str
    on: date | None


def read_signs(document: ClinicalDocument) -> Iterator[Sign]:
    """The vital signs that the document states apart from its text, in its order."""
    for one in document.statements:
        if isinstance(one, Result) and one.kind is ResultKind.VITAL_SIGN and (value := _told(one.value)):
            usual = _told(one.reference) or one.reference_text
            yield Sign(one.code.words, value, usual, one.at.day if one.at else None)


def _told(value: Quantity | Bounds | Code | str | None) -> str:
    match value:
        case Quantity():
            return f"{number_in_words(value.value)} {unit_in_words(value.unit)}".strip()
        case Bounds(low=Quantity() as low, high=Quantity() as high):
            return _told(low) if low == high else f"{number_in_words(low.value)} à {_told(high)}"
        case Bounds(low=Quantity() as low):
            return f"au moins {_told(low)}"
        case Bounds(high=Quantity() as high):
            return f"au plus {_told(high)}"
        case Code():
            return value.words
        case str():
            return value
    return ""
