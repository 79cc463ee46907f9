"""What one author wrote in a record, once the patient has decided on it: kept, hidden from all others, or deleted."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from dmp_core.categories import KINDS
from dmp_core.models.measures import StoredMeasure
from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import NotFound
from platform_core.events import ContributionsChoice, DataChanged, publish

_DELETED = "entered-in-error"


def withdraw_measures(*, patient_id: UUID, author_id: UUID, choice: ContributionsChoice) -> int:
    """Do with every measure of an author as the patient chose; returns how many changed.

    What is deleted stays so; what was hidden can be shown again (`keep`). To apps, hidden and deleted are alike.
    """
    theirs = StoredMeasure.author_id == author_id
    match choice:
        case ContributionsChoice.KEEP:
            return _change(patient_id, theirs, StoredMeasure.hidden_at.is_not(None), hidden_at=None)
        case ContributionsChoice.MASK:
            return _change(patient_id, theirs, StoredMeasure.hidden_at.is_(None), hidden_at=clock.now())
        case ContributionsChoice.DELETE:
            return _change(patient_id, theirs, hidden_at=clock.now(), status=_DELETED)


def show_measure(*, patient_id: UUID, measure_id: UUID, by: Actor) -> None:
    """Show one hidden measure again to the apps and professionals who may read its kind. Raises `NotFound`."""
    this = StoredMeasure.id == measure_id
    if not _change(patient_id, this, StoredMeasure.hidden_at.is_not(None), hidden_at=None):
        raise NotFound("No such measure is hidden.")
    audit.record("dmp:measure:shown", by=by, object_type="measure", object_id=measure_id)


def _change(patient_id: UUID, *among: sa.ColumnElement[bool], **values: Any) -> int:
    changed = db.session.execute(
        sa.update(StoredMeasure)
        .where(StoredMeasure.patient_id == patient_id, StoredMeasure.status != _DELETED, *among)
        .values(version=StoredMeasure.version + 1, updated_at=clock.now(), **values)
        .returning(StoredMeasure.id, StoredMeasure.kind, StoredMeasure.version)
        .execution_options(synchronize_session=False)
    ).all()
    operation = "delete" if values["hidden_at"] else "update"
    for identifier, kind, version in changed:
        publish(DataChanged(KINDS[kind].category, patient_id, f"Observation/{identifier}", version, operation))
    return len(changed)
