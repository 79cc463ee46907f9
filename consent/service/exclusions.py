"""Keeping one resource from one app, whatever its consent covers: felt at the next call, and by later consents too."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from consent.models import Exclusion
from consent.queries import get_state
from consent.queries.exclusions import describe
from consent.service.deciders import check_reach
from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.categories import registry
from platform_core.database import db
from platform_core.errors import NotFound


def exclude_resource(*, patient_id: UUID, grant_id: UUID, category: str, resource_id: UUID, by: Actor) -> None:
    """Keep a resource of the patient bound to the transaction from the app of one of their consents.

    Doing it twice has no effect. Raises `NotFound` for a consent or a resource that is not theirs, `Invalid`
    (`unknown-category`), `OutsideMandate`.
    """
    check_reach([category], by=by)
    state = get_state(patient_id, grant_id)
    if registry.get(category).describe and resource_id not in describe(category, [resource_id]):
        raise NotFound("There is no such resource in this record.")
    kept = insert(Exclusion).values(
        patient_id=patient_id,
        application_id=state.app_id,
        resource_id=resource_id,
        category=category,
        created_at=clock.now(),
    )
    db.session.execute(kept.on_conflict_do_nothing())
    audit.record("consent:resource:excluded", by=by, object_type="consent", object_id=grant_id)


def include_resource(*, patient_id: UUID, grant_id: UUID, resource_id: UUID, by: Actor) -> None:
    """Let the app read the resource again, as far as its consent covers it. Raises `NotFound`, `OutsideMandate`."""
    state = get_state(patient_id, grant_id)
    kept = sa.delete(Exclusion).where(
        Exclusion.patient_id == patient_id,
        Exclusion.application_id == state.app_id,
        Exclusion.resource_id == resource_id,
    )
    category = db.session.scalar(kept.returning(Exclusion.category))
    if category is None:
        raise NotFound("This resource is not kept from this app.")
    check_reach([category], by=by)
    audit.record("consent:resource:included", by=by, object_type="consent", object_id=grant_id)
