"""Observation: laboratory results, vital signs, habits."""

from typing import Any

from dmp_core.cda.resources.parts import Resource, Source, coded, concept, filled, limits, note, quantity, text
from dmp_core.cda.statements import Result, ResultKind
from dmp_core.cda.values import Bounds, Code, Quantity

_CATEGORIES = {
    ResultKind.LABORATORY: "laboratory",
    ResultKind.VITAL_SIGN: "vital-signs",
    ResultKind.LIFESTYLE: "social-history",
}
_STATUSES = {"completed": "final", "active": "preliminary", "aborted": "cancelled", "cancelled": "cancelled"}
_INTERPRETATIONS = frozenset("N A AA H HH HU L LL LU < > POS NEG IND R S I".split())


def observation(result: Result, source: Source) -> Resource:
    """The Observation that a result stands for, derived from its document."""
    name, value = _value(result)
    return filled(
        {
            "resourceType": "Observation",
            "status": _STATUSES.get(result.status, "unknown"),
            "category": [coded("observation-category", _CATEGORIES[result.kind])],
            "code": concept(result.code),
            "subject": {"reference": source.patient},
            "effectiveDateTime": text(result.at or source.created),
            name: value,
            "dataAbsentReason": None if value else coded("data-absent-reason", "unknown"),
            "interpretation": _interpretation(result.interpretation),
            "referenceRange": _range(result),
            "specimen": {"display": result.specimen} if result.specimen else None,
            "method": {"text": result.method} if result.method else None,
            "note": note(result.comment),
            "derivedFrom": [{"reference": source.document}],
        }
    )


def _value(result: Result) -> tuple[str, Any]:
    value = result.value
    if isinstance(value, Quantity):
        return "valueQuantity", quantity(value)
    if isinstance(value, Bounds):
        return "valueRange", limits(value)
    if isinstance(value, Code):
        return "valueCodeableConcept", concept(value)
    return "valueString", value or None


def _interpretation(code: str) -> list[Resource] | None:
    return [coded("v3-ObservationInterpretation", code)] if code in _INTERPRETATIONS else None


def _range(result: Result) -> list[Resource] | None:
    found = filled({**(limits(result.reference) or {}), "text": result.reference_text})
    return [found] if found else None
