"""One dossier and where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import NotFound
from store.models.applications import Application
from store.models.submissions import Submission
from store.workflow import SubmissionState, Verb


@dataclass(frozen=True, slots=True)
class SubmissionView:
    """One dossier and where it stands. `proposal` is what the evaluation proposes to the decider."""

    id: UUID
    application_id: UUID
    application_name: str
    organisation_id: UUID
    number: int
    state: SubmissionState
    dossier: Mapping[str, Any]
    grid_version: str
    proposal: Verb | None
    evaluator_name: str
    submitted_at: datetime | None
    updated_at: datetime


def get_own_submission(application_id: UUID, *, by: Actor) -> SubmissionView:
    """The present dossier of an application of the publisher's own organisation. Raises `NotFound`."""
    found = _submissions().where(Application.id == application_id, Application.organisation_id == by.organisation_id)
    return _submission_view(db.session.execute(found.order_by(Submission.number.desc()).limit(1)).one_or_none())


def get_submission(submission_id: UUID) -> SubmissionView:
    """A dossier as its reviewers see it; a draft is not theirs to see. Raises `NotFound`."""
    found = _submissions().where(Submission.id == submission_id, Submission.state != SubmissionState.DRAFT)
    return _submission_view(db.session.execute(found).one_or_none())


def _submissions() -> sa.Select[Application, Submission]:
    return sa.select(Application, Submission).join(Submission, Submission.application_id == Application.id)


def _submission_view(row: sa.Row[Application, Submission] | None) -> SubmissionView:
    if row is None:
        raise NotFound("This dossier does not exist.")
    application, submission = row
    return SubmissionView(
        submission.id,
        submission.application_id,
        application.name,
        application.organisation_id,
        submission.number,
        SubmissionState(submission.state),
        submission.dossier,
        submission.grid_version,
        Verb(submission.proposal) if submission.proposal else None,
        submission.evaluator_name,
        submission.submitted_at,
        submission.updated_at,
    )
