"""Submissions and the verdicts on them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base, one_of, uuid_key
from store.models.applications import Application
from store.rules.grid import Verdict as VerdictValue
from store.workflow import FINAL, SubmissionState

_OPEN = f"state NOT IN ({', '.join(sorted(repr(str(state)) for state in FINAL))})"


class Submission(Base):
    """One dossier, from draft to decision; an application has at most one that is not decided.

    `proposal` is the verb that the evaluation proposes to the decider. `version` counts the writes.
    """

    __tablename__ = "store_submission"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id))
    number: Mapped[int]
    state: Mapped[str]
    dossier: Mapped[dict[str, Any]] = mapped_column(JSONB)
    grid_version: Mapped[str]
    proposal: Mapped[str | None]
    evaluator_id: Mapped[UUID | None]
    evaluator_name: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column()
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", "state", SubmissionState),
        sa.UniqueConstraint("application_id", "number"),
        sa.Index("uq_store_submission_open", "application_id", unique=True, postgresql_where=sa.text(_OPEN)),
        sa.Index("ix_store_submission_queue", "state", "submitted_at"),
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
