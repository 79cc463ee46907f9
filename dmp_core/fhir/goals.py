"""The goals of a person as FHIR R4 Goal, for the copy of their record."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from dmp_core.categories import KINDS, Coding, Kind
from dmp_core.rules.goals import Bounds, Goal
from dmp_core.rules.observations import UCUM
from platform_core.clock import PARIS


def write_goal(goal: Goal, patient_reference: str) -> dict[str, Any]:
    """The Goal: one target for each number of the measure, each with its bounds and the last day."""
    kind = KINDS[goal.kind]
    return {
        "resourceType": "Goal",
        "id": kind.name,
        "lifecycleStatus": "active",
        "description": {"text": kind.label},
        "subject": {"reference": f"Patient/{patient_reference}"},
        "startDate": goal.set_at.astimezone(PARIS).date().isoformat(),
        "expressedBy": {"display": goal.author_name},
        "target": list(_targets(goal, kind)),
    }


def _targets(goal: Goal, kind: Kind) -> Iterator[dict[str, Any]]:
    codes: tuple[Coding, ...] = kind.components or (kind.coding,)
    due = {"dueDate": goal.until.isoformat()} if goal.until else {}
    for (system, code), bounds in zip(codes, goal.parts, strict=True):
        if not bounds.is_open:
            measure = {"coding": [{"system": system, "code": code}]}
            yield {"measure": measure, "detailRange": _range(bounds, kind), **due}


def _range(bounds: Bounds, kind: Kind) -> dict[str, Any]:
    return {
        side: _quantity(value, kind)
        for side, value in (("low", bounds.low), ("high", bounds.high))
        if value is not None
    }


def _quantity(value: Decimal, kind: Kind) -> dict[str, Any]:
    return {"value": value, "unit": kind.shown_unit, "system": UCUM, "code": kind.unit}
