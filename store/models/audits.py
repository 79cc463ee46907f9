"""Audits of listed applications and the corrections that they require."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base, one_of, uuid_key
from store.models.applications import Application
from store.rules.audits import Origin
from store.workflow import AuditState


class Audit(Base):
    """An audit of a listed application. `origin_id` is the report or incident that led to it, if one did."""

    __tablename__ = "store_audit"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id), index=True)
    origin: Mapped[str]
    origin_id: Mapped[UUID | None]
    scope: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    state: Mapped[str]
    report: Mapped[str] = mapped_column(default="")
    evidence_ids: Mapped[list[UUID]] = mapped_column(ARRAY(sa.Uuid), default=list)
    planned_by: Mapped[UUID]
    planned_by_name: Mapped[str]
    planned_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", "state", AuditState),
        one_of("origin", "origin", Origin),
        sa.CheckConstraint("ends_on >= starts_on", name="calendar"),
        sa.CheckConstraint("btrim(scope) <> ''", name="scope"),
    )


class CorrectiveAction(Base):
    """Something that an audit asks to put right. `answer` is what the publisher says they did, at `done_at`."""

    __tablename__ = "store_corrective_action"

    id: Mapped[UUID] = uuid_key()
    audit_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Audit.id), index=True)
    text: Mapped[str]
    due_on: Mapped[date]
    answer: Mapped[str] = mapped_column(default="")
    done_at: Mapped[datetime | None]

    __table_args__ = (sa.CheckConstraint("btrim(text) <> ''", name="text"),)
