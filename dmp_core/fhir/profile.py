"""What a person tells in their health profile, to FHIR resources and back; the subject is left out."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from dmp_core.rules.entries.kinds import at
from dmp_core.rules.profile.steps import Absence, Step
from dmp_core.rules.profile.told import Told

Resource = dict[str, Any]

_ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
_LOINC = "http://loinc.org"
_OBSERVED = "http://terminology.hl7.org/CodeSystem/observation-category"
_GOES_ON = frozenset({"active", "recurrence", "relapse"})
RELATIVES = {
    "MTH": "Mère",
    "FTH": "Père",
    "SIB": "Frère ou sœur",
    "CHILD": "Enfant",
    "GRPRN": "Grand-parent",
    "EXT": "Autre parent",
}
TOPICS: Mapping[str, tuple[str, str]] = {
    "tobacco": ("72166-2", "Tabac"),
    "alcohol": ("11331-6", "Alcool"),
    "activity": ("", "Activité physique"),
    "diet": ("", "Alimentation"),
    "sleep": ("", "Sommeil"),
    "other": ("", "Autre habitude"),
}


def write_told(step: Step, told: Told, *, recorded: date) -> Resource:
    """The resource of what was told, recorded on a day."""
    return _WRITERS[step.name](told, recorded.isoformat())


def write_absence(step: Step, absence: Absence, *, recorded: date) -> Resource:
    """The resource that says that there is nothing, or that it is not known."""
    concept = {"coding": [{"system": absence.system, "code": absence.code}], "text": absence.text}
    day = recorded.isoformat()
    match step.kind.resource:
        case "AllergyIntolerance":
            return {**_allergy(Told(), day), "code": concept}
        case "Condition":
            return {**_condition(Told(choice="active"), day), "code": concept}
        case "MedicationStatement":
            return {**_treatment(Told(choice="active"), day), "medicationCodeableConcept": concept}
        case "FamilyMemberHistory":
            head = {"resourceType": "FamilyMemberHistory", "status": "health-unknown", "date": day}
            return {**head, "relationship": {"text": "Famille"}, "condition": [{"code": concept}]}
    return {**_observed(day), "code": concept}


def read_told(step: Step, resource: Mapping[str, Any]) -> Told:
    """What a resource says in the terms of its step; all of it, when `write_told` made it."""
    label = _first(resource, step.kind.about[0] + ".text")
    detail = _first(resource, "note.text") or _first(resource, "dosage.text")
    since = (_first(resource, "onsetDateTime") or _first(resource, "effectivePeriod.start"))[:4]
    match step.kind.resource:
        case "AllergyIntolerance":
            return Told(label, _first(resource, "criticality"), detail, since)
        case "Condition":
            state = _first(resource, "clinicalStatus.coding.code")
            return Told(label, "active" if state in _GOES_ON else state and "resolved", detail, since)
        case "MedicationStatement":
            return Told(label, _first(resource, "status"), detail, since)
        case "FamilyMemberHistory":
            return Told(label, _first(resource, "relationship.coding.code"), detail)
    topic = next((name for name, (_, words) in TOPICS.items() if words == label), "other")
    return Told(_first(resource, "valueString"), topic)


def _allergy(told: Told, recorded: str) -> Resource:
    return _filled(
        resourceType="AllergyIntolerance",
        clinicalStatus=_coded("allergyintolerance-clinical", "active"),
        verificationStatus=_coded("allergyintolerance-verification", "unconfirmed"),
        criticality=told.choice,
        code={"text": told.label},
        onsetDateTime=told.since,
        recordedDate=recorded,
        note=_note(told.detail),
    )


def _condition(told: Told, recorded: str) -> Resource:
    return _filled(
        resourceType="Condition",
        clinicalStatus=_coded("condition-clinical", told.choice),
        verificationStatus=_coded("condition-ver-status", "unconfirmed"),
        category=[_coded("condition-category", "problem-list-item")],
        code={"text": told.label},
        onsetDateTime=told.since,
        recordedDate=recorded,
        note=_note(told.detail),
    )


def _treatment(told: Told, recorded: str) -> Resource:
    return _filled(
        resourceType="MedicationStatement",
        status=told.choice,
        medicationCodeableConcept={"text": told.label},
        effectivePeriod={"start": told.since} if told.since else None,
        dateAsserted=recorded,
        dosage=[{"text": told.detail}] if told.detail else None,
    )


def _family(told: Told, recorded: str) -> Resource:
    relative = {"coding": [{"system": _ROLES, "code": told.choice}], "text": RELATIVES[told.choice]}
    return _filled(
        resourceType="FamilyMemberHistory",
        status="completed",
        date=recorded,
        relationship=relative,
        condition=[{"code": {"text": told.label}}],
        note=_note(told.detail),
    )


def _habit(told: Told, recorded: str) -> Resource:
    code, words = TOPICS[told.choice]
    coding = {"coding": [{"system": _LOINC, "code": code}]} if code else {}
    return {**_observed(recorded), "code": {**coding, "text": words}, "valueString": told.label}


def _observed(recorded: str) -> Resource:
    category = {"coding": [{"system": _OBSERVED, "code": "social-history"}]}
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [category],
        "effectiveDateTime": recorded,
    }


_WRITERS: Mapping[str, Callable[[Told, str], Resource]] = {
    "allergies": _allergy,
    "maladies": _condition,
    "traitements": _treatment,
    "famille": _family,
    "habitudes": _habit,
}


def _filled(**members: Any) -> Resource:
    return {name: value for name, value in members.items() if value}


def _coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}]}


def _note(text: str) -> list[Resource]:
    return [{"text": text}] if text else []


def _first(resource: Mapping[str, Any], path: str) -> str:
    return next((str(value) for value in at(resource, path)), "")
