"""The referencing of an application, as approved."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from platform_core import clock
from platform_core.database import db
from platform_core.permission import Ceiling
from store.models.applications import Application
from store.models.calls import Pilot
from store.models.listings import Listing
from store.workflow import ListingState


@dataclass(frozen=True, slots=True)
class PilotView:
    """The limits of an experiment; `regions` are INSEE codes, `ends_on` its last day."""

    id: UUID
    regions: Sequence[str]
    places: int
    taken: int
    opened_at: datetime
    ends_on: date

    @property
    def places_left(self) -> int:
        return self.places - self.taken


@dataclass(frozen=True, slots=True)
class ListingView:
    """The referencing of an application, as approved. `entry` holds the public sections of its dossier.

    `pilot` holds the limits of an experiment, which was not examined as the others were.
    """

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
    pilot: PilotView | None = None

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


def find_listing(application_id: UUID) -> ListingView | None:
    """The listing of an application, whatever its state; None when it was never listed."""
    row = db.session.execute(select_listings().where(Application.id == application_id)).one_or_none()
    return listing_view(row) if row else None


def find_listings(application_ids: Collection[UUID]) -> dict[UUID, ListingView]:
    """The listings of these applications, by application, without those that were never listed."""
    if not application_ids:
        return {}
    rows = db.session.execute(select_listings().where(Application.id.in_(application_ids)))
    return {listing.application_id: listing for listing in map(listing_view, rows)}


def find_pilot(application_id: UUID) -> PilotView | None:
    """The limits of an application that is listed as an experiment now; None for every other one."""
    row = sa.select(Pilot).join(Listing, Listing.pilot_id == Pilot.id).where(Listing.application_id == application_id)
    pilot = db.session.scalar(row.execution_options(populate_existing=True))
    return pilot_view(pilot) if pilot else None


def select_listings() -> sa.Select[str, str, Listing, Pilot | None]:
    return (
        sa.select(Application.name, Application.slug, Listing, Pilot)
        .select_from(Application)
        .join(Listing)
        .outerjoin(Pilot, Pilot.id == Listing.pilot_id)
    )


def listing_view(row: sa.Row[str, str, Listing, Pilot | None]) -> ListingView:
    name, slug, listing, pilot = row
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
        pilot_view(pilot) if pilot else None,
    )


def pilot_view(pilot: Pilot) -> PilotView:
    return PilotView(pilot.id, pilot.regions, pilot.places, pilot.taken, pilot.opened_at, pilot.ends_on)
