"""Which line of a prescription a dispensation serves, and how sure that is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from dmp_core.rules.prescriptions.limits import longest
from dmp_core.rules.prescriptions.lines import ATC, SMS, Line, coded
from dmp_core.rules.prescriptions.names import same_name


class Certainty(StrEnum):
    """Why a dispensation stands under a line, the surest first."""

    LINE = "line"
    """It names the line."""
    DOCUMENT = "document"
    """It names the prescription, in which one line alone is of this medicine."""
    LIKELY = "likely"
    """It names nothing: the medicine is the same and the dates agree."""


@dataclass(frozen=True, slots=True)
class Given:
    """A dispensation of a line."""

    line: Line
    certainty: Certainty


Key = tuple[UUID, int]


def match(lines: Iterable[Line], dispensed: Iterable[Line]) -> tuple[Mapping[Key, Sequence[Given]], Sequence[Line]]:
    """The dispensations of each line, the oldest first, then those that serve none of these lines."""
    prescribed = list(lines)
    found: dict[Key, list[Given]] = {line.key: [] for line in prescribed}
    apart = []
    for one in sorted(dispensed, key=lambda line: (line.written_on, line.number)):
        line, certainty = _named(one, prescribed) if one.refers else _likely(one, prescribed)
        if line:
            found[line.key].append(Given(one, certainty))
        else:
            apart.append(one)
    return found, apart


def _named(one: Line, prescribed: Sequence[Line]) -> tuple[Line | None, Certainty]:
    """By its references. Producers give the same id to several lines: the medicine then decides, or nothing does."""
    document = [line for line in prescribed if line.unique_id in one.orders]
    same = [line for line in document or prescribed if one.order and line.identifier == one.order]
    if same:
        return (same[0] if len(same) == 1 else _alike(one, same)), Certainty.LINE
    return _alike(one, document), Certainty.DOCUMENT


def _likely(one: Line, prescribed: Sequence[Line]) -> tuple[Line | None, Certainty]:
    """By the medicine and the dates: the latest prescription written before."""
    before = [line for line in prescribed if line.written_on <= one.written_on <= longest(line.written_on)]
    alike = [line for line in before if _likeness(one, line)]
    latest = max((line.written_on for line in alike), default=None)
    return _alike(one, [line for line in alike if line.written_on == latest]), Certainty.LIKELY


def _alike(one: Line, lines: Sequence[Line]) -> Line | None:
    """The line most like it, when one alone is."""
    ranked = [(_likeness(one, line), line) for line in lines]
    best = max((rank for rank, _ in ranked), default=0)
    found = [line for rank, line in ranked if rank == best]
    return found[0] if best and len(found) == 1 else None


def _likeness(one: Line, other: Line) -> int:
    """3 for the same product, 2 for the same name, 1 for the same substance, 0 for another medicine."""
    if _products(one) & _products(other):
        return 3
    if same_name(one.label, other.label):
        return 2
    return int(same_substance(one, other))


def same_substance(one: Line, other: Line) -> bool:
    """Whether two medicines hold a substance in common, as their codes or the names of their substances say."""
    if one.atc & other.atc or coded(one.codes, SMS) & coded(other.codes, SMS):
        return True
    return any(same_name(name, another) for name in one.substances for another in other.substances)


def _products(line: Line) -> set[str]:
    return {code for code in line.codes if not code.startswith((f"{ATC}|", f"{SMS}|", "|"))}
