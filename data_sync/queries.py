"""Reads: how an application was used, from the counts. Never a patient."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from data_sync.models import CallCount, ConsentCount, Cursor
from platform_core.database import db


@dataclass(frozen=True, slots=True)
class DayUsage:
    """One day of one app: calls by code of refusal (empty for those served), consents."""

    day: date
    calls: Mapping[str, int]
    synchronisations: int = 0
    granted: int = 0
    revoked: int = 0
    ended: int = 0

    @property
    def served(self) -> int:
        return self.calls.get("", 0)

    @property
    def refused(self) -> int:
        return sum(count for code, count in self.calls.items() if code)


@dataclass(frozen=True, slots=True)
class ConsentStock:
    """The consents of one app when they were last counted."""

    active: int = 0
    paused: int = 0


def list_days(app_id: UUID, *, first: date, last: date) -> Sequence[DayUsage]:
    """Every day of a period, in order, those without a call too."""
    calls: dict[date, dict[str, int]] = {}
    synchronisations: dict[date, int] = {}
    own = CallCount.app_id == app_id, CallCount.day.between(first, last)
    for row in db.session.scalars(sa.select(CallCount).where(*own)):
        calls.setdefault(row.day, {})[row.code] = row.calls
        synchronisations[row.day] = synchronisations.get(row.day, 0) + row.synchronisations
    counted = sa.select(ConsentCount).where(ConsentCount.app_id == app_id, ConsentCount.day.between(first, last))
    changes = {row.day: (row.granted, row.revoked, row.ended) for row in db.session.scalars(counted)}
    return [
        DayUsage(day, calls.get(day, {}), synchronisations.get(day, 0), *changes.get(day, ()))
        for day in _days(first, last)
    ]


def find_stock(app_id: UUID, *, until: date | None = None) -> ConsentStock:
    """The consents in force, as last counted, or as they were at the end of a day."""
    counted = sa.select(ConsentCount).where(ConsentCount.app_id == app_id)
    if until:
        counted = counted.where(ConsentCount.day <= until)
    row = db.session.scalars(counted.order_by(ConsentCount.day.desc()).limit(1)).one_or_none()
    return ConsentStock(row.live - row.paused, row.paused) if row else ConsentStock()


def find_counted_at() -> datetime | None:
    """When the counts last moved."""
    return db.session.scalar(sa.select(sa.func.max(Cursor.moved_at)))


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
