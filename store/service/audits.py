"""Audits of listed applications: planned, on documents, on site if needed, reported, corrected, closed."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa

from platform_core import clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Conflict, Invalid, NotFound
from store.models.applications import Application
from store.models.audits import Audit, CorrectiveAction
from store.queries.evidence import get_own_evidence
from store.rules.audits import Origin
from store.service.transitions import check_other_organisation, lock_listing, locked, move, own_application, person
from store.workflow import AuditVerb, ListingState


def plan(
    *,
    application_id: UUID,
    scope: str,
    starts_on: date,
    ends_on: date,
    origin: Origin = Origin.SCHEDULE,
    origin_id: UUID | None = None,
    by: Actor,
) -> UUID:
    """Plan an audit and send its plan to the publisher: scope and calendar.

    Raises `Conflict` (`not-listed`), `Invalid` (`scope-required`, `calendar`).
    """
    listing = lock_listing(application_id)
    if listing is None or listing.state not in {ListingState.LISTED, ListingState.SUSPENDED}:
        raise Conflict("Only a listed application is audited.", code="not-listed")
    check_other_organisation(db.session.get_one(Application, application_id).organisation_id, by)
    if not scope.strip():
        raise Invalid("Say what is audited.", code="scope-required")
    if starts_on < clock.today() or ends_on < starts_on:
        raise Invalid("The audit starts today at the earliest, and ends after it starts.", code="calendar")
    audit = Audit(
        application_id=application_id,
        origin=origin,
        origin_id=origin_id,
        scope=scope.strip(),
        starts_on=starts_on,
        ends_on=ends_on,
        planned_by=person(by),
        planned_by_name=by.name,
        planned_at=clock.now(),
    )
    move(audit, AuditVerb.PLAN, by=by)
    return audit.id


def request_documents(*, audit_id: UUID, by: Actor) -> None:
    """Begin: ask the publisher for documents."""
    move(_lock_for_audit(audit_id, by=by), AuditVerb.REQUEST_DOCUMENTS, by=by)


def send_documents(*, audit_id: UUID, evidence_ids: Collection[UUID], by: Actor) -> None:
    """Hand over documents, by the ids of evidence; several times if needed.

    Raises `Invalid` (`documents-required`), `NotFound` for another organisation's.
    """
    audit = _lock_own(audit_id, by=by)
    if not evidence_ids:
        raise Invalid("Choose at least one document.", code="documents-required")
    for evidence_id in evidence_ids:
        get_own_evidence(evidence_id, by=by)
    move(audit, AuditVerb.SEND_DOCUMENTS, by=by)
    audit.evidence_ids = sorted({*audit.evidence_ids, *evidence_ids})


def visit(*, audit_id: UUID, motive: str, by: Actor) -> None:
    """Go on site, because of what the documents show."""
    move(_lock_for_audit(audit_id, by=by), AuditVerb.VISIT, by=by, motive=motive)


def issue_report(*, audit_id: UUID, report: str, by: Actor) -> None:
    """Write the auditors' report, which the publisher reads. Raises `Invalid` (`report-required`)."""
    audit = _lock_for_audit(audit_id, by=by)
    if not report.strip():
        raise Invalid("The report is empty.", code="report-required")
    move(audit, AuditVerb.ISSUE_REPORT, by=by)
    audit.report = report.strip()


def require_corrections(*, audit_id: UUID, actions: Sequence[tuple[str, date]], by: Actor) -> None:
    """Ask for corrections, each with its last day. Raises `Invalid` (`actions-required`, `date-past`)."""
    audit = _lock_for_audit(audit_id, by=by)
    if not actions or any(not text.strip() for text, _ in actions):
        raise Invalid("Say what is to be corrected.", code="actions-required")
    if any(due_on < clock.today() for _, due_on in actions):
        raise Invalid("A correction is due in the future.", code="date-past")
    move(audit, AuditVerb.REQUIRE_CORRECTIONS, by=by)
    db.session.add_all(
        CorrectiveAction(audit_id=audit.id, text=text.strip(), due_on=due_on) for text, due_on in actions
    )


def report_correction(*, action_id: UUID, answer: str, by: Actor) -> None:
    """Say that a correction is made, and how. Raises `Invalid` (`answer-required`)."""
    action = db.session.get(CorrectiveAction, action_id)
    if action is None:
        raise NotFound("This correction does not exist.")
    audit = _lock_own(action.audit_id, by=by)
    if not answer.strip():
        raise Invalid("Say what was corrected.", code="answer-required")
    move(audit, AuditVerb.REPORT_CORRECTION, by=by)
    action.answer, action.done_at = answer.strip(), clock.now()


def close(*, audit_id: UUID, motive: str, by: Actor) -> None:
    """Conclude the audit, and say how."""
    audit = _lock_for_audit(audit_id, by=by)
    move(audit, AuditVerb.CLOSE, by=by, motive=motive)
    audit.closed_at = clock.now()


def _lock_for_audit(audit_id: UUID, *, by: Actor) -> Audit:
    audit = _lock(audit_id)
    check_other_organisation(db.session.get_one(Application, audit.application_id).organisation_id, by)
    return audit


def _lock_own(audit_id: UUID, *, by: Actor) -> Audit:
    audit = _lock(audit_id)
    own_application(audit.application_id, by=by)
    return audit


def _lock(audit_id: UUID) -> Audit:
    audit = db.session.scalar(locked(sa.select(Audit).where(Audit.id == audit_id)))
    if audit is None:
        raise NotFound("This audit does not exist.")
    return audit
