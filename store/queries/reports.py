"""Reports on applications, as the reporter, the reviewers and the publisher each may read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from platform_core import crypto
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import NotFound
from platform_core.pagination import Page
from store.models.applications import Application
from store.models.reports import Incident, Report, ReportEvent
from store.rules.reports import Kind, Origin, People, State, Verb, plain_number

PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A line of a list of reports."""

    id: UUID
    application_id: UUID
    application_name: str
    origin: Origin
    kind: Kind
    state: State
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ReportView(ReportRow):
    """A report with its texts, those of them that its reader may see; None once erased."""

    organisation_id: UUID
    text: str | None
    forwarded: str | None
    answer: str | None
    conclusion: str
    audit_id: UUID | None
    answers_by_email: bool


@dataclass(frozen=True, slots=True)
class Step:
    at: datetime
    verb: Verb
    by: str


@dataclass(frozen=True, slots=True)
class IncidentView:
    """What a publisher declared beside the text of the report, and what the authority told people: None, not yet."""

    noticed_on: date
    people: People
    measures: str | None
    notice: str | None
    told_at: datetime | None
    told_by: str | None


def find_incident(report_id: UUID) -> IncidentView | None:
    """The incident that a report declares; None for a problem that somebody else told."""
    one = db.session.get(Incident, report_id)
    if one is None:
        return None
    context = f"store:incident:measures:{report_id}"
    measures = crypto.unseal(one.measures_sealed, context).decode() if one.measures_sealed else None
    return IncidentView(one.noticed_on, People(one.people), measures, one.notice, one.told_at, one.told_by_name)


def list_reports(
    *, origin: Origin = Origin.PUBLIC, state: State | None = None, kind: Kind | None = None, page: int = 1
) -> Page[ReportRow]:
    """The reports of one origin for the reviewers, the newest first."""
    asked = {Report.state: state, Report.kind: kind}
    wanted = [Report.origin == origin, *(column == value for column, value in asked.items() if value)]
    total = db.session.scalar(sa.select(sa.func.count()).select_from(Report).where(*wanted)) or 0
    rows = _reports().where(*wanted).order_by(Report.created_at.desc(), Report.id.desc())
    found = db.session.execute(rows.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE))
    return Page([_row(*row) for row in found], page, PAGE_SIZE, total)


def count_reports(*, origin: Origin = Origin.PUBLIC) -> Mapping[State, int]:
    """How many reports of one origin stand in each state."""
    counted = sa.select(Report.state, sa.func.count()).where(Report.origin == origin).group_by(Report.state)
    return {State(state): count for state, count in db.session.execute(counted)}


def get_report(report_id: UUID) -> ReportView:
    """A report as its reviewers read it: never the address of the reporter. Raises `NotFound`."""
    return _view(db.session.execute(_reports().where(Report.id == report_id)).one_or_none())


def list_steps(report_id: UUID) -> Sequence[Step]:
    """What happened to a report, newest first."""
    events = sa.select(ReportEvent).where(ReportEvent.report_id == report_id)
    rows = db.session.scalars(events.order_by(ReportEvent.occurred_at.desc(), ReportEvent.id.desc()))
    return [Step(event.occurred_at, Verb(event.verb), event.actor_name) for event in rows]


def list_own_reports(*, by: Actor, page: int = 1) -> Page[ReportRow]:
    """The reports put to the publisher's organisation, the newest first."""
    mine = _put_to(by)
    total = db.session.scalar(sa.select(sa.func.count()).select_from(Report).join(Application).where(*mine)) or 0
    rows = _reports().where(*mine).order_by(Report.updated_at.desc(), Report.id.desc())
    found = db.session.execute(rows.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE))
    return Page([_row(*row) for row in found], page, PAGE_SIZE, total)


def count_waiting(*, by: Actor) -> int:
    """How many reports wait for an answer of the publisher's organisation."""
    waiting = sa.select(sa.func.count()).select_from(Report).join(Application)
    return db.session.scalar(waiting.where(*_put_to(by), Report.state == State.FORWARDED)) or 0


def get_own_report(report_id: UUID, *, by: Actor) -> ReportView:
    """A report as the publisher reads it: what the reviewers put to them, not what the reporter wrote. `NotFound`."""
    return _view(db.session.execute(_reports().where(Report.id == report_id, *_put_to(by))).one_or_none(), theirs=False)


def find_by_number(number: str) -> ReportView | None:
    """The report that a follow-up number opens, as its reporter reads it; None when the number opens none."""
    wanted = Report.number_hash == crypto.hash_token(plain_number(number))
    row = db.session.execute(_reports().where(wanted)).one_or_none()
    return _view(row) if row else None


def _put_to(by: Actor) -> tuple[sa.ColumnElement[bool], ...]:
    return Application.organisation_id == by.organisation_id, Report.forwarded_sealed.is_not(None)


def _reports() -> sa.Select[Report, Application]:
    return sa.select(Report, Application).join(Application, Application.id == Report.application_id)


def _row(report: Report, application: Application) -> ReportRow:
    return ReportRow(
        report.id,
        application.id,
        application.name,
        Origin(report.origin),
        Kind(report.kind),
        State(report.state),
        report.created_at,
        report.updated_at,
    )


def _view(row: sa.Row[Report, Application] | None, *, theirs: bool = True) -> ReportView:
    """The report; without the reporter's own words unless `theirs`."""
    if row is None:
        raise NotFound("This report does not exist.")
    report, application = row
    line = _row(report, application)
    return ReportView(
        **{name: getattr(line, name) for name in ReportRow.__slots__},
        organisation_id=application.organisation_id,
        text=_open(report, "text") if theirs else None,
        forwarded=_open(report, "forwarded"),
        answer=_open(report, "answer"),
        conclusion=report.conclusion,
        audit_id=report.audit_id,
        answers_by_email=report.email_sealed is not None,
    )


def _open(report: Report, part: str) -> str | None:
    sealed: Any = getattr(report, f"{part}_sealed")
    return crypto.unseal(sealed, f"store:report:{part}:{report.id}").decode() if sealed else None
