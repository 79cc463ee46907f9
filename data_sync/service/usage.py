"""Counting what applications do, from the sealed journal and the consents. Runs under the batch role.

Nothing is counted during a call: the batches of the journal, numbered once for all, are read after the fact.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from consent.queries import counts as consents
from data_sync.models import CallCount, ConsentCount, Cursor
from platform_core import clock
from platform_core.database import db
from platform_core.journal import queries as journal

_NAME = "usage"
_MOST_BATCHES = 200


def count_calls() -> int:
    """Add the sealed batches that were not counted yet, each exactly once. Returns how many were read."""
    db.session.execute(
        insert(Cursor).values(name=_NAME, batch=0, moved_at=clock.now()).on_conflict_do_nothing(),
    )
    cursor = db.session.scalars(sa.select(Cursor).where(Cursor.name == _NAME).with_for_update()).one()
    until = min(journal.last_batch(), cursor.batch + _MOST_BATCHES)
    cursor.moved_at = clock.now()
    if until <= cursor.batch:
        return 0
    rows = journal.count_calls(after=cursor.batch, until=until)
    if rows:
        new = insert(CallCount)
        added = {name: getattr(CallCount, name) + new.excluded[name] for name in ("calls", "synchronisations")}
        db.session.execute(new.on_conflict_do_update(index_elements=["app_id", "day", "code"], set_=added), rows)
    read = until - cursor.batch
    cursor.batch = until
    return read


def count_consents() -> None:
    """Count the consents of each app in force now, and what became of them today; settle yesterday."""
    today = clock.today()
    _write(today, ["live", "paused", "granted", "revoked", "ended"])
    _write(today - timedelta(days=1), ["live", "granted", "revoked", "ended"])


def _write(day: date, columns: Sequence[str]) -> None:
    rows = [{**row, "day": day} for row in consents.count_by_app(day)]
    if rows:
        new = insert(ConsentCount)
        present = {name: new.excluded[name] for name in columns}
        db.session.execute(new.on_conflict_do_update(index_elements=["app_id", "day"], set_=present), rows)
