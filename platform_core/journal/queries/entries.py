"""Reading the lines of the patient whom the transaction is bound to."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from platform_core.access import ActorKind
from platform_core.database import db
from platform_core.errors import NotFound
from platform_core.journal.models import JournalEntry

_COLUMNS = JournalEntry.__table__.c
_DAY = sa.cast(sa.func.timezone(sa.literal_column("'Europe/Paris'"), JournalEntry.occurred_at), sa.Date)
_POSITION = sa.tuple_(JournalEntry.occurred_at, JournalEntry.id)


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """What a reader wants to see; None or empty means everything."""

    actor_id: UUID | None = None
    grant_id: UUID | None = None
    category: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a line stands in the journal, whatever is written after it."""

    occurred_at: datetime
    id: UUID


class DayCount(NamedTuple):
    """How many calls were served and refused on one day (Europe/Paris)."""

    day: date
    served: int
    refused: int


class DayActivity(NamedTuple):
    """What an app was served on one day (Europe/Paris): resources read and written, calls between 0:00 and 5:00."""

    day: date
    read: int
    written: int
    night: int
    categories: list[str]


def list_entries(
    patient_id: UUID, wanted: JournalFilter, *, before: Position | None = None, size: int = 50
) -> Sequence[Any]:
    """The lines older than a position, the newest first, as rows of the columns of `core_journal`."""
    query = sa.select(*_COLUMNS).where(*_matching(patient_id, wanted))
    if before:
        query = query.where(_POSITION < sa.tuple_(before.occurred_at, before.id))
    ordered = query.order_by(JournalEntry.occurred_at.desc(), JournalEntry.id.desc())
    return db.session.execute(ordered.limit(size)).all()


def get_entry(patient_id: UUID, entry_id: UUID) -> Any:
    """One line, as a row of the columns of `core_journal`. Raises `NotFound`, also once the line is too old."""
    line = sa.select(*_COLUMNS).where(JournalEntry.patient_id == patient_id, JournalEntry.id == entry_id)
    row = db.session.execute(line).one_or_none()
    if row is None:
        raise NotFound("This line of the journal does not exist.")
    return row


def list_people(patient_id: UUID) -> Sequence[tuple[UUID, str]]:
    """Those in the journal who are no app, professionals first of all: their id and their name, by name."""
    people = sa.select(JournalEntry.actor_id, sa.func.max(JournalEntry.actor_name)).where(
        JournalEntry.patient_id == patient_id,
        JournalEntry.actor_kind != ActorKind.APPLICATION,
        JournalEntry.actor_id.is_not(None),
    )
    rows = db.session.execute(people.group_by(JournalEntry.actor_id).order_by(sa.func.max(JournalEntry.actor_name)))
    return [(actor_id, name) for actor_id, name in rows if actor_id]


def count_days(patient_id: UUID, wanted: JournalFilter) -> Sequence[DayCount]:
    """The calls of each day that has any, in order."""
    served = sa.func.count().filter(JournalEntry.outcome == "served")
    refused = sa.func.count().filter(JournalEntry.outcome == "refused")
    counted = sa.select(_DAY, served, refused).where(*_matching(patient_id, wanted)).group_by(_DAY).order_by(_DAY)
    return [DayCount(*row) for row in db.session.execute(counted)]


_ACTIVITY = sa.text(
    """
    WITH line AS (
        SELECT local::date AS day, extract(hour FROM local) < 5 AS at_night, access, count, categories
          FROM core_journal, LATERAL (SELECT occurred_at AT TIME ZONE 'Europe/Paris' AS local) AS paris
         WHERE patient_id = :patient_id AND grant_id = :grant_id AND outcome = 'served'
           AND occurred_at >= :since AND occurred_at < :until
    ), named AS (
        SELECT DISTINCT day, category FROM line, unnest(categories) AS category
    )
    SELECT day,
           coalesce(sum(count) FILTER (WHERE access = 'read'), 0) AS read,
           coalesce(sum(count) FILTER (WHERE access = 'write'), 0) AS written,
           count(*) FILTER (WHERE at_night) AS night,
           coalesce((SELECT array_agg(category) FROM named WHERE named.day = line.day), '{}') AS categories
      FROM line
     GROUP BY day
     ORDER BY day
    """
)


def list_activity(patient_id: UUID, grant_id: UUID, *, since: datetime, until: datetime) -> Sequence[DayActivity]:
    """What an app was served under a grant, on each day that has any call."""
    given = {"patient_id": patient_id, "grant_id": grant_id, "since": since, "until": until}
    return [DayActivity(*row) for row in db.session.execute(_ACTIVITY, given)]


_LAST_SERVED = sa.text(
    """
    SELECT granted.id AS grant_id, last.occurred_at, last.categories, last.access
      FROM unnest(CAST(:grant_ids AS uuid[])) AS granted(id),
           LATERAL (SELECT occurred_at, categories, access FROM core_journal
                     WHERE patient_id = :patient_id AND grant_id = granted.id AND outcome = 'served'
                     ORDER BY occurred_at DESC LIMIT 1) AS last
    """
)


def last_served(patient_id: UUID, grant_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """For each grant that was ever served: when it last was, in which categories, and whether to read or write.

    One step in an index for each grant, however long the journal is.
    """
    given = {"patient_id": patient_id, "grant_ids": list(grant_ids)}
    return {row.grant_id: row for row in db.session.execute(_LAST_SERVED, given)}


def count_served_days(patient_id: UUID, grant_ids: Sequence[UUID], *, since: datetime) -> dict[UUID, dict[date, int]]:
    """The calls served on each day (Europe/Paris) since an instant, for each of these grants that has any."""
    counted = sa.select(JournalEntry.grant_id, _DAY, sa.func.count()).where(
        JournalEntry.patient_id == patient_id,
        JournalEntry.grant_id.in_(grant_ids),
        JournalEntry.outcome == "served",
        JournalEntry.occurred_at >= since,
    )
    found: dict[Any, dict[date, int]] = defaultdict(dict)
    for grant_id, day, count in db.session.execute(counted.group_by(JournalEntry.grant_id, _DAY)):
        found[grant_id][day] = count
    return dict(found)


def _matching(patient_id: UUID, wanted: JournalFilter) -> list[sa.ColumnElement[bool]]:
    conditions: dict[str, Callable[[Any], sa.ColumnElement[bool]]] = {
        "actor_id": lambda value: JournalEntry.actor_id == value,
        "grant_id": lambda value: JournalEntry.grant_id == value,
        "category": lambda value: JournalEntry.categories.contains([value]),
        "outcome": lambda value: JournalEntry.outcome == value,
        "since": lambda value: JournalEntry.occurred_at >= value,
        "until": lambda value: JournalEntry.occurred_at < value,
    }
    asked = [condition(value) for name, condition in conditions.items() if (value := getattr(wanted, name))]
    return [JournalEntry.patient_id == patient_id, *asked]
