"""Condition, AllergyIntolerance, FamilyMemberHistory, Procedure."""

from dmp_core.cda.resources.parts import Resource, Source, actor, coded, concept, dates, filled, note, text
from dmp_core.cda.statements import Allergy, FamilyHistory, Problem, Procedure


def condition(found: Problem, source: Source) -> Resource:
    """A problem, present or past; refuted when the document says that it is absent."""
    return filled(
        {
            "resourceType": "Condition",
            "clinicalStatus": None if found.absent else coded("condition-clinical", _state(found.active)),
            "verificationStatus": coded("condition-ver-status", "refuted" if found.absent else "confirmed"),
            "category": [coded("condition-category", "problem-list-item")],
            "code": concept(found.code),
            "subject": {"reference": source.patient},
            "onsetDateTime": text(found.period.start),
            "abatementDateTime": None if found.active else text(found.period.end),
            "recordedDate": source.created.text,
            "evidence": [{"detail": [{"reference": source.document}]}],
            "note": note(found.text),
        }
    )


def allergy(found: Allergy, source: Source) -> Resource:
    """An allergy or an intolerance; refuted when none is known."""
    reaction = [{"manifestation": [{"text": words}]} for words in found.reactions]
    return filled(
        {
            "resourceType": "AllergyIntolerance",
            "clinicalStatus": None if found.absent else coded("allergyintolerance-clinical", _state(found.active)),
            "verificationStatus": coded("allergyintolerance-verification", "refuted" if found.absent else "confirmed"),
            "code": concept(found.agent),
            "patient": {"reference": source.patient},
            "onsetDateTime": text(found.period.start),
            "recordedDate": source.created.text,
            "note": note(found.kind.words if found.kind else "", found.severity),
            "reaction": reaction,
        }
    )


def family_history(found: FamilyHistory, source: Source) -> Resource:
    """A condition of a relative."""
    suffered = filled({"code": concept(found.condition), "contributedToDeath": found.died_of_it or None})
    if found.since:
        suffered["note"] = [{"text": f"Depuis {found.since.text}"}]
    return {
        "resourceType": "FamilyMemberHistory",
        "status": "completed",
        "patient": {"reference": source.patient},
        "date": source.created.text,
        "relationship": concept(found.relation),
        "condition": [suffered],
    }


def procedure(found: Procedure, source: Source) -> Resource:
    """An act performed or in preparation."""
    performer = actor(found.performer)
    return filled(
        {
            "resourceType": "Procedure",
            "status": "preparation" if found.planned else "completed",
            "code": concept(found.code),
            "subject": {"reference": source.patient},
            "performedPeriod": dates(found.period),
            "performer": [{"actor": performer}] if performer else None,
            "report": [{"reference": source.document}],
            "note": note(found.text),
        }
    )


def _state(active: bool) -> str:
    return "active" if active else "inactive"
