"""Reads beside the journal: what its resources are called, and what was out of the habit of an app."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from consent.models import Consent, UnusualUse, Watch
from consent.rules.volume import Kind
from platform_core.categories import registry
from platform_core.database import db


@dataclass(frozen=True, slots=True)
class UnusualView:
    """What an app did out of its habit with one patient, on one day; counts as in `consent.rules.volume`."""

    grant_id: UUID
    app_id: UUID
    app_name: str
    day: date
    kind: Kind
    count: int
    usual: int
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnusualCount:
    """How many times an app went out of its habit in one way, and with how many people."""

    app_id: UUID
    app_name: str
    kind: Kind
    days: int
    people: int


def name_resources(lines: Iterable[Any]) -> Mapping[UUID, str]:
    """What the resources of these lines of the journal are called, where their category can tell it to the patient."""
    asked: dict[str, set[UUID]] = defaultdict(set)
    for line in lines:
        for category in line.categories:
            asked[category].update(line.resources or ())
    named: dict[UUID, str] = {}
    for code, ids in asked.items():
        category = registry.find(code)
        if ids and category and category.describe:
            named |= category.describe(sorted(ids))
    return named


def list_unusual(patient_id: UUID, *, since: date, limit: int = 10) -> Sequence[UnusualView]:
    """The last things that were unusual since a day, the newest first."""
    used = sa.select(UnusualUse, Consent).join(
        Consent, sa.and_(Consent.patient_id == UnusualUse.patient_id, Consent.id == UnusualUse.consent_id)
    )
    rows = db.session.execute(
        used.where(UnusualUse.patient_id == patient_id, UnusualUse.day >= since)
        .order_by(UnusualUse.day.desc(), UnusualUse.noticed_at.desc(), UnusualUse.kind)
        .limit(limit)
    )
    return [
        UnusualView(
            consent.id,
            consent.app_id,
            consent.app_name,
            one.day,
            Kind(one.kind),
            one.count,
            one.usual,
            tuple(one.categories),
        )
        for one, consent in rows
    ]


def count_unusual(*, since: date) -> Sequence[UnusualCount]:
    """For the authority: what was unusual since a day, app by app, without a patient in it."""
    rows = db.session.execute(sa.text("SELECT * FROM consent_count_unusual(:since)"), {"since": since})
    return [UnusualCount(app_id, name, Kind(kind), days, people) for app_id, name, kind, days, people in rows]


def last_watched(name: str) -> int:
    """The last sealed batch that a watch has looked at; 0 when it never looked."""
    return db.session.scalar(sa.select(Watch.batch).where(Watch.name == name)) or 0
