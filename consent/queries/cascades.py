"""Reads: how far the changes of an app's referencing have come on their way into its consents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from consent.models import Cascade, Consent
from consent.queries.due import Due
from consent.rules.cascade import Change, Decided
from consent.workflow import LIVE
from platform_core.database import db

BATCH = 200


@dataclass(frozen=True, slots=True)
class CascadeView:
    """The way of one change: `done` of `total` consents are up to date, `told` patients had a message about it.

    `total` counts the consents that were live at the decision; those that ended meanwhile are not visited. `replaced`:
    a newer change took over before this one was everywhere.
    """

    application_id: UUID
    number: int
    change: Change
    decided_at: datetime
    total: int
    done: int
    told: int
    left: int
    ended_at: datetime | None
    replaced: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """The next consents to bring up to date. `cursor` is where the cascade stood; `again` when they failed before."""

    application_id: UUID
    number: int
    cursor: UUID | None
    due: tuple[Due, ...]
    again: bool


def count_live(application_id: UUID) -> int:
    """How many people have a live consent for an app of the store, the sandbox left out."""
    return db.session.scalar(sa.select(sa.func.consent_count_live(application_id))) or 0


def list_cascades(application_id: UUID) -> list[CascadeView]:
    """The changes of an app, the newest first."""
    found = sa.select(Cascade).where(Cascade.application_id == application_id).order_by(Cascade.number.desc())
    return _views(db.session.scalars(found).all())


def list_recent_cascades(limit: int = 50) -> list[CascadeView]:
    """The last changes of every app, the newest first."""
    newest = sa.select(Cascade).order_by(Cascade.decided_at.desc(), Cascade.number.desc()).limit(limit)
    return _views(db.session.scalars(newest).all())


def list_decided(application_id: UUID, until: int) -> list[Decided]:
    """The changes of an app up to one of them, in the order of the decisions."""
    found = sa.select(Cascade.number, Cascade.change, Cascade.decided_at).where(
        Cascade.application_id == application_id, Cascade.number <= until
    )
    return [Decided(number, Change(change), at) for number, change, at in db.session.execute(found.order_by("number"))]


def find_batch(application_id: UUID) -> Batch | None:
    """What remains to be done for the newest change of an app; None when nothing does. For the batch role."""
    newest = sa.select(Cascade).where(Cascade.application_id == application_id).order_by(Cascade.number.desc())
    cascade = db.session.scalars(newest.limit(1)).one_or_none()
    if cascade is None or cascade.ended_at:
        return None
    live = sa.select(Consent.patient_id, Consent.id).where(
        Consent.app_id == application_id,
        Consent.environment == "production",
        Consent.status.in_(LIVE),
        Consent.valid_from <= cascade.decided_at,
    )
    following = live.where(Consent.id > cascade.cursor) if cascade.cursor else live
    due = _due(following)
    if not due and cascade.left:
        return Batch(application_id, cascade.number, cascade.cursor, _due(live.where(_among(cascade.left))), True)
    return Batch(application_id, cascade.number, cascade.cursor, due, False)


def _due(live: sa.Select[UUID, UUID]) -> tuple[Due, ...]:
    return tuple(Due(*row) for row in db.session.execute(live.order_by(Consent.id).limit(BATCH)))


def _among(left: Sequence[str]) -> sa.ColumnElement[bool]:
    return Consent.id.in_([UUID(one) for one in left])


def _views(cascades: Sequence[Cascade]) -> list[CascadeView]:
    apps = {one.application_id for one in cascades}
    newest = sa.select(Cascade.application_id, sa.func.max(Cascade.number)).where(Cascade.application_id.in_(apps))
    last = {app: number for app, number in db.session.execute(newest.group_by(Cascade.application_id))}
    return [
        CascadeView(
            one.application_id,
            one.number,
            Change(one.change),
            one.decided_at,
            one.total,
            one.done,
            one.told,
            len(one.left),
            one.ended_at,
            replaced=one.ended_at is None and one.number < last[one.application_id],
        )
        for one in cascades
    ]
