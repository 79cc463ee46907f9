"""What the authority watches among listed applications: evidence and listings that end, suspensions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa

from platform_core import clock
from platform_core.database import db
from store.models.applications import Application
from store.models.evidence import Evidence, EvidenceLink
from store.models.listings import Listing
from store.rules.evidence import KINDS, EvidenceKind
from store.rules.procedure import PROCEDURE
from store.workflow import ListingState

_SHOWN = 100
_LIVE = (ListingState.LISTED, ListingState.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Ending:
    """A listing, its present dossier, and its last day."""

    application_id: UUID
    submission_id: UUID
    name: str
    number: str
    state: ListingState
    expires_on: date

    @property
    def days_left(self) -> int:
        return (self.expires_on - clock.today()).days


@dataclass(frozen=True, slots=True)
class ExpiringEvidence:
    """A piece of evidence that backs a live listing, and what it backs there."""

    submission_id: UUID
    name: str
    evidence_id: UUID
    kind: EvidenceKind
    title: str
    targets: Sequence[str]
    valid_until: date

    @property
    def days_left(self) -> int:
        return (self.valid_until - clock.today()).days


def list_expiring_evidence(within_days: int = 90) -> Sequence[ExpiringEvidence]:
    """The evidence of live listings that is past, or ends within so many days, the first to end on top."""
    rows = db.session.execute(
        sa.select(
            Listing.submission_id,
            Application.name,
            Evidence.id,
            Evidence.kind,
            Evidence.title,
            sa.func.array_agg(sa.distinct(EvidenceLink.target)).label("targets"),
            Evidence.valid_until,
        )
        .join(Application, Application.id == Listing.application_id)
        .join(EvidenceLink, EvidenceLink.submission_id == Listing.submission_id)
        .join(Evidence, Evidence.id == EvidenceLink.evidence_id)
        .where(
            Listing.state.in_(_LIVE),
            EvidenceLink.unlinked_at.is_(None),
            Evidence.superseded_by.is_(None),
            Evidence.valid_until <= clock.today() + timedelta(days=within_days),
        )
        .group_by(Listing.submission_id, Application.name, Evidence.id)
        .order_by(Evidence.valid_until, Evidence.id)
        .limit(_SHOWN)
    )
    return [
        ExpiringEvidence(r.submission_id, r.name, r.id, KINDS[r.kind], r.title, r.targets, r.valid_until) for r in rows
    ]


def list_ending_listings() -> Sequence[Ending]:
    """The live listings that may be renewed, the first to end on top."""
    until = clock.today() + timedelta(days=PROCEDURE["renewal_from_days"])
    return _listings(Listing.state.in_(_LIVE), Listing.expires_on <= until)


def list_suspended() -> Sequence[Ending]:
    """The listings that are suspended, the first to end on top."""
    return _listings(Listing.state == ListingState.SUSPENDED)


def _listings(*wanted: sa.ColumnElement[bool]) -> Sequence[Ending]:
    rows = sa.select(Listing, Application.name).join(Application, Application.id == Listing.application_id)
    found = db.session.execute(rows.where(*wanted).order_by(Listing.expires_on, Listing.number).limit(_SHOWN))
    return [
        Ending(one.application_id, one.submission_id, name, one.number, ListingState(one.state), one.expires_on)
        for one, name in found
    ]
