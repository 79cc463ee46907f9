"""Apps that a patient turned down twice: for 90 days they ask nothing more, unless the patient lets them."""

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from consent.models import ConsentSilence
from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.database import db

LENGTH = timedelta(days=90)
REMEMBERED = timedelta(days=365)


def count_refusal(*, patient_id: UUID, app_id: UUID, app_name: str) -> None:
    """Count a refusal; the second one within a year keeps the app silent for 90 days, after which counting starts anew.

    The transaction is bound to the patient.
    """
    now = clock.now()
    silent, forgotten = _silence_is_over(now), ConsentSilence.refused_at <= now - REMEMBERED
    first = sa.or_(silent, forgotten)
    counted = insert(ConsentSilence).values(
        patient_id=patient_id, app_id=app_id, app_name=app_name, refusals=1, refused_at=now
    )
    db.session.execute(
        counted.on_conflict_do_update(
            index_elements=["patient_id", "app_id"],
            set_={
                "app_name": app_name,
                "refusals": sa.case((first, 1), else_=2),
                "refused_at": now,
                "silent_until": sa.case(
                    (first, None), else_=sa.func.coalesce(ConsentSilence.silent_until, now + LENGTH)
                ),
            },
        )
    )


def find_silence(*, patient_id: UUID, app_id: UUID) -> datetime | None:
    """Until when the app is silent for this patient; None when it may ask. The transaction is bound to the patient."""
    silent = sa.select(ConsentSilence.silent_until).where(
        ConsentSilence.patient_id == patient_id,
        ConsentSilence.app_id == app_id,
        ConsentSilence.silent_until > clock.now(),
    )
    return db.session.scalar(silent)


def lift_silence(*, patient_id: UUID, app_id: UUID, by: Actor) -> None:
    """Let the app ask again, its refusals forgotten; does nothing when it may. The app is not told."""
    own = sa.delete(ConsentSilence).where(ConsentSilence.patient_id == patient_id, ConsentSilence.app_id == app_id)
    if db.session.scalar(own.returning(ConsentSilence.refusals)):
        audit.record("consent:silence:lifted", by=by, object_type="application", object_id=app_id)


def forget_silences() -> None:
    """Delete what no longer counts: silences that are over, refusals older than a year. For the batch role."""
    now = clock.now()
    over = sa.or_(_silence_is_over(now), ConsentSilence.refused_at <= now - REMEMBERED)
    db.session.execute(sa.delete(ConsentSilence).where(over))


def _silence_is_over(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(ConsentSilence.silent_until.is_not(None), ConsentSilence.silent_until <= now)
