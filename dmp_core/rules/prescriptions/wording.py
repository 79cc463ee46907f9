"""A line of a prescription as people read it."""

from collections.abc import Iterator

from dmp_core.cda.statements import Medication
from dmp_core.cda.wording import counted, dosage_in_words, most_in_words


def dosages(medication: Medication) -> tuple[str, ...]:
    """How to take it, step by step."""
    return tuple(text for dosage in medication.dosages if (text := dosage_in_words(dosage)))


def remarks(medication: Medication) -> tuple[str, ...]:
    """What goes with a line: the quantity, the renewals, the substitution, the reason, the instructions, the facts."""
    return tuple(dict.fromkeys(_remarks(medication)))


def _remarks(medication: Medication) -> Iterator[str]:
    if medication.condition.strip(" -"):
        yield f"à prendre si : {medication.condition}"
    if medication.most:
        yield f"au plus {most_in_words(medication.most)}"
    if medication.quantity:
        yield f"quantité : {counted(medication.quantity)}"
    if medication.repeats:
        yield f"à renouveler {medication.repeats} fois"
    elif medication.repeats == 0:
        yield "à ne pas renouveler"
    if medication.substitutable is False:
        yield "non substituable"
    if medication.reason:
        yield f"pour : {medication.reason}"
    if medication.instructions.strip(" -"):
        yield medication.instructions
    yield from (words for words, true in medication.facts if true)
