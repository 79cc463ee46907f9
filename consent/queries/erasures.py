"""Reads: what a patient asked an app to erase, what is asked of one app, and what is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from consent.models import Erasure
from consent.queries.due import Due
from consent.rules import erasures
from consent.rules.calendar import last_day
from consent.workflow import ErasureState
from platform_core import clock
from platform_core.database import db

REMIND, OVERDUE = "remind", "overdue"


@dataclass(frozen=True, slots=True)
class ErasureView:
    """One erasure asked of a publisher, by the id that its app has for the patient. `last_day` is its last to answer.

    `motive` is what the publisher says when it refuses.
    """

    grant_id: UUID
    patient_reference: str
    state: ErasureState
    asked_at: datetime
    last_day: date
    acknowledged_at: datetime | None
    closed_at: datetime | None
    motive: str
    is_overdue: bool

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


def find_erasure(patient_id: UUID, grant_id: UUID) -> ErasureView | None:
    """What the patient bound to the transaction asked to erase after this consent."""
    found = db.session.get(Erasure, (patient_id, grant_id))
    if found is None:
        return None
    return _view(
        found.consent_id,
        found.patient_reference,
        found.state,
        found.asked_at,
        found.due_at,
        found.acknowledged_at,
        found.closed_at,
        found.motive,
    )


def list_erasures(application_id: UUID) -> list[ErasureView]:
    """Every erasure asked of an app, those that wait first; no patient is named to its publisher."""
    asked = sa.text("SELECT * FROM consent_list_erasures(:application)")
    return [_view(*row) for row in db.session.execute(asked, {"application": application_id})]


def list_due_erasures(limit: int = 500) -> Sequence[Due]:
    """Erasures to remind the publisher of (`remind`) or whose month has passed (`overdue`). For the batch role."""
    now = clock.now()
    waits = Erasure.state.in_([ErasureState.ASKED, ErasureState.ACKNOWLEDGED])
    late = sa.and_(Erasure.due_at <= now, Erasure.overdue_at.is_(None))
    soon = sa.and_(Erasure.due_at > now, Erasure.due_at <= now + erasures.REMINDER, Erasure.reminded_at.is_(None))
    reason = sa.case((Erasure.due_at <= now, OVERDUE), else_=REMIND)
    found = sa.select(Erasure.patient_id, Erasure.consent_id, reason).where(waits, sa.or_(late, soon))
    return [Due(*row) for row in db.session.execute(found.order_by(Erasure.due_at).limit(limit))]


def _view(
    grant_id: UUID,
    reference: str,
    state: str,
    asked_at: datetime,
    due_at: datetime,
    acknowledged_at: datetime | None,
    closed_at: datetime | None,
    motive: str,
) -> ErasureView:
    present = ErasureState(state)
    late = erasures.is_overdue(present, due_at, clock.now())
    return ErasureView(
        grant_id, reference, present, asked_at, last_day(due_at), acknowledged_at, closed_at, motive, late
    )
