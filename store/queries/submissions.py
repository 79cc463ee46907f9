"""One dossier and where it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from platform_core import clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import NotFound
from store.models.applications import Application
from store.models.submissions import Submission
from store.rules import delays
from store.rules.delays import Phase
from store.workflow import Opinion, Role, SubmissionKind, SubmissionState


@dataclass(frozen=True, slots=True)
class SubmissionView:
    """One dossier and where it stands.

    `proposal` is the opinion that the evaluation proposes (internal), `opinion` what the commission said. `flagged`
    holds the sections and criteria that a request for complements reopened. `phase`, `waiting_on` and `due_at` say what
    is waited for, from whom, and until when; all three are None for a draft and for what is over.
    """

    id: UUID
    application_id: UUID
    application_name: str
    organisation_id: UUID
    number: int
    kind: SubmissionKind
    state: SubmissionState
    dossier: Mapping[str, Any]
    grid_version: str
    proposal: Opinion | None
    opinion: Opinion | None
    flagged: Sequence[str]
    phase: Phase | None
    waiting_on: Role | None
    due_at: datetime | None
    evaluator_id: UUID | None
    evaluator_name: str
    submitted_at: datetime | None
    updated_at: datetime

    @property
    def days_left(self) -> int | None:
        """Calendar days until the last day of the delay: 0 on that day, negative past it."""
        return delays.days_left(self.due_at, clock.now()) if self.due_at else None


def get_own_submission(application_id: UUID, *, number: int | None = None, by: Actor) -> SubmissionView:
    """The present dossier of an application of the publisher's own organisation, or the one of that number.

    Raises `NotFound`.
    """
    found = _own(application_id, by).limit(1)
    if number is not None:
        found = found.where(Submission.number == number)
    return _submission_view(db.session.execute(found).one_or_none())


def list_own_submissions(application_id: UUID, *, by: Actor) -> Sequence[SubmissionView]:
    """Every dossier of an application of the publisher's own organisation, the newest first. Raises `NotFound`."""
    found = [_submission_view(row) for row in db.session.execute(_own(application_id, by))]
    if not found:
        raise NotFound("This application does not exist.")
    return found


def _own(application_id: UUID, by: Actor) -> sa.Select[Application, Submission]:
    own = Application.id == application_id, Application.organisation_id == by.organisation_id
    return _submissions().where(*own).order_by(Submission.number.desc())


def get_submission(submission_id: UUID) -> SubmissionView:
    """A dossier as its reviewers see it; one never submitted is not theirs to see. Raises `NotFound`."""
    found = _submissions().where(Submission.id == submission_id, Submission.submitted_at.is_not(None))
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
        SubmissionKind(submission.kind),
        SubmissionState(submission.state),
        submission.dossier,
        submission.grid_version,
        Opinion(submission.proposal) if submission.proposal else None,
        Opinion(submission.opinion) if submission.opinion else None,
        submission.flagged,
        Phase(submission.phase) if submission.phase else None,
        Role(submission.waiting_on) if submission.waiting_on else None,
        submission.due_at,
        submission.evaluator_id,
        submission.evaluator_name,
        submission.submitted_at,
        submission.updated_at,
    )
