"""Submissions and the verdicts on them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base, one_of, uuid_key
from store.models.applications import Application
from store.rules.delays import Phase
from store.rules.grid import Verdict as VerdictValue
from store.workflow import FINAL, Opinion, Role, SubmissionKind, SubmissionState

_OPEN = f"state NOT IN ({', '.join(sorted(repr(str(state)) for state in FINAL))})"


class Submission(Base):
    """One dossier, from draft to decision; an application has at most one that is open.

    `proposal` is the opinion that the evaluation proposes, `opinion` what the commission said. `flagged` holds what a
    request for complements reopened. `evaluators` keeps everybody who ever gave a verdict, replaced since or not.
    `phase`, `waiting_on` and `due_at` tell who must act, and until when; the history gives them, and
    `service.transitions.move` alone writes them. `version` counts the writes.
    """

    __tablename__ = "store_submission"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id))
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(default=SubmissionKind.FIRST)
    state: Mapped[str]
    dossier: Mapped[dict[str, Any]] = mapped_column(JSONB)
    grid_version: Mapped[str]
    proposal: Mapped[str | None]
    opinion: Mapped[str | None]
    flagged: Mapped[list[str]] = mapped_column(ARRAY(sa.Text), default=list)
    phase: Mapped[str | None]
    waiting_on: Mapped[str | None]
    due_at: Mapped[datetime | None]
    evaluator_id: Mapped[UUID | None] = mapped_column(index=True)
    evaluator_name: Mapped[str] = mapped_column(default="")
    evaluators: Mapped[list[UUID]] = mapped_column(ARRAY(sa.Uuid), default=list)
    version: Mapped[int] = mapped_column()
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", "state", SubmissionState),
        one_of("kind", "kind", SubmissionKind),
        one_of("proposal", "proposal", Opinion),
        one_of("opinion", "opinion", Opinion),
        one_of("phase", "phase", Phase),
        one_of("waiting_on", "waiting_on", Role),
        sa.UniqueConstraint("application_id", "number"),
        sa.Index("uq_store_submission_open", "application_id", unique=True, postgresql_where=sa.text(_OPEN)),
        sa.Index("ix_store_submission_queue", "state", "submitted_at"),
        sa.Index(
            "ix_store_submission_sent", "submitted_at", "id", postgresql_where=sa.text("submitted_at IS NOT NULL")
        ),
        sa.Index("ix_store_submission_due_at", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    )
    __mapper_args__ = {"version_id_col": version}


class Verdict(Base):
    """What the reviewers found on one criterion. `version` is its optimistic lock."""

    __tablename__ = "store_verdict"

    submission_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Submission.id), primary_key=True)
    criterion: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    comment: Mapped[str]
    reviewer_id: Mapped[UUID]
    reviewer_name: Mapped[str]
    reviewed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __table_args__ = (one_of("verdict", "verdict", VerdictValue),)
    __mapper_args__ = {"version_id_col": version}
