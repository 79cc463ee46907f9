"""The prescriptions of a record with what became of each of their lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from uuid import UUID

from dmp_core.rules.prescriptions import attention
from dmp_core.rules.prescriptions.attention import Attention, Known
from dmp_core.rules.prescriptions.lines import Line, LineKind
from dmp_core.rules.prescriptions.matching import match
from dmp_core.rules.prescriptions.standing import Standing, stand


@dataclass(frozen=True, slots=True)
class Prescription:
    """A prescription: its lines in their order, each with where it stands."""

    document_id: UUID
    written_on: date
    author: str
    lines: Sequence[tuple[Line, Standing]]

    def lasts(self, today: date) -> bool:
        """Whether a line of it is in use, or may still be handed over."""
        return any(standing.lasts(today) for _, standing in self.lines)


@dataclass(frozen=True, slots=True)
class Course:
    """All that is followed: prescriptions, the latest first; dispensations that serve none of them; what to ask."""

    current: Sequence[Prescription]
    finished: Sequence[Prescription]
    apart: Sequence[Line]
    attentions: Sequence[Attention]
    known: int = 0
    """How many recorded allergies were compared."""

    @property
    def dispensed(self) -> int:
        """How many documents of dispensation are told of."""
        lines = [one.line for each in (*self.current, *self.finished) for _, s in each.lines for one in s.given]
        return len({line.document_id for line in (*lines, *self.apart)})

    def find(self, document_id: UUID) -> Prescription | None:
        """One prescription, by its document."""
        return next((one for one in (*self.current, *self.finished) if one.document_id == document_id), None)


def follow(lines: Sequence[Line], allergies: Sequence[Known], today: date) -> Course:
    """What became of these lines on that day."""
    prescribed = [line for line in lines if line.kind is LineKind.PRESCRIPTION]
    given, apart = match(prescribed, [line for line in lines if line.kind is LineKind.DISPENSATION])
    ordered = sorted(prescribed, key=lambda line: (-line.written_on.toordinal(), line.document_id, line.number))
    followed = [(line, stand(line, given[line.key], today)) for line in ordered]
    prescriptions = [
        Prescription(document_id, some[0][0].written_on, some[0][0].author, some)
        for document_id, some in (
            (key, list(group)) for key, group in groupby(followed, key=lambda one: one[0].document_id)
        )
    ]
    live = [line for line, standing in followed if standing.lasts(today)]
    return Course(
        [one for one in prescriptions if one.lasts(today)],
        [one for one in prescriptions if not one.lasts(today)],
        list(reversed(apart)),
        [
            *attention.meets_allergies(live, allergies),
            *attention.overlapping(followed, today),
            *attention.stopped(followed, today),
        ],
        len(allergies),
    )
