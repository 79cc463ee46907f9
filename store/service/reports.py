"""Problems that the public tells about applications: received, examined, put to the publisher, concluded."""

import secrets
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from notification_core import service as notification
from notification_core.rules import Template
from platform_core import audit, clock, crypto
from platform_core.access import SYSTEM, Actor
from platform_core.database import db
from platform_core.errors import NotFound
from platform_core.ids import uuid7
from store.models.applications import Application
from store.models.reports import Incident, Report, ReportEvent
from store.rules import reports as rules
from store.rules.audits import Origin as AuditOrigin
from store.rules.reports import Kind, Origin, State, Verb
from store.service import audits
from store.service.transitions import check_other_organisation, locked, own_application
from store.workflow import Role

# Without the letters and digits that are taken for one another; 20 of them hold 96 bits.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


class Receipt(NamedTuple):
    """What the reporter keeps: the number is shown once, and only its hash is stored."""

    report_id: UUID
    number: str


def receive_report(*, application_id: UUID, kind: Kind, text: str, email: str = "") -> Receipt:
    """Keep what somebody tells, without knowing who they are. `email` may be empty.

    Raises `MotiveRequired` without a text, `Invalid` when the address or the text is malformed.
    """
    rules.check_report(text, email)
    receipt = open_report(application_id, Origin.PUBLIC, kind, text, email, by=SYSTEM)
    tell_reviewers(
        receipt.report_id, "Nouveau signalement", "Un problème est signalé sur une application du catalogue.", by=SYSTEM
    )
    return receipt


def open_report(application_id: UUID, origin: Origin, kind: Kind, text: str, email: str = "", *, by: Actor) -> Receipt:
    """Write a report down, what was told sealed, under a number that opens it."""
    report_id, number = uuid7(), "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
    now = clock.now()
    report = Report(
        id=report_id,
        application_id=application_id,
        origin=origin,
        kind=kind,
        number_hash=crypto.hash_token(rules.plain_number(number)),
        text_sealed=_seal(report_id, "text", text.strip()),
        email_sealed=_seal(report_id, "email", email) if email else None,
        created_at=now,
        updated_at=now,
    )
    _move(report, Verb.RECEIVE, text, by=by)
    return Receipt(report_id, number)


def tell_reviewers(report_id: UUID, title: str, body: str, *, by: Actor) -> None:
    """Tell the reviewers of a report that waits for them."""
    notification.notify_role(
        role=Role.REVIEWER,
        kind="store.report_received",
        title=title,
        body=body,
        link=f"/instruction/signalements/{report_id}",
        by=by,
    )


def acknowledge_report(*, report_id: UUID, by: Actor) -> None:
    """Take a report in charge. Raises as every act here: `RoleRequired`, `OwnOrganisation`, `TransitionRefused`."""
    _move(lock_report(report_id, by=by), Verb.ACKNOWLEDGE, by=by)


def forward_report(*, report_id: UUID, text: str, by: Actor) -> None:
    """Put the problem to the publisher, in words that do not give the reporter away."""
    report = lock_report(report_id, by=by)
    _move(report, Verb.FORWARD, text, by=by)
    report.forwarded_sealed = _seal(report_id, "forwarded", text.strip())
    notification.notify_members(
        organisation_id=_organisation(report),
        roles=[Role.PUBLISHER],
        kind="store.report_forwarded",
        title="Un signalement attend votre réponse",
        body="Quelqu’un signale un problème sur une de vos applications.",
        link=f"/editeur/signalements/{report_id}",
        by=by,
    )


def answer_report(*, report_id: UUID, text: str, by: Actor) -> None:
    """The publisher says what they found and did. Raises `NotFound` for the report on somebody else's application."""
    report = _locked(report_id)
    own_application(report.application_id, by=by)
    _move(report, Verb.ANSWER, text, by=by)
    report.answer_sealed = _seal(report_id, "answer", text.strip())
    notification.notify_role(
        role=Role.REVIEWER,
        kind="store.report_answered",
        title="Réponse à un signalement",
        body="L’éditeur a répondu à un signalement.",
        link=f"/instruction/signalements/{report_id}",
        by=by,
    )


def open_audit(*, report_id: UUID, scope: str, by: Actor) -> UUID:
    """Plan an audit of the application, from today and for `AUDIT_DAYS`. Raises as `audits.plan` too."""
    report = lock_report(report_id, by=by)
    _move(report, Verb.OPEN_AUDIT, scope, by=by)
    today = clock.today()
    report.audit_id = audits.plan(
        application_id=report.application_id,
        scope=scope,
        starts_on=today,
        ends_on=today + timedelta(days=rules.AUDIT_DAYS),
        origin=AuditOrigin.INCIDENT if report.origin == Origin.INCIDENT else AuditOrigin.REPORT,
        origin_id=report_id,
        by=by,
    )
    return report.audit_id


def close_report(*, report_id: UUID, text: str, by: Actor) -> None:
    """Conclude, in words for the reporter, who is told by e-mail when they left an address; the address is erased."""
    report = lock_report(report_id, by=by)
    _move(report, Verb.CLOSE, text, by=by)
    report.conclusion, report.closed_at = text.strip(), clock.now()
    if report.email_sealed:
        address = crypto.unseal(report.email_sealed, f"store:report:email:{report_id}").decode()
        notification.write_to_address(address=address, template=Template.REPORT_CLOSED)
        report.email_sealed = None


def erase_old_reports(*, by: Actor) -> int:
    """Erase what people wrote in reports closed for more than `KEPT_DAYS`; gives how many."""
    limit = clock.now() - timedelta(days=rules.KEPT_DAYS)
    old = sa.select(Report).where(Report.closed_at < limit, Report.text_sealed.is_not(None))
    found = db.session.scalars(old.limit(500).with_for_update(skip_locked=True)).all()
    for report in found:
        report.text_sealed = report.forwarded_sealed = report.answer_sealed = None
        if report.origin == Origin.INCIDENT:
            db.session.execute(sa.update(Incident).where(Incident.report_id == report.id).values(measures_sealed=None))
        audit.record("store:report:erase", by=by, object_type="report", object_id=report.id)
    return len(found)


def _move(report: Report, verb: Verb, text: str = "", *, by: Actor) -> None:
    """The one writer of a report's state: transition, event, audit. The caller holds the lock of the row."""
    before = State(report.state) if report.state else None
    report.state = rules.apply(before, verb, roles=by.roles, text=text)
    report.updated_at = clock.now()
    db.session.add(report)
    db.session.flush()
    event = ReportEvent(
        report_id=report.id,
        verb=verb,
        from_state=before,
        to_state=report.state,
        actor_kind=by.kind,
        actor_id=by.id,
        actor_name=by.name,
        occurred_at=report.updated_at,
    )
    db.session.add(event)
    audit.record(f"store:report:{verb}", by=by, object_type="report", object_id=report.id, state=report.state)


def lock_report(report_id: UUID, *, by: Actor) -> Report:
    """The report, locked for an examiner who is not of the publisher's organisation."""
    report = _locked(report_id)
    check_other_organisation(_organisation(report), by)
    return report


def _locked(report_id: UUID) -> Report:
    report = db.session.scalar(locked(sa.select(Report).where(Report.id == report_id)))
    if report is None:
        raise NotFound("This report does not exist.")
    return report


def _organisation(report: Report) -> UUID:
    return db.session.get_one(Application, report.application_id).organisation_id


def _seal(report_id: UUID, part: str, text: str) -> bytes:
    return crypto.seal(text.encode(), f"store:report:{part}:{report_id}")
