"""Reads of the referencing: an application and its listing, the publisher's list, the review queue, the catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from identity_core import queries as identity
from platform_core import clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import NotFound
from platform_core.pagination import Page
from platform_core.permission import Ceiling
from store.models import Application, Decision, Listing, StoreEvent, Submission, Verdict
from store.rules import catalogue, dossier
from store.rules.grid import Verdict as VerdictValue
from store.workflow import ListingState, SubmissionState, Verb

PAGE_SIZE = 25
_INTERNAL = (Verb.PROPOSE_ACCEPTANCE, Verb.PROPOSE_REFUSAL)
_SEARCH = sa.func.to_tsvector(sa.text("'french'"), Listing.search_text)


@dataclass(frozen=True, slots=True)
class ListingView:
    """The referencing of an application, as approved. `entry` holds the public sections of its dossier."""

    application_id: UUID
    submission_id: UUID
    name: str
    slug: str
    state: ListingState
    number: str
    listed_on: date
    expires_on: date
    ceiling: Ceiling
    profile: str
    entry: Mapping[str, Any]

    @property
    def is_live(self) -> bool:
        """Whether the application may exchange data today."""
        return self.state is ListingState.LISTED and clock.today() <= self.expires_on

    @property
    def publisher_name(self) -> str:
        return str(self.entry["company"]["legal_name"])

    @property
    def tagline(self) -> str:
        return str(self.entry["service"]["tagline"])

    @property
    def hosting(self) -> str:
        """Who hosts the data, where, under which certificate."""
        hosting = self.entry["hosting"]
        return f"{hosting['hoster']} ({hosting['country']}), certificat HDS n° {hosting['hds_certificate']}"

    @property
    def dpo_contact(self) -> str:
        return str(self.entry["privacy"]["dpo_contact"])

    @property
    def recipients(self) -> tuple[str, ...]:
        return tuple(self.entry["privacy"]["recipients"])

    @property
    def risks(self) -> str:
        return str(self.entry["privacy"]["risks"])

    @property
    def recourse(self) -> str:
        return str(self.entry["privacy"]["recourse"])


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """An application as other rooms see it. `draft_ceiling` is what its present dossier asks, approved or not."""

    id: UUID
    name: str
    slug: str
    organisation_id: UUID
    publisher_name: str
    description: str
    listing: ListingView | None
    draft_ceiling: Ceiling | None


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


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    at: datetime
    verb: Verb
    by: str
    motive: str


@dataclass(frozen=True, slots=True)
class VerdictView:
    verdict: VerdictValue
    comment: str
    by: str
    version: int


def get_application(application_id: UUID) -> ApplicationView:
    """An application with its listing and the ceiling of its present dossier. Raises `NotFound`."""
    application = db.session.get(Application, application_id)
    if application is None:
        raise NotFound("This application does not exist.")
    listing = find_listing(application_id)
    present = _latest(application_id)
    service = (listing.entry if listing else present).get("service", {})
    publisher = listing.publisher_name if listing else identity.get_organisation(application.organisation_id).name
    return ApplicationView(
        application.id,
        application.name,
        application.slug,
        application.organisation_id,
        publisher,
        service.get("description", ""),
        listing,
        dossier.find_ceiling(present),
    )


def _latest(application_id: UUID) -> Mapping[str, Any]:
    found = sa.select(Submission).where(Submission.application_id == application_id)
    return db.session.scalars(found.order_by(Submission.number.desc()).limit(1)).one().dossier


def list_application_ids(organisation_id: UUID) -> Sequence[UUID]:
    """The applications of an organisation, the oldest first."""
    found = sa.select(Application.id).where(Application.organisation_id == organisation_id)
    return db.session.scalars(found.order_by(Application.id)).all()


def find_application_id(slug: str) -> UUID | None:
    return db.session.scalar(sa.select(Application.id).where(Application.slug == slug))


def find_listing(application_id: UUID) -> ListingView | None:
    """The listing of an application, whatever its state; None when it was never listed."""
    row = db.session.execute(_listings().where(Application.id == application_id)).one_or_none()
    return _listing_view(row) if row else None


def get_entry(slug: str) -> ListingView:
    """The catalogue page of an application that is listed or suspended. Raises `NotFound`."""
    row = db.session.execute(_listings().where(Application.slug == slug, _published())).one_or_none()
    if row is None:
        raise NotFound("No application of this name is in the catalogue.")
    return _listing_view(row)


def list_listed(
    *, text: str = "", family: str = "", data: str = "", audience: str = "", page: int = 1, size: int = PAGE_SIZE
) -> Page[ListingView]:
    """The catalogue, by name: live listings that match a text, a rubric, a data category and an audience."""
    wanted = [Listing.state == ListingState.LISTED, Listing.expires_on >= clock.today()]
    if query := catalogue.search_query(text):
        wanted.append(_SEARCH.bool_op("@@")(sa.func.to_tsquery(sa.text("'french'"), query)))
    if family:
        wanted.append(Listing.entry.contains({"catalogue": {"family": family}}))
    if data:
        wanted.append(Listing.ceiling.contains({"items": [{"category": data}]}))
    if audience:
        wanted.append(Listing.entry.contains({"service": {"audience": [audience]}}))
    total = db.session.scalar(sa.select(sa.func.count()).select_from(Listing).where(*wanted)) or 0
    rows = _listings().where(*wanted).order_by(sa.func.lower(Application.name), Application.id)
    found = db.session.execute(rows.limit(size).offset((page - 1) * size))
    return Page([_listing_view(row) for row in found], page, size, total)


def _published() -> sa.ColumnElement[bool]:
    live = sa.and_(Listing.state == ListingState.LISTED, Listing.expires_on >= clock.today())
    return sa.or_(live, Listing.state == ListingState.SUSPENDED)


def _listings() -> sa.Select[str, str, Listing]:
    return sa.select(Application.name, Application.slug, Listing).join(Listing)


def _listing_view(row: sa.Row[str, str, Listing]) -> ListingView:
    name, slug, listing = row
    return ListingView(
        listing.application_id,
        listing.submission_id,
        name,
        slug,
        ListingState(listing.state),
        listing.number,
        listing.listed_on,
        listing.expires_on,
        Ceiling.from_json(listing.ceiling),
        listing.profile,
        listing.entry,
    )


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


def list_history(application_id: UUID, *, internal: bool = False) -> Sequence[HistoryEntry]:
    """What happened to an application, newest first. `internal` adds what only reviewers may know."""
    rows = (
        sa.select(StoreEvent, Decision.motive)
        .outerjoin(Decision, Decision.id == StoreEvent.decision_id)
        .where(StoreEvent.application_id == application_id)
        .order_by(StoreEvent.occurred_at.desc(), StoreEvent.id.desc())
    )
    if not internal:
        rows = rows.where(StoreEvent.verb.not_in(_INTERNAL))
    return [
        HistoryEntry(event.occurred_at, Verb(event.verb), event.actor_name, motive or "")
        for event, motive in db.session.execute(rows)
    ]


def list_verdicts(submission_id: UUID) -> Mapping[str, VerdictView]:
    """What the reviewers found so far, by criterion."""
    rows = db.session.scalars(sa.select(Verdict).where(Verdict.submission_id == submission_id))
    return {
        row.criterion: VerdictView(VerdictValue(row.verdict), row.comment, row.reviewer_name, row.version)
        for row in rows
    }
