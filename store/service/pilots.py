"""Pilots: a listing limited to a region, a number of people and a period; its places; its measured results."""

from collections.abc import Collection, Mapping
from datetime import date
from uuid import UUID

import sqlalchemy as sa

from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Conflict, NotFound
from store.errors import Incomplete, TransitionRefused
from store.models.applications import Application
from store.models.calls import Call, Candidacy, Pilot
from store.models.listings import LISTING_NUMBER, Listing
from store.models.submissions import Submission
from store.rules import calls as rules
from store.rules import catalogue, dossier, grid, search
from store.rules.calls import Terms
from store.service import facets
from store.service.calls import lock_call
from store.service.independence import check_not_scorer
from store.service.transitions import (
    check_other_organisation,
    lock_application,
    lock_listing,
    lock_present,
    locked,
    move,
    own_application,
)
from store.workflow import CallState, CandidacyState, ListingVerb

NEEDED = ("orientation", "service", "company", "data", "hosting", "privacy", "technical", "catalogue")
"""The sections of the dossier that a pilot needs: what its page and the consent screen tell."""


def open_pilot(
    *, candidacy_id: UUID, regions: Collection[str], places: int, ends_on: date, motive: str, by: Actor
) -> str:
    """Put the application of a selected candidacy in the catalogue as an experiment; gives its number.

    Its ceiling is what the dossier asks within the categories of the call. Raises `Conflict` (`not-selected`,
    `nothing-to-exchange`), `Incomplete` for the sections that a pilot needs, `Invalid` (`beyond-call`),
    `TransitionRefused` when the application was ever listed, `FourEyes`, `OwnOrganisation`, `RoleRequired`.
    """
    candidacy = db.session.get(Candidacy, candidacy_id)
    if candidacy is None:
        raise NotFound("This candidacy does not exist.")
    application = lock_application(candidacy.application_id)
    check_other_organisation(application.organisation_id, by)
    check_not_scorer(candidacy_id, by)
    call = _lock_selected(candidacy)
    if lock_listing(application.id) is not None:
        raise TransitionRefused(ListingVerb.OPEN_PILOT, "listed")
    terms, today = Terms.from_json(call.terms), clock.today()
    left = terms.places - _places_given(call.id)
    rules.check_limits(terms, regions=regions, places=places, left=left, today=today, ends_on=ends_on)
    submission = lock_present(application.id)
    pilot = Pilot(
        application_id=application.id,
        call_id=call.id,
        candidacy_id=candidacy_id,
        regions=sorted(regions),
        places=places,
        taken=0,
        opened_at=clock.now(),
        ends_on=ends_on,
    )
    db.session.add(pilot)
    db.session.flush()
    listing = _listing(application, submission, terms, pilot)
    move(listing, ListingVerb.OPEN_PILOT, by=by, motive=motive)
    facets.recount(db.session.connection())
    return listing.number


def _lock_selected(candidacy: Candidacy) -> Call:
    call = lock_call(candidacy.call_id)
    db.session.refresh(candidacy)
    if call.state != CallState.SELECTED or candidacy.state != CandidacyState.SELECTED:
        raise Conflict(
            "A pilot opens for a candidacy that was selected, once the call is concluded.", code="not-selected"
        )
    return call


def _places_given(call_id: UUID) -> int:
    given = sa.select(sa.func.coalesce(sa.func.sum(Pilot.places), 0)).where(Pilot.call_id == call_id)
    return db.session.scalars(given).one()


def _listing(application: Application, submission: Submission, terms: Terms, pilot: Pilot) -> Listing:
    content, today = submission.dossier, clock.today()
    faults = dossier.list_faults(content, grid.load(submission.grid_version))
    if missing := [fault for fault in faults if dossier.section_of(fault) in NEEDED]:
        raise Incomplete("The dossier lacks what a pilot must tell.", faults=missing)
    ceiling = rules.pilot_ceiling(dossier.asked_ceiling(content), terms, today, pilot.ends_on)
    if not ceiling.items:
        raise Conflict("The dossier asks for no data that the call allows.", code="nothing-to-exchange")
    application.name = content["service"]["name"]
    return Listing(
        application_id=application.id,
        submission_id=submission.id,
        pilot_id=pilot.id,
        number=f"EXP-{today.year}-{db.session.scalar(LISTING_NUMBER.next_value()):04d}",
        listed_on=today,
        expires_on=pilot.ends_on,
        ceiling=ceiling.to_json(),
        profile=dossier.asked_profile(content),
        entry=catalogue.public_entry(content),
        search_text=search.search_text(content),
        facets=catalogue.facets(content),
    )


def take_place(*, pilot_id: UUID, region: str | None) -> None:
    """Give a place of a pilot to somebody who enters it. Raises as `rules.calls.check_entry`.

    One statement counts: when the last place is asked for many times at once, one gets it. It is given back when the
    transaction fails.
    """
    pilot = db.session.get_one(Pilot, pilot_id)
    rules.check_entry(region=region, regions=pilot.regions, is_full=False)
    taken = sa.update(Pilot).where(Pilot.id == pilot_id, Pilot.taken < Pilot.places)
    counted = taken.values(taken=Pilot.taken + 1).returning(Pilot.taken)
    if db.session.scalar(counted.execution_options(synchronize_session=False)) is None:
        rules.check_entry(region=region, regions=pilot.regions, is_full=True)


def report_results(*, application_id: UUID, values: Mapping[str, str], conclusion: str, by: Actor) -> None:
    """Publish what a pilot measured, on the page of its call, once it is over.

    Raises `Conflict` (`pilot-running`), `Invalid` (`results-invalid`), `NotFound`, `RoleRequired`.
    """
    own_application(application_id, by=by)
    pilot = db.session.scalar(locked(sa.select(Pilot).where(Pilot.application_id == application_id)))
    if pilot is None:
        raise NotFound("This application had no pilot.")
    if clock.today() <= pilot.ends_on:
        raise Conflict("The results of a pilot are given once it is over.", code="pilot-running")
    terms = Terms.from_json(db.session.get_one(Call, pilot.call_id).terms)
    rules.check_results(terms.indicators, values, conclusion)
    pilot.results = {one.code: values[one.code] for one in terms.indicators}
    pilot.conclusion, pilot.reported_at = conclusion.strip(), clock.now()
    audit.record("store:pilot:report_results", by=by, object_type="application", object_id=application_id)
