"""What deserves a question in a prescription: a recorded allergy, a medicine met twice. Nothing is judged."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dmp_core.cda.resources.parts import concept
from dmp_core.cda.statements import Medication

_ATC = "http://www.whocc.no/atc"
# Shorter names (« fer ») are found in too many others.
_SHORTEST_NAME = 5
_WHOLE_ATC = 7


@dataclass(frozen=True, slots=True)
class Known:
    """A recorded allergy or treatment: what it is called, and its codes as `system|code`."""

    label: str
    codes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Attention:
    """A medicine of the prescription, and the recorded allergy, treatment or other line that it meets."""

    medicine: str
    other: str


def meets_allergies(medications: Sequence[Medication], allergies: Sequence[Known]) -> list[Attention]:
    """The medicines that are, or contain, or belong to a class of what the person is said to be allergic to."""
    return [
        Attention(medication.product.name, allergy.label)
        for medication in medications
        for allergy in allergies
        if _same(_known(medication), allergy)
    ]


def already_taken(medications: Sequence[Medication], treatments: Sequence[Known]) -> list[Attention]:
    """The medicines whose substance the person takes already."""
    return [
        Attention(medication.product.name, treatment.label)
        for medication in medications
        for treatment in treatments
        if _same_substance(_known(medication), treatment)
    ]


def twice(medications: Sequence[Medication]) -> list[Attention]:
    """The pairs of lines that prescribe the same substance."""
    return [
        Attention(first.product.name, second.product.name)
        for number, first in enumerate(medications)
        for second in medications[number + 1 :]
        if _same_substance(_known(first), _known(second))
    ]


def _known(medication: Medication) -> Known:
    codings = concept(medication.product.code).get("coding", ())
    return Known(medication.product.name, tuple(f"{one.get('system', '')}|{one['code']}" for one in codings))


def _same(medicine: Known, allergy: Known) -> bool:
    if set(medicine.codes) & set(allergy.codes):
        return True
    classes = [code for code in _atc(allergy)]
    if any(code.startswith(one) for code in _atc(medicine) for one in classes):
        return True
    name = _folded(allergy.label)
    return len(name) >= _SHORTEST_NAME and name in _folded(medicine.label)


def _same_substance(one: Known, other: Known) -> bool:
    whole = {code for code in _atc(one) if len(code) == _WHOLE_ATC}
    return bool(whole & set(_atc(other))) or _folded(one.label) == _folded(other.label)


def _atc(known: Known) -> Iterator[str]:
    return (code.partition("|")[2] for code in known.codes if code.startswith(f"{_ATC}|"))


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).split())
