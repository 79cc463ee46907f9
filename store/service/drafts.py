"""Requests that end without a decision: abandoned by their publisher, or drafts left asleep."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from platform_core import clock
from platform_core.access import Actor
from platform_core.database import db
from store.models.submissions import Submission
from store.rules.procedure import PROCEDURE
from store.service.transitions import lock_present, locked, move, own_application
from store.workflow import SubmissionState, SubmissionVerb


def abandon(*, application_id: UUID, by: Actor) -> None:
    """Give up the present request: a draft, or a file that the commission has not examined yet.

    A live listing stays as it is. Raises `TransitionRefused`.
    """
    own_application(application_id, by=by)
    move(lock_present(application_id), SubmissionVerb.ABANDON, by=by)


def archive_drafts(*, by: Actor) -> int:
    """Close the drafts that nobody touched for a year."""
    limit = clock.now() - timedelta(days=PROCEDURE["drafts"]["archive_after_days"])
    asleep = sa.select(Submission).where(Submission.state == SubmissionState.DRAFT, Submission.updated_at < limit)
    drafts = db.session.scalars(locked(asleep.order_by(Submission.id).limit(500))).all()
    for draft in drafts:
        move(draft, SubmissionVerb.ARCHIVE, by=by)
    return len(drafts)
