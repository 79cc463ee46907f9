"""Reminders of the referencing, each sent once: delays, questions, reservations, corrections, drafts, listings."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from platform_core import clock
from platform_core.access import Actor
from platform_core.database import db
from store.models.applications import Application
from store.models.audits import Audit, CorrectiveAction
from store.models.commission import Reservation
from store.models.history import Reminder
from store.models.listings import Listing
from store.models.reviews import Question
from store.models.submissions import Submission
from store.rules.procedure import PROCEDURE
from store.service.transitions import tell_authority, tell_publisher
from store.workflow import AuditState, ListingState, QuestionState, ReservationState, Role, SubmissionState

_BATCH = 500
_LIVE = [ListingState.LISTED, ListingState.SUSPENDED]


def send_reminders(*, by: Actor) -> int:
    """Send the reminders that are due and were not sent yet, a few hundred of each kind; how many."""
    return sum(send(by) for send in _REMINDERS)


def _tell_expiring(by: Actor) -> int:
    """Listings that end soon, at each of the warnings of procedure.json; a late one replaces those that were missed."""
    sent, past = 0, -1
    for days in sorted(PROCEDURE["expiry_warnings_days"]):
        first, last = (clock.today() + timedelta(days=count) for count in (past + 1, days))
        ending = Listing.state.in_(_LIVE) & Listing.expires_on.between(first, last)
        for application, row in _claim(Listing, ending, f"expiry-{days}", Listing.expires_on):
            title = f"{application.name} : le référencement arrive à son terme"
            body = f"Le référencement de {application.name} prend fin le {_day(row.expires_on)}. Vous pouvez demander son renouvellement."  # noqa: E501
            tell_publisher(application, kind="store.listing-expiring", title=title, body=body, by=by)
            sent += 1
        past = days
    return sent


def _tell_overdue(by: Actor) -> int:
    """Delays that ended, told to those whose turn it is."""
    sent = 0
    for application, row in _claim(Submission, Submission.due_at < clock.now(), "delay", Submission.due_at):
        title = f"{application.name} : délai dépassé"
        body = f"Une étape de la demande de {application.name} vous attend depuis plus longtemps que prévu."
        if row.waiting_on == Role.PUBLISHER:
            tell_publisher(application, kind="store.delay-overdue", title=title, body=body, by=by)
        else:
            path = f"dossiers/{row.id}"
            tell_authority(
                row.waiting_on, row.evaluator_id, kind="store.delay-overdue", title=title, body=body, path=path, by=by
            )
        sent += 1
    return sent


def _tell_unanswered(by: Actor) -> int:
    """Questions whose last day passed, told to the publisher."""
    late = (Question.state == QuestionState.OPEN) & (Question.due_on < clock.today())
    sent = 0
    for application, _ in _claim(Question, late, "question", Question.due_on):
        title = f"{application.name} : une question attend votre réponse"
        body = f"Une question sur le dossier de {application.name} a dépassé la date de réponse demandée."
        tell_publisher(application, kind="store.question-overdue", title=title, body=body, by=by)
        sent += 1
    return sent


def _tell_reserved(by: Actor) -> int:
    """Non-suspensive reservations whose last day passed, told to the publisher and to the reviewers."""
    late = (
        (Reservation.state == ReservationState.OPEN)
        & Reservation.suspensive.is_(False)
        & Reservation.claimed_at.is_(None)
        & (Reservation.due_on < clock.today())
    )
    sent = 0
    for application, row in _claim(Reservation, late, "reservation", Reservation.due_on):
        kind, title = "store.reservation-overdue", f"{application.name} : une réserve a dépassé son échéance"
        body = f"Une réserve de la commission sur {application.name} n’est pas levée à l’échéance fixée."
        tell_publisher(application, kind=kind, title=title, body=body, by=by)
        path = f"dossiers/{row.submission_id}"
        tell_authority(Role.REVIEWER, None, kind=kind, title=title, body=body, path=path, by=by)
        sent += 1
    return sent


def _tell_uncorrected(by: Actor) -> int:
    """Corrections of an audit whose last day passed, told to the publisher and to the reviewers."""
    late = (
        (Audit.state == AuditState.CORRECTIVE_ACTION)
        & CorrectiveAction.done_at.is_(None)
        & (CorrectiveAction.due_on < clock.today())
    )
    sent = 0
    for application, row in _claim(CorrectiveAction, late, "correction", CorrectiveAction.due_on, through=Audit):
        kind, title = "store.correction-overdue", f"{application.name} : une mesure corrective a dépassé son échéance"
        body = f"Une mesure demandée par l’audit de {application.name} n’est pas déclarée faite à l’échéance fixée."
        tell_publisher(application, kind=kind, title=title, body=body, by=by)
        path = f"audits/{row.audit_id}"
        tell_authority(Role.REVIEWER, None, kind=kind, title=title, body=body, path=path, by=by)
        sent += 1
    return sent


def _tell_asleep(by: Actor) -> int:
    """Drafts that will be archived in a month, told to the publisher."""
    limit = clock.now() - timedelta(days=PROCEDURE["drafts"]["warn_after_days"])
    asleep = (Submission.state == SubmissionState.DRAFT) & (Submission.updated_at < limit)
    sent = 0
    for application, row in _claim(Submission, asleep, "asleep", Submission.updated_at):
        end = row.updated_at + timedelta(days=PROCEDURE["drafts"]["archive_after_days"])
        title = f"{application.name} : brouillon bientôt archivé"
        body = f"Le brouillon de {application.name} n’a pas changé depuis longtemps. Il sera archivé après le {_day(end.astimezone(clock.PARIS).date())}."  # noqa: E501
        tell_publisher(application, kind="store.draft-asleep", title=title, body=body, by=by)
        sent += 1
    return sent


_REMINDERS = (_tell_expiring, _tell_overdue, _tell_unanswered, _tell_reserved, _tell_uncorrected, _tell_asleep)


def _claim(
    model: Any,
    condition: sa.ColumnElement[bool],
    kind: str,
    when: sa.orm.InstrumentedAttribute[Any],
    *,
    through: Any = None,
) -> Iterator[tuple[Application, Any]]:
    """The rows to warn of, each marked as it is given; another run that marked it first keeps it.

    A reminder is named by its kind and by the date that it warns of: a new date warns again. `through` is the table
    that says of which application a row is, when the row does not.
    """
    owner = through or model
    name = sa.func.concat(f"{kind}:", when)
    told = sa.exists().where(Reminder.subject_id == model.id, Reminder.kind == name)
    due = sa.select(Application, model, name).join(owner, owner.application_id == Application.id)
    if through:
        due = due.join(model)
    wanted = due.where(condition, ~told).order_by(when, model.id)
    for application, row, named in db.session.execute(wanted.limit(_BATCH)).all():
        if _mark(row.id, named):
            yield application, row


def _mark(subject_id: UUID, kind: str) -> bool:
    mark = postgresql.insert(Reminder).values(subject_id=subject_id, kind=kind, sent_at=clock.now())
    return db.session.scalar(mark.on_conflict_do_nothing().returning(sa.literal(1))) is not None


def _day(day: date | datetime) -> str:
    return f"{day:%d/%m/%Y}"
