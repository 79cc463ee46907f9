"""Opening synchronisation windows: one atomic statement, so that two calls in parallel never both take the last one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from consent.rules.calendar import period_start
from consent.rules.decision import too_soon
from consent.rules.facts import ONCE_WINDOW, WINDOW, ConsentFacts
from consent.rules.windows import used_up
from platform_core.access import Access
from platform_core.database import db
from platform_core.permission import Unit

_OPEN = sa.text(
    """
    INSERT INTO consent_usage AS usage (
        patient_id, consent_id, category, access, window_until, once_until,
        hour_start, hour_used, day_start, day_used, week_start, week_used, month_start, month_used, last_opened_at
    )
    SELECT item.patient_id, item.consent_id, item.category, item.access,
        CASE item.periodicity_kind WHEN 'recurring' THEN CAST(:window_until AS timestamptz) END,
        CASE item.periodicity_kind WHEN 'once' THEN CAST(:once_until AS timestamptz) END,
        :hour, 1, :day, 1, :week, 1, :month, 1, :now
    FROM consent_item AS item
    WHERE item.patient_id = :patient_id AND item.consent_id = :consent_id
        AND item.category = ANY(:categories) AND item.access = :access
        AND item.periodicity_kind IN ('recurring', 'once')
    ORDER BY item.category
    ON CONFLICT (patient_id, consent_id, category, access) DO UPDATE SET
        window_until = coalesce(excluded.window_until, usage.window_until),
        once_until = coalesce(excluded.once_until, usage.once_until),
        hour_start = greatest(usage.hour_start, excluded.hour_start),
        hour_used = CASE WHEN usage.hour_start >= excluded.hour_start THEN usage.hour_used ELSE 0 END + 1,
        day_start = greatest(usage.day_start, excluded.day_start),
        day_used = CASE WHEN usage.day_start >= excluded.day_start THEN usage.day_used ELSE 0 END + 1,
        week_start = greatest(usage.week_start, excluded.week_start),
        week_used = CASE WHEN usage.week_start >= excluded.week_start THEN usage.week_used ELSE 0 END + 1,
        month_start = greatest(usage.month_start, excluded.month_start),
        month_used = CASE WHEN usage.month_start >= excluded.month_start THEN usage.month_used ELSE 0 END + 1,
        last_opened_at = excluded.last_opened_at
    WHERE CASE WHEN excluded.once_until IS NOT NULL THEN usage.once_until IS NULL
        ELSE (usage.window_until IS NULL OR usage.window_until <= excluded.last_opened_at) AND (
            SELECT CASE item.periodicity_unit
                WHEN 'hour' THEN usage.hour_start < excluded.hour_start OR usage.hour_used < item.periodicity_max
                WHEN 'day' THEN usage.day_start < excluded.day_start OR usage.day_used < item.periodicity_max
                WHEN 'week' THEN usage.week_start < excluded.week_start OR usage.week_used < item.periodicity_max
                ELSE usage.month_start < excluded.month_start OR usage.month_used < item.periodicity_max END
            FROM consent_item AS item
            WHERE item.patient_id = usage.patient_id AND item.consent_id = usage.consent_id
                AND item.category = usage.category AND item.access = usage.access)
        END
    RETURNING usage.category
    """
)
"""A counter is locked even when its WHERE fails, so that what `_OPENED_BY_OTHERS` then reads is settled."""

_OPENED_BY_OTHERS = sa.text(
    """
    SELECT usage.category
    FROM consent_usage AS usage JOIN consent_item AS item USING (patient_id, consent_id, category, access)
    WHERE patient_id = :patient_id AND consent_id = :consent_id AND category = ANY(:categories) AND access = :access
        AND CASE item.periodicity_kind WHEN 'once' THEN usage.once_until ELSE usage.window_until END > :now
    """
)


def open_windows(*, facts: ConsentFacts, categories: Sequence[str], access: Access, now: datetime) -> None:
    """Open and count a window on each of these categories, or join the one that a parallel call has just opened.

    Called inside the transaction of the data call, which is bound to the patient: when the call fails, no window was
    opened. Raises `TooManyRequests` (`consent-frequency-exceeded`) when parallel calls took the last one.
    """
    key: dict[str, Any] = {
        "patient_id": facts.patient_id,
        "consent_id": facts.id,
        "access": str(access),
        "categories": list(categories),
        "now": now,
    }
    starts = {str(unit): period_start(unit, now) for unit in Unit}
    ends = {"window_until": now + WINDOW, "once_until": now + ONCE_WINDOW}
    opened = set(db.session.execute(_OPEN, {**key, **starts, **ends}).scalars())
    if len(opened) < len(categories):
        opened.update(db.session.execute(_OPENED_BY_OTHERS, key).scalars())
    lost = [used_up(facts.items[category, access], now) for category in categories if category not in opened]
    if lost:
        raise too_soon(facts, lost, now)
