"""The International Patient Summary of a record, as the one who asks for it may see it."""

from typing import Any

from dmp_core.categories import DOCUMENT_KINDS
from dmp_core.fhir.summary import Person, Resource, Section, no_information, write_procedure, write_summary
from dmp_core.queries.documents import Condition, Sought
from dmp_core.queries.entries import list_entries
from dmp_core.queries.profile import find_answer
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.entries.kinds import RESULTS, VACCINATIONS
from dmp_core.rules.profile.steps import STEPS, Step
from dmp_core.service.synthesis.gathering import latest_results
from dmp_core.service.synthesis.stating import list_procedures
from dmp_core.workflow import DocumentState
from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.fhir.search import ANY_TIME
from platform_core.fhir.validation import validate

_MOST = 500
# Codes of the sections: IPS, and LOINC 10157-6 for the family, of which IPS has no section.
_SECTIONS = {
    "traitements": ("10160-0", "Traitements"),
    "allergies": ("48765-2", "Allergies et intolérances"),
    "maladies": ("11450-4", "Maladies et antécédents"),
    "famille": ("10157-6", "Antécédents familiaux"),
    "habitudes": ("29762-2", "Habitudes de vie"),
}
_REQUIRED = frozenset({"traitements", "allergies", "maladies"})


def write_patient_summary(*, person: Person, by: Actor) -> dict[str, Any]:
    """The Bundle, judged by the rules of FHIR before it leaves. What the patient said of absence stands in it."""
    viewer = Viewer.of(by)
    sections = [_section(person, STEPS[name], viewer) for name in _SECTIONS]
    given = list_entries(patient_id=person.id, viewer=viewer, categories=[VACCINATIONS.category], limit=_MOST)
    sections.append(Section("11369-6", "Vaccinations", given, VACCINATIONS.subject))
    results = list_entries(patient_id=person.id, viewer=viewer, categories=[RESULTS.category], limit=_MOST)
    sections.append(Section("30954-2", "Résultats d’examens", latest_results(results), RESULTS.subject))
    sections.append(Section("47519-4", "Actes et interventions", (), stated=_procedures(person, viewer)))
    bundle = write_summary(person=person, sections=sections, author=by.name, at=clock.now())
    validate(bundle)
    audit.record("dmp:summary:downloaded", by=by, object_type="patient", object_id=person.id)
    return bundle


def _procedures(person: Person, viewer: Viewer) -> list[tuple[str, Resource]]:
    """The acts that the documents state, each once."""
    present = Condition("states", {"codes": [DocumentState.CURRENT]})
    sought = Sought(person.id, viewer, dict.fromkeys(DOCUMENT_KINDS, ANY_TIME), (present,))
    found = {(one.code.words, one.period): one for _, one in list_procedures(sought)}
    return [(one.code.words, write_procedure(one)) for one in found.values()]


def _section(person: Person, step: Step, viewer: Viewer) -> Section:
    code, title = _SECTIONS[step.name]
    answer = find_answer(patient_id=person.id, viewer=viewer, step=step)
    rows = answer.rows or answer.stated[:1]
    nothing = no_information(step.kind.resource, step.unknown.code, step.unknown.text)
    return Section(code, title, rows, step.kind.subject, nothing if step.name in _REQUIRED else None)
