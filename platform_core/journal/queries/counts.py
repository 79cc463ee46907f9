"""What the sealed journal tells of apps, batch after batch, for tasks under the batch role."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from platform_core.database import db
from platform_core.journal.models import JournalBatch


def last_batch() -> int:
    """The number of the last sealed batch; 0 when nothing was sealed yet. Made for the batch role."""
    return db.session.scalar(sa.select(sa.func.max(JournalBatch.number))) or 0


_CALLS = sa.text(
    """
    SELECT app_id, (occurred_at AT TIME ZONE 'Europe/Paris')::date AS day, code, count(*) AS calls,
           count(*) FILTER (WHERE outcome = 'served' AND NOT EXISTS (
               SELECT FROM core_journal AS earlier
                WHERE earlier.patient_id = entry.patient_id AND earlier.grant_id = entry.grant_id
                  AND earlier.access = entry.access AND earlier.outcome = 'served'
                  AND earlier.occurred_at BETWEEN entry.occurred_at - interval '15 minutes' AND entry.occurred_at
                  AND (earlier.occurred_at, earlier.id) < (entry.occurred_at, entry.id)
           )) AS synchronisations
      FROM core_journal AS entry
     WHERE batch > :after AND batch <= :until AND app_id IS NOT NULL
     GROUP BY app_id, day, code
    """
)


def count_calls(*, after: int, until: int) -> Sequence[dict[str, Any]]:
    """The calls in the batches `after` < number <= `until`, counted by app, day (Europe/Paris) and code of refusal.

    `synchronisations` are the served ones that follow fifteen minutes without any on the same grant and access. Made
    for the batch role: no patient is in what it gives.
    """
    rows = db.session.execute(_CALLS, {"after": after, "until": until})
    return [dict(row._mapping) for row in rows]


@dataclass(frozen=True, slots=True)
class Conduct:
    """How an app behaved of late. `waited`: one refusal for frequency, then a call that was served; `stopped`: told
    that a consent has ended, it fell silent.
    """

    app_id: UUID
    served: bool
    wrote: bool
    waited: bool
    stopped: bool


_CONDUCT = sa.text(
    """
    SELECT line.app_id,
           bool_or(line.outcome = 'served') AS served,
           bool_or(line.outcome = 'served' AND line.access = 'write' AND line.count > 0) AS wrote,
           bool_or(line.code = :too_often AND next.outcome = 'served'
                   AND last.code IS DISTINCT FROM :too_often) AS waited,
           bool_or(line.code = :ended AND line.occurred_at <= :quiet_since AND NOT EXISTS (
               SELECT FROM core_journal AS later
                WHERE later.patient_id = line.patient_id AND later.grant_id = line.grant_id
                  AND later.occurred_at > line.occurred_at + interval '1 minute'
           ) AND NOT EXISTS (
               SELECT FROM core_journal AS first
                WHERE first.patient_id = line.patient_id AND first.grant_id = line.grant_id
                  AND first.code = :ended AND first.occurred_at < line.occurred_at - interval '1 minute'
           )) AS stopped
      FROM core_journal_batch AS batch
      JOIN core_journal AS line ON line.batch = batch.number
      LEFT JOIN LATERAL (
           SELECT n.outcome FROM core_journal AS n
            WHERE line.code = :too_often AND n.patient_id = line.patient_id AND n.grant_id = line.grant_id
              AND n.access = line.access AND n.categories && line.categories
              AND (n.occurred_at, n.id) > (line.occurred_at, line.id)
            ORDER BY n.occurred_at, n.id LIMIT 1) AS next ON true
      LEFT JOIN LATERAL (
           SELECT p.code FROM core_journal AS p
            WHERE line.code = :too_often AND p.patient_id = line.patient_id AND p.grant_id = line.grant_id
              AND p.access = line.access AND p.categories && line.categories
              AND (p.occurred_at, p.id) < (line.occurred_at, line.id)
            ORDER BY p.occurred_at DESC, p.id DESC LIMIT 1) AS last ON true
     WHERE batch.sealed_at >= :sealed_since AND line.app_id = ANY(:apps)
     GROUP BY line.app_id
    """
)


def list_conduct(apps: Sequence[UUID], *, sealed_since: datetime, quiet_since: datetime) -> Sequence[Conduct]:
    """What these apps did in the batches sealed since an instant; one is silent that has not called `quiet_since`.

    Made for the batch role: no patient is in what it gives.
    """
    given = {"apps": list(apps), "sealed_since": sealed_since, "quiet_since": quiet_since}
    rows = db.session.execute(_CONDUCT, {**given, "too_often": "consent-frequency-exceeded", "ended": "consent-ended"})
    return [Conduct(**row._mapping) for row in rows]


@dataclass(frozen=True, slots=True)
class ActiveDay:
    """A day (Europe/Paris) on which an app was served under a grant."""

    patient_id: UUID
    grant_id: UUID
    day: date


_ACTIVE = sa.text(
    """
    SELECT DISTINCT patient_id, grant_id, (occurred_at AT TIME ZONE 'Europe/Paris')::date AS day
      FROM core_journal
     WHERE batch > :after AND batch <= :until AND grant_id IS NOT NULL AND outcome = 'served'
     ORDER BY day, patient_id, grant_id
    """
)


def list_active_days(*, after: int, until: int) -> list[ActiveDay]:
    """Whom the batches `after` < number <= `until` are about, and on which days. Made for the batch role."""
    return [ActiveDay(*row) for row in db.session.execute(_ACTIVE, {"after": after, "until": until})]
