"""What a record proposes for a summary, each fact with its source.

A summary is read by all, so that it is made of what hides from nobody: nothing that is masked, even if its author
writes the summary, that awaits its announcement, or that is kept from representatives.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from dmp_core.categories import BLOOD_PRESSURE, BMI, BODY_HEIGHT, BODY_WEIGHT
from dmp_core.fhir.entries import own_resource
from dmp_core.models.documents import DocumentRow
from dmp_core.models.entries import EntryRow
from dmp_core.queries import documents, points
from dmp_core.queries.documents import Sought
from dmp_core.queries.entries import list_entries
from dmp_core.queries.points import Point
from dmp_core.queries.prescriptions import follow_prescriptions
from dmp_core.queries.profile import list_answers
from dmp_core.rules.documents.asked import Condition
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.rules.entries.kinds import ALLERGIES as ALLERGY_ENTRIES
from dmp_core.rules.entries.kinds import RESULTS as RESULT_ENTRIES
from dmp_core.rules.entries.kinds import VACCINATIONS as VACCINATION_ENTRIES
from dmp_core.rules.entries.kinds import EntryKind
from dmp_core.rules.prescriptions.following import Course
from dmp_core.rules.prescriptions.lines import Line
from dmp_core.rules.prescriptions.standing import Standing
from dmp_core.rules.professionals.matrix import Level
from dmp_core.rules.synthesis.facts import Fact, Proposal, Source, names_of, propose
from dmp_core.rules.synthesis.sections import ALLERGIES, FAMILY, PROBLEMS, RESULTS, SOCIAL, TREATMENTS
from dmp_core.rules.synthesis.telling import is_long_term, tell_entry, tell_prescription, tell_procedure, tell_result
from dmp_core.service.professionals.records import Opening
from dmp_core.service.synthesis.noticing import list_attention, list_questions
from dmp_core.service.synthesis.stating import list_procedures
from dmp_core.service.typed import BY_HAND
from platform_core import clock
from platform_core.french import day_in_figures, number_in_words

ALL = Viewer(ViewerKind.APPLICATION)
"""Who sees what hides from nobody."""

_RECENT = timedelta(days=730)
_MOST_RESULTS, _MOST_VACCINATIONS = 1000, 60
_USUAL = frozenset({BODY_WEIGHT, BODY_HEIGHT, BMI, BLOOD_PRESSURE})
_SUBJECTS = {
    "allergies": ALLERGIES.name,
    "maladies": PROBLEMS.name,
    "traitements": TREATMENTS.name,
    "famille": FAMILY.name,
    "habitudes": SOCIAL.name,
}


def gather(opening: Opening) -> list[Proposal]:
    """The lines that the record proposes to the professional to whom it is open."""
    now, patient_id = clock.now(), opening.patient.id
    answers = [one for one in list_answers(patient_id=patient_id, viewer=ALL) if _reads(opening, one.step.kind)]
    rows = [row for answer in answers for row in answer.rows]
    given = _entries(opening, VACCINATION_ENTRIES, _MOST_VACCINATIONS)
    results = [row for row in _entries(opening, RESULT_ENTRIES, _MOST_RESULTS) if row.effective_at <= now]
    latest = latest_results(row for row in results if row.effective_at >= now - _RECENT)
    absences = [(answer.step.name, answer.stated[0]) for answer in answers if answer.absence]
    stated = [row for _, row in absences]
    course = follow_prescriptions(
        patient_id=patient_id,
        viewer=ALL,
        types=opening.reach.types_at(Level.READ),
        allergies=_reads(opening, ALLERGY_ENTRIES),
    )
    prescribed = [line for line, standing in _in_use(course) if is_long_term(line)]
    asked = [one.line.document_id for one in course.attentions]
    sources = _Sources(opening, [*rows, *given, *latest, *stated], [*asked, *(line.document_id for line in prescribed)])
    facts = [tell_entry(row, own_resource(row, patient_id), sources.of(row), now) for row in (*rows, *given)]
    facts += [tell_result(row, sources.of(row)) for row in latest]
    facts += [_absence(_SUBJECTS[name], row, sources.of(row)) for name, row in absences]
    facts += [tell_prescription(line, sources.document(line.document_id, now)) for line in prescribed]
    facts += [tell_procedure(one, _source_of(document)) for document, one in list_procedures(_sought(opening))]
    facts += [_measure(point) for point in _measures(opening)]
    facts += list_attention(opening, rows=rows, given=given, results=results, sources=sources.of)
    facts += list_questions(course.attentions, lambda id: sources.document(id, now))
    return propose(fact for fact in facts if fact)


class _Sources:
    """Where entries come from: the documents that the professional reaches, or who told them."""

    def __init__(self, opening: Opening, rows: Sequence[EntryRow], more: Iterable[UUID]) -> None:
        ids = sorted({row.document_id for row in rows if row.document_id} | set(more))
        sought = _sought(opening, Condition("ids", {"ids": ids}))
        found = documents.search_documents(sought, sort="care", limit=None) if ids else []
        self._documents: Mapping[UUID, DocumentRow] = {row.id: row for row in found}

    def of(self, row: EntryRow) -> Source:
        if row.document_id:
            return self.document(row.document_id, row.updated_at)
        if row.source == BY_HAND:
            return Source(label="Dit par le patient", at=row.updated_at, author=row.author_name)
        return Source(label=row.author_name, at=row.updated_at)

    def document(self, id: UUID, otherwise: datetime) -> Source:
        """A document; one that was put away is not led to, and has the instant given."""
        found = self._documents.get(id)
        return _source_of(found) if found else Source(label="Un document du dossier", at=otherwise)


def _source_of(document: DocumentRow) -> Source:
    author = document.author_person or document.author_institution or document.author_name
    return Source(label=document.title, at=document.effective_at, author=author, document_id=document.id)


def _sought(opening: Opening, *conditions: Condition) -> Sought:
    return replace(opening.sought(*conditions), viewer=ALL)


def _reads(opening: Opening, kind: EntryKind) -> bool:
    return opening.reach.reads(kind.category)


def _entries(opening: Opening, kind: EntryKind, limit: int) -> Sequence[EntryRow]:
    if not _reads(opening, kind):
        return []
    return list_entries(patient_id=opening.patient.id, viewer=ALL, categories=[kind.category], limit=limit)


def latest_results(results: Iterable[EntryRow]) -> list[EntryRow]:
    """The newest result of each examination; they come newest first."""
    found: dict[str, EntryRow] = {}
    for row in results:
        found.setdefault(row.codes[0] if row.codes else row.label, row)
    return list(found.values())


def _absence(section: str, row: EntryRow, source: Source) -> Fact:
    return Fact(section=section, text=row.label, names=names_of(section, row.label), source=source, absent=True)


def _in_use(course: Course) -> Iterator[tuple[Line, Standing]]:
    today = clock.today()
    for prescription in course.current:
        yield from (one for one in prescription.lines if one[1].lasts(today))


def _measures(opening: Opening) -> Iterator[Point]:
    if opening.reach.reads("measures"):
        since = clock.now() - _RECENT
        latest = points.list_latest(patient_id=opening.patient.id, own=False)
        yield from (point for point in latest if point.effective_at >= since or point.kind.name == BODY_HEIGHT)


def _measure(point: Point) -> Fact:
    kind = point.kind
    numbers = "/".join(number_in_words(value) for value in point.values)
    return Fact(
        section=RESULTS.name,
        text=f"{kind.label} : {numbers} {kind.shown_unit}, le {day_in_figures(point.effective_at)}",
        names=names_of(RESULTS.name, kind.label),
        source=Source(label="Mesure", at=point.effective_at, author=point.author, measure=kind.name),
        remark="" if point.is_plausible else "Valeur inhabituelle",
        proposed=kind.name in _USUAL or not point.is_plausible,
    )
