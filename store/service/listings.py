"""The life of a listing: enter the catalogue, suspend, reinstate, withdraw, expire."""

from uuid import UUID

import sqlalchemy as sa

from platform_core import clock
from platform_core.access import Actor
from platform_core.database import db
from store.errors import RoleRequired, TransitionRefused
from store.models.listings import LISTING_NUMBER, Listing
from store.models.submissions import Submission
from store.rules import catalogue, dossier, procedure, search
from store.service import facets, interop
from store.service.transitions import (
    check_other_organisation,
    lock_application,
    lock_listing,
    lock_present,
    move,
)
from store.workflow import LISTING, ListingState, ListingVerb, Role, SubmissionKind, SubmissionVerb


def list_application(*, application_id: UUID, by: Actor) -> str:
    """Put the application in the catalogue as its accepted dossier says, and return its number.

    A listing that exists keeps its number and takes the new ceiling and entry; a renewal also moves its last day. A
    pilot becomes an ordinary listing, under a number of its own: its consents go on, its limits end.
    Raises `TransitionRefused`, `Conflict` (`interop-pending` while behaviours are owed).
    """
    application = lock_application(application_id)
    check_other_organisation(application.organisation_id, by)
    submission = lock_present(application_id)
    interop.check_passed(submission)
    move(submission, SubmissionVerb.PUBLISH, by=by)
    listing = lock_listing(application_id) or Listing(application_id=application_id, number=_next_number())
    if listing.pilot_id is not None:
        listing.pilot_id, listing.number = None, _next_number()
    _fill(listing, submission)
    application.name = submission.dossier["service"]["name"]
    move(listing, ListingVerb.LIST, by=by)
    facets.recount(db.session.connection())
    return listing.number


def _fill(listing: Listing, submission: Submission) -> None:
    kind, today = SubmissionKind(submission.kind), clock.today()
    listing.expires_on = procedure.last_day(kind, listing.expires_on, today)
    if kind is not SubmissionKind.AMENDMENT or listing.listed_on is None:
        listing.listed_on = today
    listing.submission_id = submission.id
    listing.ceiling = dossier.asked_ceiling(submission.dossier).to_json()
    listing.profile = dossier.asked_profile(submission.dossier)
    listing.entry = catalogue.public_entry(submission.dossier)
    listing.search_text = search.search_text(submission.dossier)
    listing.facets = catalogue.facets(submission.dossier)


def suspend_listing(*, application_id: UUID, motive: str, by: Actor) -> None:
    """Stop every exchange of the application, from the commit on, until the authority reinstates it.

    The authority's act, or the publisher's on their own application.
    """
    _sanction(application_id, ListingVerb.SUSPEND, motive, by)


def reinstate_listing(*, application_id: UUID, motive: str, by: Actor) -> None:
    """Lift a suspension: each consent is again what it was."""
    _sanction(application_id, ListingVerb.REINSTATE, motive, by)


def withdraw_listing(*, application_id: UUID, motive: str, by: Actor) -> None:
    """End the referencing for good: the authority's act, or the publisher's on their own application."""
    _sanction(application_id, ListingVerb.WITHDRAW, motive, by)


def _sanction(application_id: UUID, verb: ListingVerb, motive: str, by: Actor) -> None:
    application = lock_application(application_id)
    is_own = by.has_role(Role.PUBLISHER) and application.organisation_id == by.organisation_id
    if not is_own or Role.PUBLISHER not in LISTING[verb].roles:
        check_other_organisation(application.organisation_id, by)
        if not by.has_role(Role.DECIDER):
            raise RoleRequired("This belongs to the deciders of the authority.")
    listing = lock_listing(application_id)
    if listing is None:
        raise TransitionRefused(verb, None)
    move(listing, verb, by=by, motive=motive)
    facets.recount(db.session.connection())


def expire_listings(*, by: Actor) -> int:
    """Record that listings passed their last day; nothing waits for it, dates are compared at each call."""
    due = sa.select(Listing).where(
        Listing.state.in_([ListingState.LISTED, ListingState.SUSPENDED]), Listing.expires_on < clock.today()
    )
    listings = db.session.scalars(due.limit(500).with_for_update(skip_locked=True)).all()
    for listing in listings:
        move(listing, ListingVerb.EXPIRE, by=by)
    if listings:
        facets.recount(db.session.connection())
    return len(listings)


def _next_number() -> str:
    return f"ENS-{clock.today().year}-{db.session.scalar(LISTING_NUMBER.next_value()):04d}"
