"""Accesses that a patient does not recognise: reported to the authority, examined, answered. `_move` writes the state.

The authority gets the technical line of the access and the id by which the app knows the patient, never who they are
nor what the data say. The link between the two stands under row-level security.
"""

import json
from importlib.resources import files
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from consent import queries
from consent.models import AccessReport, AccessReportEvent, ContestedAccess
from consent.queries.reports import get_contested, get_report
from consent.rules import reports as rules
from consent.rules.reports import Motive, State, Verb
from consent.service import lifecycle
from consent.workflow import Status
from notification_core import service as notification
from platform_core import audit, clock, crypto, outbox
from platform_core.access import SYSTEM, Actor, ActorKind
from platform_core.database import db
from platform_core.errors import Conflict, NotFound
from platform_core.ids import uuid7
from platform_core.journal import queries as journal
from store.queries.applications import ApplicationView, get_application
from store.service.transitions import check_other_organisation
from store.workflow import Role

_NOTICES = json.loads(files("consent").joinpath("data/report-notices-fr.json").read_text("utf-8"))
_CONTESTABLE = {ActorKind.APPLICATION, ActorKind.PROFESSIONAL}
_SOMEBODY = "La personne concernée"


def report_access(*, patient_id: UUID, entry_id: UUID, motive: Motive, pause: bool, by: Actor) -> UUID:
    """Tell the authority that a line of the journal is not recognised; with `pause`, close the app's access at once.

    Returns the report; reporting a line again gives the same one, and still pauses. Raises `NotFound`, `Conflict`
    (`not-contestable`) for an act of the patient's own side.
    """
    line = journal.get_entry(patient_id, entry_id)
    if line.actor_kind not in _CONTESTABLE or line.actor_id is None:
        raise Conflict("Only the accesses of apps and professionals are reported.", code="not-contestable")
    paused = pause and _pause(patient_id, line.app_id, by)
    report_id = uuid7()
    mine = insert(ContestedAccess).values(
        patient_id=patient_id, entry_id=entry_id, report_id=report_id, told_state=State.RECEIVED
    )
    if not db.session.scalar(mine.on_conflict_do_nothing().returning(sa.literal(1))):
        contested = ContestedAccess.patient_id == patient_id, ContestedAccess.entry_id == entry_id
        return db.session.scalars(sa.select(ContestedAccess.report_id).where(*contested)).one()
    report = _open(report_id, patient_id, line, motive, paused)
    _move(report, Verb.RECEIVE, by=by)
    _tell_patient(patient_id, report_id, State.RECEIVED, by)
    _tell_authority(report)
    return report_id


def settle_report(*, patient_id: UUID, report_id: UUID, by: Actor) -> None:
    """The patient has their answer, or recognises the access after all. Raises `NotFound`, `Conflict`."""
    contested = get_contested(patient_id, report_id)
    _move(_lock(contested.report_id), Verb.SETTLE, by=by)
    _set_told(patient_id, report_id, State.CLOSED)


def examine_report(*, report_id: UUID, by: Actor) -> None:
    """Take a report in charge. Raises as every act of the authority: `NotFound`, `OwnOrganisation`, `Forbidden`,
    `Conflict`."""
    _act(report_id, Verb.EXAMINE, by=by)


def answer_report(*, report_id: UUID, text: str, by: Actor) -> None:
    """Say to the person what the examination found, in words that name nobody. Raises `Invalid` (`answer-invalid`)."""
    report = _act(report_id, Verb.ANSWER, text, by=by)
    report.answer = text.strip()


def close_report(*, report_id: UUID, by: Actor) -> None:
    """Close a report that was answered."""
    _act(report_id, Verb.CLOSE, by=by)


def check_examiner(application_id: UUID | None, *, by: Actor) -> None:
    """Raises `OwnOrganisation`: nobody reads nor examines a report on an app of their own organisation."""
    if application := _find_application(application_id):
        check_other_organisation(application.organisation_id, by)


def tell_reporter(*, patient_id: UUID, report_id: UUID) -> None:
    """Tell the patient, in whose transaction this is, how far their report has come; once for each state."""
    mine = sa.select(ContestedAccess).where(
        ContestedAccess.patient_id == patient_id, ContestedAccess.report_id == report_id
    )
    contested = db.session.scalars(mine.with_for_update()).one()
    state = get_report(report_id).state
    if contested.told_state != state:
        contested.told_state = state
        _tell_patient(patient_id, report_id, state, SYSTEM)


def forget_reports() -> int:
    """Erase the reports closed longer ago than the journal keeps its lines; gives how many. For the batch role."""
    limit = clock.now() - rules.KEPT
    old = sa.delete(AccessReport).where(AccessReport.closed_at < limit).returning(AccessReport.id)
    return len(db.session.scalars(old).all())


def _pause(patient_id: UUID, app_id: UUID | None, by: Actor) -> bool:
    """Pause the live consent of an app; False when there is none that is active."""
    live = queries.find_live(patient_id, app_id) if app_id else None
    if live is None or lifecycle.lock_consent(patient_id, live.grant_id).status != Status.ACTIVE:
        return False
    lifecycle.pause_consent(patient_id=patient_id, grant_id=live.grant_id, by=by)
    return True


def _open(report_id: UUID, patient_id: UUID, line: Any, motive: Motive, paused: bool) -> AccessReport:
    now = clock.now()
    return AccessReport(
        id=report_id,
        application_id=line.app_id,
        actor_kind=line.actor_kind,
        actor_name=line.actor_name,
        patient_reference=crypto.pairwise_id(line.app_id or line.actor_id, patient_id),
        request_id=line.request_id,
        accessed_at=line.occurred_at,
        access=line.access,
        outcome=line.outcome,
        families=sorted({category.split(".", 1)[0] for category in line.categories}),
        motive=motive,
        paused=paused,
        created_at=now,
        updated_at=now,
    )


def _act(report_id: UUID, verb: Verb, text: str = "", *, by: Actor) -> AccessReport:
    """An act of the authority, by somebody who is not of the publisher's organisation; the patient is told after it."""
    report = _lock(report_id)
    check_examiner(report.application_id, by=by)
    _move(report, verb, text, by=by)
    outbox.enqueue("consent.tell_reporter", report.id)
    return report


def _move(report: AccessReport, verb: Verb, text: str = "", *, by: Actor) -> None:
    """The one writer of a report's state: transition, event, audit. The caller holds the lock of the row."""
    before = State(report.state) if report.state else None
    report.state = rules.apply(before, verb, roles=by.roles, text=text)
    report.updated_at = clock.now()
    report.closed_at = report.updated_at if report.state == State.CLOSED else None
    db.session.add(report)
    db.session.flush()
    of_patient = by.kind in {ActorKind.PATIENT, ActorKind.REPRESENTATIVE}
    event = AccessReportEvent(
        report_id=report.id,
        verb=verb,
        from_state=before,
        to_state=report.state,
        actor_kind=ActorKind.PATIENT if of_patient else by.kind,
        actor_name=_SOMEBODY if of_patient else by.name,
        occurred_at=report.updated_at,
    )
    db.session.add(event)
    audit.record(f"consent:report:{verb}", by=by, object_type="access_report", object_id=report.id, state=report.state)


def _tell_patient(patient_id: UUID, report_id: UUID, state: State, by: Actor) -> None:
    notification.notify(
        patient_id=patient_id,
        kind=f"consent.report-{state}",
        title=_NOTICES[state]["title"],
        body=_NOTICES[state]["body"],
        link=f"/espace/journal/contestations/{report_id}",
        by=by,
    )


def _tell_authority(report: AccessReport) -> None:
    """Tell the reviewers, and the publisher that a report exists: not by whom, nor about which call."""
    notification.notify_role(
        role=Role.REVIEWER,
        kind="consent.access_contested",
        title="Accès contesté",
        body=f"Une personne ne reconnaît pas un accès de {report.actor_name}.",
        link=f"/instruction/acces-contestes/{report.id}",
        by=SYSTEM,
    )
    if application := _find_application(report.application_id):
        notification.notify_members(
            organisation_id=application.organisation_id,
            roles=[Role.PUBLISHER],
            kind="consent.access_contested",
            title=f"Un accès de {application.name} est contesté",
            body="Une personne ne reconnaît pas un accès à ses données. L’autorité examine son signalement.",
            link=f"/editeur/applications/{application.id}",
            by=SYSTEM,
        )


def _find_application(application_id: UUID | None) -> ApplicationView | None:
    """The application of the store; None for a professional, and for a client that is still in the sandbox."""
    try:
        return get_application(application_id) if application_id else None
    except NotFound:
        return None


def _lock(report_id: UUID) -> AccessReport:
    query = sa.select(AccessReport).where(AccessReport.id == report_id).with_for_update()
    report = db.session.scalar(query.execution_options(populate_existing=True))
    if report is None:
        raise NotFound("This report does not exist.")
    return report


def _set_told(patient_id: UUID, report_id: UUID, state: State) -> None:
    mine = ContestedAccess.patient_id == patient_id, ContestedAccess.report_id == report_id
    db.session.execute(sa.update(ContestedAccess).where(*mine).values(told_state=state))
