"""Lists of dossiers: the publisher's applications, the review queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from platform_core.access import Actor
from platform_core.database import db
from platform_core.pagination import Page
from store.models.applications import Application
from store.models.listings import Listing
from store.models.submissions import Submission
from store.workflow import ListingState, SubmissionState

PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a list of dossiers: the publisher's applications, the review queue."""

    application_id: UUID
    submission_id: UUID
    name: str
    publisher_name: str
    number: int
    state: SubmissionState
    listing_state: ListingState | None
    expires_on: date | None
    submitted_at: datetime | None
    evaluator_name: str


def list_applications(*, by: Actor) -> Sequence[Row]:
    """The applications of the publisher's organisation with their present dossier, by name."""
    newest = sa.select(sa.func.max(Submission.number)).where(Submission.application_id == Application.id)
    rows = _rows().where(
        Application.organisation_id == by.organisation_id,
        Submission.number == newest.correlate(Application).scalar_subquery(),
    )
    return [_row(row) for row in db.session.execute(rows.order_by(sa.func.lower(Application.name)))]


def list_queue(*, state: SubmissionState | None, page: int = 1) -> Page[Row]:
    """The dossiers sent to review, those that wait the longest first, optionally in one state."""
    sent = [Submission.state == state] if state else [Submission.state != SubmissionState.DRAFT]
    total = db.session.scalar(sa.select(sa.func.count()).select_from(Submission).where(*sent)) or 0
    rows = _rows().where(*sent).order_by(Submission.submitted_at, Submission.id)
    found = db.session.execute(rows.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE))
    return Page([_row(row) for row in found], page, PAGE_SIZE, total)


def count_by_state() -> Mapping[SubmissionState, int]:
    """How many dossiers stand in each state, drafts left out."""
    counted = sa.select(Submission.state, sa.func.count()).where(Submission.state != SubmissionState.DRAFT)
    return {SubmissionState(state): count for state, count in db.session.execute(counted.group_by(Submission.state))}


def _rows() -> sa.Select[Any]:
    publisher = Submission.dossier["company"]["legal_name"].astext.label("publisher")
    listing = sa.orm.aliased(Listing)
    return (
        sa.select(Application, Submission, publisher, listing.state.label("listing"), listing.expires_on)
        .join(Submission, Submission.application_id == Application.id)
        .outerjoin(listing, listing.application_id == Application.id)
    )


def _row(row: sa.Row[Any]) -> Row:
    return Row(
        row.Application.id,
        row.Submission.id,
        row.Application.name,
        row.publisher or "",
        row.Submission.number,
        SubmissionState(row.Submission.state),
        ListingState(row.listing) if row.listing else None,
        row.expires_on,
        row.Submission.submitted_at,
        row.Submission.evaluator_name,
    )
