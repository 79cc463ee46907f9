"""Audits of listed applications."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from platform_core import clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import NotFound
from store.models.applications import Application
from store.models.audits import Audit, CorrectiveAction
from store.rules.audits import Origin
from store.workflow import AuditState


@dataclass(frozen=True, slots=True)
class ActionView:
    """A correction asked for; `done_at` is when the publisher said that it is made."""

    id: UUID
    text: str
    due_on: date
    answer: str
    done_at: datetime | None

    @property
    def is_overdue(self) -> bool:
        """Whether its last day passed and the publisher did not say that it is made."""
        return self.done_at is None and self.due_on < clock.today()


@dataclass(frozen=True, slots=True)
class AuditView:
    id: UUID
    application_id: UUID
    application_name: str
    organisation_id: UUID
    origin: Origin
    origin_id: UUID | None
    scope: str
    starts_on: date
    ends_on: date
    state: AuditState
    report: str
    evidence_ids: Sequence[UUID]
    planned_by: str
    closed_at: datetime | None
    actions: Sequence[ActionView]

    @property
    def overdue(self) -> int:
        """How many corrections are overdue while they may still be declared made."""
        return sum(one.is_overdue for one in self.actions) if self.state is AuditState.CORRECTIVE_ACTION else 0


def list_audits(application_id: UUID | None = None, *, open_only: bool = False) -> Sequence[AuditView]:
    """The audits of an application, or of all, by calendar."""
    rows = _audits()
    if application_id:
        rows = rows.where(Audit.application_id == application_id)
    if open_only:
        rows = rows.where(Audit.state != AuditState.CLOSED)
    return _views(rows.order_by(Audit.starts_on, Audit.id))


def get_audit(audit_id: UUID) -> AuditView:
    """An audit as its auditors see it. Raises `NotFound`."""
    return _one(_audits().where(Audit.id == audit_id))


def get_own_audit(audit_id: UUID, *, by: Actor) -> AuditView:
    """An audit of an application of the publisher's own organisation. Raises `NotFound`."""
    return _one(_audits().where(Audit.id == audit_id, Application.organisation_id == by.organisation_id))


def _audits() -> sa.Select[Audit, str, UUID]:
    return sa.select(Audit, Application.name, Application.organisation_id).join(
        Application, Application.id == Audit.application_id
    )


def _one(rows: sa.Select[Audit, str, UUID]) -> AuditView:
    found = _views(rows)
    if not found:
        raise NotFound("This audit does not exist.")
    return found[0]


def _views(rows: sa.Select[Audit, str, UUID]) -> Sequence[AuditView]:
    found = db.session.execute(rows).all()
    asked = sa.select(CorrectiveAction).where(CorrectiveAction.audit_id.in_([audit.id for audit, _, _ in found]))
    actions = db.session.scalars(asked.order_by(CorrectiveAction.due_on, CorrectiveAction.id)).all()
    return [
        AuditView(
            audit.id,
            audit.application_id,
            name,
            organisation_id,
            Origin(audit.origin),
            audit.origin_id,
            audit.scope,
            audit.starts_on,
            audit.ends_on,
            AuditState(audit.state),
            audit.report,
            audit.evidence_ids,
            audit.planned_by_name,
            audit.closed_at,
            [
                ActionView(one.id, one.text, one.due_on, one.answer, one.done_at)
                for one in actions
                if one.audit_id == audit.id
            ],
        )
        for audit, name, organisation_id in found
    ]
