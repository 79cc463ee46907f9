"""The health profile as it stands: what each step holds, whoever wrote it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from dmp_core.models.entries import EntryRow
from dmp_core.queries.entries import list_entries
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.rules.entries.kinds import at
from dmp_core.rules.profile.steps import STEPS, Absence, Step
from platform_core.fhir import wire

_MOST = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What a step holds. `absence` is what was said of it while there was nothing, `stated` the entries that say it."""

    step: Step
    rows: Sequence[EntryRow]
    stated: Sequence[EntryRow]

    @property
    def absence(self) -> Absence | None:
        return None if self.rows or not self.stated else self.step.absence(self.stated[0].codes)

    @property
    def is_given(self) -> bool:
        return bool(self.rows or self.stated)


def find_answer(*, patient_id: UUID, viewer: Viewer, step: Step) -> Answer:
    """What a step holds that the viewer may see, newest first. What a document refutes is left out."""
    rows = list_entries(patient_id=patient_id, viewer=viewer, categories=[step.kind.category], limit=_MOST)
    return _answer(step, rows)


def list_answers(*, patient_id: UUID, viewer: Viewer) -> list[Answer]:
    """The whole profile, in the order of its steps."""
    categories = [step.kind.category for step in STEPS.values()]
    rows = list_entries(patient_id=patient_id, viewer=viewer, categories=categories, limit=_MOST)
    return [_answer(step, [row for row in rows if row.category == step.kind.category]) for step in STEPS.values()]


def list_told_absences(*, patient_id: UUID, step: Step) -> Sequence[EntryRow]:
    """The statements of absence that were typed by hand."""
    viewer = Viewer(ViewerKind.AUTHOR, patient_id)
    rows = list_entries(patient_id=patient_id, viewer=viewer, categories=[step.kind.category], limit=_MOST)
    return [row for row in rows if row.document_id is None and step.absence(row.codes)]


def _answer(step: Step, rows: Sequence[EntryRow]) -> Answer:
    stated = [row for row in rows if step.absence(row.codes)]
    return Answer(step, [row for row in rows if row not in stated and not _is_refuted(row)], stated)


def _is_refuted(row: EntryRow) -> bool:
    return "refuted" in row.body and "refuted" in at(wire.read(row.body.encode()), "verificationStatus.coding.code")
