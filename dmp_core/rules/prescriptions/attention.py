"""What deserves a question in prescriptions: a recorded allergy, a medicine met twice, one that goes on no more.

Nothing is judged, and nothing is sure to be found: only what the codes and the names say is compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from dmp_core.rules.prescriptions.lines import ATC, Line, coded
from dmp_core.rules.prescriptions.matching import same_substance
from dmp_core.rules.prescriptions.names import folded, same_name
from dmp_core.rules.prescriptions.standing import Standing, State

# Shorter names (« fer ») are found in too many others.
_SHORTEST_NAME = 5
# The fourth level of the ATC classification: a chemical group, such as the inhibitors of the conversion enzyme.
_GROUP = 5
_LONG = 28
_LATELY = timedelta(days=180)
_GRACE = timedelta(days=7)


class Why(StrEnum):
    """What makes a line be shown."""

    ALLERGY = "allergy"
    ALLERGY_CLASS = "allergy-class"
    SUBSTANCE = "substance"
    GROUP = "group"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Known:
    """A recorded allergy or treatment: what it is called, its codes as `system|code`, and where it stands."""

    label: str
    codes: Sequence[str]
    document_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Attention:
    """A line of a prescription, and the allergy, the treatment or the other line that it meets.

    `since` is the day from which a treatment that stopped is no longer covered.
    """

    why: Why
    line: Line
    other: str = ""
    document_id: UUID | None = None
    since: date | None = None


Followed = tuple[Line, Standing]


def meets_allergies(lines: Sequence[Line], allergies: Sequence[Known]) -> list[Attention]:
    """The medicines that are, or contain, or belong to a class of what the person is said to be allergic to."""
    return [
        Attention(why, line, allergy.label, allergy.document_id)
        for line in lines
        for allergy in allergies
        if (why := _meets(line, allergy))
    ]


def already_taken(lines: Sequence[Line], treatments: Sequence[Known]) -> list[Attention]:
    """The medicines whose substance the person takes already."""
    return [
        Attention(Why.SUBSTANCE, line, treatment.label, treatment.document_id)
        for line in lines
        for treatment in treatments
        if _is_taken(line, treatment)
    ]


def twice(lines: Sequence[Line]) -> list[Attention]:
    """The pairs of lines that prescribe the same substance."""
    return [
        Attention(Why.SUBSTANCE, first, second.label, second.document_id)
        for number, first in enumerate(lines)
        for second in lines[number + 1 :]
        if _same(first, second)
    ]


def overlapping(followed: Sequence[Followed], today: date) -> list[Attention]:
    """The pairs of lines of two prescriptions in use at the same time, of one substance or of one chemical group.

    Two strengths on one prescription are a dosage, not a repetition.
    """
    live = [line for line, standing in followed if standing.lasts(today)]
    found = []
    for number, first in enumerate(live):
        for second in live[number + 1 :]:
            why = _repeats(first, second) if first.document_id != second.document_id else None
            if why:
                found.append(Attention(why, first, second.label, second.document_id))
    return found


def stopped(followed: Sequence[Followed], today: date) -> list[Attention]:
    """The long treatments that are covered no longer, lately, and that no other prescription goes on with."""
    live = [line for line, standing in followed if standing.state is not State.EXPIRED and standing.lasts(today)]
    latest: list[Followed] = []
    for one in sorted(followed, key=lambda pair: pair[0].written_on, reverse=True):
        if not any(_same(one[0], other) for other, _ in latest):
            latest.append(one)
    return [
        Attention(Why.STOPPED, line, since=covers + timedelta(days=1))
        for line, standing in latest
        if (covers := standing.covers) and _is_long(line) and today - _LATELY <= covers < today - _GRACE
        if not any(_same(line, other) for other in live if other is not line)
    ]


def _meets(line: Line, allergy: Known) -> Why | None:
    if set(line.codes) & set(allergy.codes):
        return Why.ALLERGY
    name = folded(allergy.label)
    if len(name) >= _SHORTEST_NAME and any(name in folded(one) for one in (line.label, *line.substances)):
        return Why.ALLERGY
    classes = coded(tuple(allergy.codes), ATC)
    if any(code.startswith(one) for code in coded(line.codes, ATC) for one in classes):
        return Why.ALLERGY_CLASS
    return None


def _is_taken(line: Line, treatment: Known) -> bool:
    return bool(line.atc & coded(tuple(treatment.codes), ATC)) or same_name(line.label, treatment.label)


def _same(one: Line, other: Line) -> bool:
    return same_substance(one, other) or same_name(one.label, other.label)


def _repeats(one: Line, other: Line) -> Why | None:
    if _same(one, other):
        return Why.SUBSTANCE
    groups = [{code[:_GROUP] for code in line.atc} for line in (one, other)]
    return Why.GROUP if groups[0] & groups[1] else None


def _is_long(line: Line) -> bool:
    return line.days is not None and line.days * ((line.repeats or 0) + 1) >= _LONG
