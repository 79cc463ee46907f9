"""Reads: the accesses that patients contest, as the patient and as the authority each may read them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from consent.models import AccessReport, AccessReportEvent, ContestedAccess
from consent.rules.reports import Motive, State, Verb
from platform_core.database import db
from platform_core.errors import NotFound
from platform_core.pagination import Page

PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report: the technical line of the access, and its examination. Nothing in it names the patient.

    `patient_reference` is the id by which the app, or the professional, knows the patient; `application_id` is None for
    a professional; `paused`: the patient paused the app in the same act.
    """

    id: UUID
    number: int
    application_id: UUID | None
    actor_kind: str
    actor_name: str
    patient_reference: str
    request_id: str
    accessed_at: datetime
    access: str
    outcome: str
    families: tuple[str, ...]
    motive: Motive
    paused: bool
    state: State
    answer: str
    created_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    at: datetime
    verb: Verb
    by: str


@dataclass(frozen=True, slots=True)
class Contested:
    """Whose report it is, which line of their journal it is about, and the last state that they were told."""

    patient_id: UUID
    entry_id: UUID
    report_id: UUID
    told_state: State


def find_contested(patient_id: UUID, entry_ids: Iterable[UUID]) -> Mapping[UUID, UUID]:
    """Which of these lines of the journal the patient contests: the report of each."""
    found = sa.select(ContestedAccess.entry_id, ContestedAccess.report_id).where(
        ContestedAccess.patient_id == patient_id, ContestedAccess.entry_id.in_(list(entry_ids))
    )
    return {entry_id: report_id for entry_id, report_id in db.session.execute(found)}


def list_own_reports(patient_id: UUID) -> Sequence[ReportView]:
    """The reports of the patient bound to the transaction, the newest first."""
    mine = sa.select(AccessReport).join(ContestedAccess).where(ContestedAccess.patient_id == patient_id)
    return [_view(report) for report in db.session.scalars(mine.order_by(AccessReport.number.desc()))]


def get_own_report(patient_id: UUID, report_id: UUID) -> ReportView:
    """A report of the patient bound to the transaction. Raises `NotFound`."""
    get_contested(patient_id, report_id)
    return get_report(report_id)


def get_contested(patient_id: UUID, report_id: UUID) -> Contested:
    """The line that a report of the patient is about. Raises `NotFound`."""
    mine = sa.select(ContestedAccess).where(
        ContestedAccess.patient_id == patient_id, ContestedAccess.report_id == report_id
    )
    row = db.session.scalar(mine.execution_options(populate_existing=True))
    if row is None:
        raise NotFound("This report does not exist.")
    return Contested(row.patient_id, row.entry_id, row.report_id, State(row.told_state))


def find_reporter(report_id: UUID) -> UUID | None:
    """Whose report it is; None once it was erased. For the batch role."""
    return db.session.scalar(sa.select(ContestedAccess.patient_id).where(ContestedAccess.report_id == report_id))


def list_reports(*, state: State | None = None, application_id: UUID | None = None, page: int = 1) -> Page[ReportView]:
    """The reports for the authority, the newest first."""
    wanted = [*([AccessReport.state == state] if state else [])]
    wanted += [AccessReport.application_id == application_id] if application_id else []
    total = db.session.scalar(sa.select(sa.func.count()).select_from(AccessReport).where(*wanted)) or 0
    rows = sa.select(AccessReport).where(*wanted).order_by(AccessReport.number.desc())
    found = db.session.scalars(rows.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE))
    return Page([_view(report) for report in found], page, PAGE_SIZE, total)


def count_reports(application_id: UUID | None = None) -> Mapping[State, int]:
    """How many reports, of every app or of one, stand in each state."""
    counted = sa.select(AccessReport.state, sa.func.count()).group_by(AccessReport.state)
    if application_id:
        counted = counted.where(AccessReport.application_id == application_id)
    return {State(state): count for state, count in db.session.execute(counted)}


def count_open_reports(application_id: UUID) -> int:
    """How many accesses of an app are contested and not concluded yet."""
    standing = sa.select(sa.func.count()).where(
        AccessReport.application_id == application_id, AccessReport.state != State.CLOSED
    )
    return db.session.scalar(standing) or 0


def get_report(report_id: UUID) -> ReportView:
    """Raises `NotFound`."""
    report = db.session.get(AccessReport, report_id)
    if report is None:
        raise NotFound("This report does not exist.")
    return _view(report)


def list_steps(report_id: UUID) -> Sequence[Step]:
    """What happened to a report, the newest first."""
    events = sa.select(AccessReportEvent).where(AccessReportEvent.report_id == report_id)
    rows = db.session.scalars(events.order_by(AccessReportEvent.occurred_at.desc(), AccessReportEvent.id.desc()))
    return [Step(event.occurred_at, Verb(event.verb), event.actor_name) for event in rows]


def _view(report: AccessReport) -> ReportView:
    read: dict[str, Any] = {name: getattr(report, name) for name in ReportView.__slots__}
    shaped = {"families": tuple(report.families), "motive": Motive(report.motive), "state": State(report.state)}
    return ReportView(**read | shaped)
