"""The goals of a person, by kind of measure."""

from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from dmp_core.categories import KINDS
from dmp_core.models.measures import StoredGoal
from dmp_core.rules.goals import Bounds, Goal
from platform_core.access import ActorKind
from platform_core.database import db


def find_goal(*, patient_id: UUID, kind: str, on: date) -> Goal | None:
    """The goal that holds on a day."""
    return next((goal for goal in list_goals(patient_id=patient_id, on=on) if goal.kind == kind), None)


def list_goals(*, patient_id: UUID, on: date) -> list[Goal]:
    """Every goal that holds on a day."""
    holds = sa.or_(StoredGoal.until.is_(None), StoredGoal.until >= on)
    found = db.session.scalars(
        sa.select(StoredGoal).where(StoredGoal.patient_id == patient_id, holds).order_by(StoredGoal.kind)
    )
    return [_goal(row) for row in found]


def _goal(row: Any) -> Goal:
    bounds = (Bounds(row.low, row.high), Bounds(row.low2, row.high2))
    parts = bounds if KINDS[row.kind].components else bounds[:1]
    return Goal(
        row.kind, parts, row.until, row.author_name, row.author_kind == ActorKind.PROFESSIONAL.value, row.set_at
    )
