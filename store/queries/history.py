"""What happened to an application, and how the time of a submission was spent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from platform_core.database import db
from store.models.commission import Reservation
from store.models.history import Decision, StoreEvent, Subject
from store.rules import delays
from store.workflow import SubmissionVerb

_INTERNAL = (
    SubmissionVerb.ASSIGN,
    SubmissionVerb.RELEASE,
    SubmissionVerb.PROPOSE_OPINION,
    SubmissionVerb.RESUME_EVALUATION,
)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One act. `subject` says in whose life (submission, listing, question, reservation, audit), `verb` is of it;
    `subject_id` is the id of what lives it.
    """

    at: datetime
    subject: Subject
    verb: str
    to_state: str
    by: str
    motive: str
    against_opinion: bool
    submission_id: UUID | None
    subject_id: UUID


def list_history(application_id: UUID, *, internal: bool = False) -> Sequence[HistoryEntry]:
    """What happened to an application, newest first. `internal` adds what only reviewers may know."""
    rows = (
        sa.select(StoreEvent, Decision.motive, Decision.against_opinion)
        .outerjoin(Decision, Decision.id == StoreEvent.decision_id)
        .where(StoreEvent.application_id == application_id)
        .order_by(StoreEvent.position.desc())
    )
    if not internal:
        rows = rows.where(StoreEvent.verb.not_in(_INTERNAL))
    return [
        HistoryEntry(
            event.occurred_at,
            Subject(event.subject),
            event.verb,
            event.to_state,
            event.actor_name,
            motive or "",
            bool(against),
            event.submission_id,
            event.subject_id,
        )
        for event, motive, against in db.session.execute(rows)
    ]


def list_intervals(submission_id: UUID) -> Sequence[delays.Interval]:
    """The time of a submission cut by what was waited for (`delays.ACTORS` says from whom), in order."""
    return delays.list_intervals(list_steps(submission_id))


def list_steps(submission_id: UUID) -> Sequence[delays.Step]:
    """The events that the clock of delays reads: those of the submission and of its suspensive reservations."""
    suspensive = sa.select(Reservation.id).where(
        Reservation.submission_id == submission_id, Reservation.suspensive.is_(True)
    )
    rows = db.session.execute(
        sa.select(StoreEvent.occurred_at, StoreEvent.verb, StoreEvent.subject_id)
        .where(
            StoreEvent.submission_id == submission_id,
            sa.or_(
                StoreEvent.subject == Subject.SUBMISSION,
                sa.and_(StoreEvent.subject == Subject.RESERVATION, StoreEvent.subject_id.in_(suspensive)),
            ),
        )
        .order_by(StoreEvent.position)
    )
    return [delays.Step(*row) for row in rows]
