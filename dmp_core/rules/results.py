"""Results of biology over time: which are of the same examination, where the last one stands. Nothing is judged."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from dmp_core.rules.search.words import fold

_LOINC = "http://loinc.org|"
_MICRO = re.compile(r"\bu(?=[gmlL])")
_NAMED = {"Cel": "°C", "mm[Hg]": "mmHg", "cm[H2O]": "cmH₂O", "mo": "mois", "wk": "sem.", "d": "j", "a": "ans"}
_LOW, _HIGH = frozenset({"L", "LL", "<"}), frozenset({"H", "HH", ">"})


class Row(Protocol):
    """What an entry of the record says of a result."""

    @property
    def id(self) -> UUID: ...
    @property
    def label(self) -> str: ...
    @property
    def codes(self) -> Sequence[str]: ...
    @property
    def effective_at(self) -> datetime: ...
    @property
    def value(self) -> Decimal | None: ...
    @property
    def unit(self) -> str: ...
    @property
    def low(self) -> Decimal | None: ...
    @property
    def high(self) -> Decimal | None: ...
    @property
    def interpretation(self) -> str: ...
    @property
    def status(self) -> str: ...


R = TypeVar("R", bound=Row)


class Flag(StrEnum):
    """Where a value stands, as its laboratory says by a code (HL7 v3 ObservationInterpretation) or by a range."""

    LOW = "low"
    HIGH = "high"
    WITHIN = "within"
    ABNORMAL = "abnormal"
    UNSAID = "unsaid"


class Move(StrEnum):
    """How a value compares with the one before."""

    FIRST = "first"
    UP = "up"
    DOWN = "down"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Course(Generic[R]):
    """The results of one examination in one unit, the latest first."""

    results: Sequence[R]

    @property
    def latest(self) -> R:
        return self.results[0]

    @property
    def numbers(self) -> Sequence[R]:
        """Those that are numbers."""
        return [one for one in self.results if one.value is not None]

    @property
    def move(self) -> Move | None:
        """The last value against the one before; None when they are no numbers."""
        if self.latest.value is None:
            return None
        before = next((one.value for one in self.results[1:] if one.value is not None), None)
        if before is None:
            return Move.FIRST
        if self.latest.value == before:
            return Move.SAME
        return Move.UP if self.latest.value > before else Move.DOWN


def flag_of(row: Row) -> Flag:
    """Where a value stands. The laboratory's own word comes first; without word or range nothing is said."""
    if row.interpretation in _LOW:
        return Flag.LOW
    if row.interpretation in _HIGH:
        return Flag.HIGH
    if row.interpretation == "N":
        return Flag.WITHIN
    if row.interpretation in ("A", "AA"):
        return Flag.ABNORMAL
    if row.value is None or (row.low is None and row.high is None):
        return Flag.UNSAID
    if row.low is not None and row.value < row.low:
        return Flag.LOW
    return Flag.HIGH if row.high is not None and row.value > row.high else Flag.WITHIN


def gather(rows: Iterable[R]) -> Sequence[Course[R]]:
    """The courses of these results, in the order of their names; values of two units are never put on one line."""
    found: dict[tuple[str, str], list[R]] = {}
    for row in sorted(rows, key=lambda one: one.effective_at, reverse=True):
        if row.status != "cancelled":
            found.setdefault((_examination(row), row.unit), []).append(row)
    return sorted((Course(some) for some in found.values()), key=lambda one: fold(one.latest.label))


def unit_in_words(unit: str) -> str:
    """A UCUM unit as French laboratories print it: `ug/L` is µg/L, `m[IU]/L` is mUI/L, `10*9/L` is 10^9/L."""
    if unit in _NAMED:
        return _NAMED[unit]
    shown = _MICRO.sub("µ", unit.replace("[IU]", "UI").replace("10*", "10^"))
    return shown.replace("{", "").replace("}", "")


def _examination(row: Row) -> str:
    return next((code for code in row.codes if code.startswith(_LOINC)), "") or row.label.casefold()
