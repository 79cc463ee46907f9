"""The life of a listing: enter the catalogue, suspend, reinstate, withdraw, expire."""

from uuid import UUID

import sqlalchemy as sa

from platform_core import clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Conflict
from store.errors import TransitionRefused
from store.models.listings import LISTING_NUMBER, Listing
from store.models.submissions import Submission
from store.rules import catalogue, dossier
from store.service.transitions import (
    check_other_organisation,
    lock_application,
    lock_listing,
    lock_present,
    locked,
    move,
)
from store.workflow import ListingState, SubmissionState, Verb


def list_application(*, application_id: UUID, by: Actor) -> str:
    """Put the application in the catalogue as its last accepted dossier says, and return its number.

    A listing that exists keeps its number and takes the new ceiling, entry and dates.
    Raises `Conflict` (`already-listed`) when that dossier is listed already.
    """
    application = lock_application(application_id)
    check_other_organisation(application.organisation_id, by)
    accepted = lock_accepted(application_id)
    listing = lock_listing(application_id) or Listing(application_id=application_id, number=_next_number())
    if listing.submission_id == accepted.id:
        raise Conflict("This dossier is listed already.", code="already-listed")
    ceiling = dossier.find_ceiling(accepted.dossier)
    if ceiling is None:
        raise Conflict("The dossier asks for no data.", code="ceiling-missing")
    listing.submission_id = accepted.id
    listing.listed_on = clock.today()
    listing.expires_on = catalogue.expiry(listing.listed_on)
    listing.ceiling = ceiling.to_json()
    listing.profile = accepted.dossier["technical"]["profile"]
    listing.entry = catalogue.public_entry(accepted.dossier)
    listing.search_text = catalogue.search_text(accepted.dossier)
    application.name = accepted.dossier["service"]["name"]
    move(listing, Verb.LIST, by=by)
    return listing.number


def suspend_listing(*, application_id: UUID, motive: str, by: Actor) -> None:
    """Stop every exchange of the application, from the commit on, until it is reinstated."""
    _sanction(application_id, Verb.SUSPEND, motive, by)


def reinstate_listing(*, application_id: UUID, motive: str, by: Actor) -> None:
    """Lift a suspension: each consent is again what it was."""
    _sanction(application_id, Verb.REINSTATE, motive, by)


def withdraw_listing(*, application_id: UUID, motive: str, by: Actor) -> None:
    """End the referencing for good."""
    _sanction(application_id, Verb.WITHDRAW, motive, by)


def _sanction(application_id: UUID, verb: Verb, motive: str, by: Actor) -> None:
    check_other_organisation(lock_application(application_id).organisation_id, by)
    listing = lock_listing(application_id)
    if listing is None:
        raise TransitionRefused(verb, None)
    move(listing, verb, by=by, motive=motive)


def expire_listings(*, by: Actor) -> int:
    """Record that listings passed their last day; nothing waits for it, dates are compared at each call."""
    due = sa.select(Listing).where(
        Listing.state.in_([ListingState.LISTED, ListingState.SUSPENDED]), Listing.expires_on < clock.today()
    )
    listings = db.session.scalars(due.limit(500).with_for_update(skip_locked=True)).all()
    for listing in listings:
        move(listing, Verb.EXPIRE, by=by)
    return len(listings)


def lock_accepted(application_id: UUID) -> Submission:
    accepted = sa.select(Submission).where(
        Submission.application_id == application_id, Submission.state == SubmissionState.ACCEPTED
    )
    found = db.session.scalar(locked(accepted.order_by(Submission.number.desc()).limit(1)))
    if found is None:
        raise TransitionRefused(Verb.LIST, lock_present(application_id).state)
    return found


def _next_number() -> str:
    return f"ENS-{clock.today().year}-{db.session.scalar(LISTING_NUMBER.next_value()):04d}"
