"""Reads: the resources that a patient keeps from an app."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from consent.models import Exclusion
from platform_core.categories import registry
from platform_core.database import db


@dataclass(frozen=True, slots=True)
class ExclusionView:
    """One resource that an app never gets. `label` is what its data core calls it, or empty."""

    category: str
    resource_id: UUID
    label: str


def list_exclusions(patient_id: UUID, application_id: UUID) -> list[ExclusionView]:
    """What the patient bound to the transaction keeps from an app, the newest first."""
    kept = sa.select(Exclusion.category, Exclusion.resource_id).where(
        Exclusion.patient_id == patient_id, Exclusion.application_id == application_id
    )
    rows = db.session.execute(kept.order_by(Exclusion.created_at.desc(), Exclusion.resource_id)).all()
    grouped: dict[str, list[UUID]] = defaultdict(list)
    for category, resource_id in rows:
        grouped[category].append(resource_id)
    labels = {category: describe(category, ids) for category, ids in grouped.items()}
    return [ExclusionView(category, identifier, labels[category].get(identifier, "")) for category, identifier in rows]


def list_apps_without(patient_id: UUID, resource_id: UUID) -> set[UUID]:
    """The apps that one resource is kept from."""
    kept = sa.select(Exclusion.application_id).where(
        Exclusion.patient_id == patient_id, Exclusion.resource_id == resource_id
    )
    return set(db.session.scalars(kept))


def describe(category: str, ids: Iterable[UUID]) -> Mapping[UUID, str]:
    """What the data core of a category calls these resources; nothing when it does not say."""
    found = registry.find(category)
    return found.describe(ids) if found and found.describe else {}
