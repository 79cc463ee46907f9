"""Watching what apps do with each patient, from the sealed journal; what is out of their habit is told to them."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from consent import queries
from consent.models import UnusualUse, Watch
from consent.rules import volume as rules
from consent.rules.calendar import midnight, paris_day
from consent.rules.volume import Activity, Unusual
from notification_core import service as notification
from platform_core import clock
from platform_core.access import SYSTEM
from platform_core.database import db
from platform_core.journal import queries as journal
from platform_core.journal.service import RETENTION

VOLUMES = "volumes"


def watch_day(*, patient_id: UUID, grant_id: UUID, day: date) -> None:
    """Compare what an app did on a day with its own habit; keep what is unusual, and tell the patient once.

    Running it again brings the counts up to date. Nothing of the sandbox is watched.
    """
    state = queries.get_state(patient_id, grant_id)
    if state.environment != "production":
        return
    first, after = day - rules.HABIT, day + rules.ONE_DAY
    rows = journal.list_activity(patient_id, grant_id, since=midnight(first), until=midnight(after))
    days = {row.day: Activity(row.day, row.read, row.written, row.night, frozenset(row.categories)) for row in rows}
    present = days.pop(day, None)
    if present is None:
        return
    decided_on = paris_day(queries.list_versions(patient_id, grant_id)[0].decided_at)
    granted_on = paris_day(state.valid_from)
    found = rules.find_unusual(present, list(days.values()), granted_on=granted_on, decided_on=decided_on)
    if any([_keep(patient_id, grant_id, day, one) for one in found]):
        _tell(patient_id, state.app_name)


def move_watch(*, name: str = VOLUMES, until: int) -> None:
    """Remember the last sealed batch that a watch has looked at; it never goes back."""
    new = insert(Watch).values(name=name, batch=until, moved_at=clock.now())
    further = {"batch": sa.func.greatest(Watch.batch, new.excluded.batch), "moved_at": new.excluded.moved_at}
    db.session.execute(new.on_conflict_do_update(index_elements=["name"], set_=further))


def forget_unusual() -> int:
    """Erase what was noticed longer ago than the journal is kept; gives how many. For the batch role."""
    limit = clock.today() - RETENTION
    old = sa.delete(UnusualUse).where(UnusualUse.day < limit).returning(UnusualUse.day)
    return len(db.session.scalars(old).all())


def _keep(patient_id: UUID, grant_id: UUID, day: date, found: Unusual) -> bool:
    """Write what was found, or its present count; whether it was not known yet."""
    new = insert(UnusualUse).values(
        patient_id=patient_id,
        consent_id=grant_id,
        day=day,
        kind=found.kind,
        count=found.count,
        usual=found.usual,
        categories=list(found.categories),
        noticed_at=clock.now(),
    )
    present = {name: new.excluded[name] for name in ("count", "usual", "categories")}
    kept = new.on_conflict_do_update(index_elements=["patient_id", "consent_id", "day", "kind"], set_=present)
    return bool(db.session.scalar(kept.returning(sa.text("xmax = 0"))))


def _tell(patient_id: UUID, app_name: str) -> None:
    notification.notify(
        patient_id=patient_id,
        kind="consent.unusual_use",
        title=f"Activité inhabituelle de {app_name}",
        body=f"{app_name} s’est écartée de son habitude. Ce qui change est dit dans le journal des accès ; "
        "vous pouvez mettre son accès en pause.",
        link="/espace/journal",
        by=SYSTEM,
    )
