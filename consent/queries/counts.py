"""Reads: how many consents each app holds, without a patient in the answer. For the batch role."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from consent.models import Consent
from consent.rules.calendar import midnight
from consent.workflow import Status
from platform_core.database import db


def count_by_app(day: date) -> Sequence[dict[str, Any]]:
    """For each app: the consents in force at the end of a day (Europe/Paris), those granted, revoked and otherwise
    ended in it, and those that are paused now.
    """
    start, end = midnight(day), midnight(day + timedelta(days=1))
    closed = sa.and_(Consent.closed_at >= start, Consent.closed_at < end)
    counted = {
        "live": sa.or_(Consent.closed_at.is_(None), Consent.closed_at >= end),
        "paused": Consent.status == Status.PAUSED,
        "granted": Consent.valid_from >= start,
        "revoked": sa.and_(closed, Consent.status == Status.REVOKED),
        "ended": sa.and_(closed, Consent.status.in_([Status.EXPIRED, Status.ENDED])),
    }
    columns = [sa.func.count().filter(condition).label(name) for name, condition in counted.items()]
    in_the_day = Consent.valid_from < end, sa.or_(Consent.closed_at.is_(None), Consent.closed_at >= start)
    rows = db.session.execute(sa.select(Consent.app_id, *columns).where(*in_the_day).group_by(Consent.app_id))
    return [dict(row._mapping) for row in rows]
