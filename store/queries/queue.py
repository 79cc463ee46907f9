"""Lists of dossiers: the publisher's applications, the review queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from platform_core import clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.pagination import Page
from store.models.applications import Application
from store.models.listings import Listing
from store.models.submissions import Submission
from store.models.versions import Version
from store.rules import delays
from store.rules.delays import Phase
from store.workflow import FINAL, ListingState, Role, SubmissionKind, SubmissionState

PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a list of dossiers: the publisher's applications, the review queue.

    `version` is how many times the dossier was sent.
    """

    application_id: UUID
    submission_id: UUID
    name: str
    publisher_name: str
    number: int
    version: int
    kind: SubmissionKind
    state: SubmissionState
    listing_state: ListingState | None
    expires_on: date | None
    submitted_at: datetime | None
    phase: Phase | None
    waiting_on: Role | None
    due_at: datetime | None
    evaluator_id: UUID | None
    evaluator_name: str

    @property
    def age_days(self) -> int | None:
        """Calendar days since it was first sent; None for a draft."""
        return -delays.days_left(self.submitted_at, clock.now()) if self.submitted_at else None

    @property
    def days_left(self) -> int | None:
        """Calendar days until the last day of the delay: 0 on that day, negative past it."""
        return delays.days_left(self.due_at, clock.now()) if self.due_at else None


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """What the review queue is narrowed by; each is left out when None, False or empty.

    `text` is looked for in the names of the application and of the publisher. `open_only` leaves out what is over.
    """

    state: SubmissionState | None = None
    kind: SubmissionKind | None = None
    waiting_on: Role | None = None
    evaluator_id: UUID | None = None
    unassigned: bool = False
    overdue: bool = False
    open_only: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How many dossiers stand in each state, are overdue, are nobody's, are this reviewer's."""

    by_state: Mapping[SubmissionState, int]
    overdue: int
    unassigned: int
    mine: int

    @property
    def open(self) -> int:
        """Those that are not over."""
        return sum(count for state, count in self.by_state.items() if state not in FINAL)


def list_applications(*, by: Actor) -> Sequence[Row]:
    """The applications of the publisher's organisation with their present dossier, by name."""
    newest = sa.select(sa.func.max(Submission.number)).where(Submission.application_id == Application.id)
    rows = _rows().where(
        Application.organisation_id == by.organisation_id,
        Submission.number == newest.correlate(Application).scalar_subquery(),
    )
    return [_row(row) for row in db.session.execute(rows.order_by(sa.func.lower(Application.name)))]


def list_queue(*, chosen: QueueFilter = QueueFilter(), page: int = 1) -> Page[Row]:
    """The dossiers sent to review, those that wait the longest first."""
    wanted = _conditions(chosen)
    counted = sa.select(sa.func.count()).select_from(Submission).join(Application).where(*wanted)
    total = db.session.scalar(counted) or 0
    order = Submission.submitted_at, Submission.id
    ids = sa.select(Submission.id).join(Application).where(*wanted).order_by(*order)
    shown = ids.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)  # before any dossier is opened to read its publisher
    found = db.session.execute(_rows().where(Submission.id.in_(shown)).order_by(*order))
    return Page([_row(row) for row in found], page, PAGE_SIZE, total)


def count_by_state() -> Mapping[SubmissionState, int]:
    """How many dossiers sent to review stand in each state."""
    counted = sa.select(Submission.state, sa.func.count()).where(Submission.submitted_at.is_not(None))
    return {SubmissionState(state): count for state, count in db.session.execute(counted.group_by(Submission.state))}


def count_queue(*, by: Actor) -> QueueCounts:
    """The figures above the queue, in two statements."""
    examined = sa.and_(Submission.submitted_at.is_not(None), Submission.state.not_in(FINAL))
    row = db.session.execute(
        sa.select(
            sa.func.count().filter(Submission.due_at < clock.now()),
            sa.func.count().filter(Submission.evaluator_id.is_(None)),
            sa.func.count().filter(Submission.evaluator_id == by.id),
        ).where(examined)
    ).one()
    return QueueCounts(count_by_state(), *row)


def _conditions(chosen: QueueFilter) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [Submission.submitted_at.is_not(None)]
    for column, value in (
        (Submission.state, chosen.state),
        (Submission.kind, chosen.kind),
        (Submission.waiting_on, chosen.waiting_on),
        (Submission.evaluator_id, chosen.evaluator_id),
    ):
        if value is not None:
            found.append(column == value)
    if chosen.unassigned:
        found += [Submission.evaluator_id.is_(None), Submission.state.not_in(FINAL)]
    if chosen.overdue:
        found.append(Submission.due_at < clock.now())
    if chosen.open_only:
        found.append(Submission.state.not_in(FINAL))
    if chosen.text.strip():
        words = f"%{_escaped(chosen.text.strip())}%"
        found.append(sa.or_(Application.name.ilike(words), _publisher().ilike(words)))
    return found


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _publisher() -> sa.ColumnElement[str]:
    return Submission.dossier["company"]["legal_name"].astext


def _rows() -> sa.Select[Application, Submission, str, str, date, int]:
    listing = sa.orm.aliased(Listing)
    sent = sa.select(sa.func.count()).where(Version.submission_id == Submission.id).correlate(Submission)
    return (
        sa.select(
            Application,
            Submission,
            _publisher().label("publisher"),
            listing.state.label("listing"),
            listing.expires_on,
            sent.scalar_subquery().label("version"),
        )
        .join(Submission, Submission.application_id == Application.id)
        .outerjoin(listing, listing.application_id == Application.id)
    )


def _row(row: sa.Row[Application, Submission, str, str, date, int]) -> Row:
    submission = row.Submission
    return Row(
        row.Application.id,
        submission.id,
        row.Application.name,
        row.publisher or "",
        submission.number,
        row.version,
        SubmissionKind(submission.kind),
        SubmissionState(submission.state),
        ListingState(row.listing) if row.listing else None,
        row.expires_on,
        submission.submitted_at,
        Phase(submission.phase) if submission.phase else None,
        Role(submission.waiting_on) if submission.waiting_on else None,
        submission.due_at,
        submission.evaluator_id,
        submission.evaluator_name,
    )
