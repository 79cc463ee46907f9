"""The goals of a person: one by kind of measure, set by them, by who acts for them, or by a professional who writes."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from dmp_core.categories import Kind
from dmp_core.models.measures import StoredGoal
from dmp_core.rules.goals import Bounds, Parts, goal_faults
from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Fault, Invalid, NotFound


def set_goal(*, patient_id: UUID, kind: Kind, parts: Parts, until: date | None, by: Actor) -> None:
    """Set the goal of a kind, in place of the one it has: bounds for each number of a measure, in the unit of the kind.

    `until` is the last day that it holds. Raises `Invalid` (`invalid-goal`) with a fault by field.
    """
    faults = list(goal_faults(kind, parts))
    if until is not None and until < clock.today():
        faults.append(Fault("until", "must not be past.", "value"))
    if faults:
        raise Invalid("These bounds cannot be a goal: see each fault.", code="invalid-goal", faults=faults)
    first, second = (*parts, Bounds())[:2]
    values = {
        "low": first.low,
        "high": first.high,
        "low2": second.low,
        "high2": second.high,
        "until": until,
        "author_kind": by.kind.value,
        "author_id": by.id,
        "author_name": by.name,
        "set_at": clock.now(),
    }
    statement = insert(StoredGoal).values(patient_id=patient_id, kind=kind.name, **values)
    db.session.execute(statement.on_conflict_do_update(index_elements=["patient_id", "kind"], set_=values))
    audit.record("dmp:goal:set", by=by, object_type="goal", object_id=patient_id)


def drop_goal(*, patient_id: UUID, kind: Kind, by: Actor) -> None:
    """Take the goal of a kind away. Raises `NotFound`."""
    this = sa.and_(StoredGoal.patient_id == patient_id, StoredGoal.kind == kind.name)
    if not db.session.execute(sa.delete(StoredGoal).where(this).returning(StoredGoal.kind)).first():
        raise NotFound(f"There is no goal for {kind.name}.")
    audit.record("dmp:goal:dropped", by=by, object_type="goal", object_id=patient_id)
