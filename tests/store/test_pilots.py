"""Pilots: opened for a selected candidacy within its call, shown with their limits, turned into ordinary listings."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from platform_core.access import SYSTEM
from platform_core.clock import FrozenClock, today
from platform_core.database import transaction
from platform_core.errors import Conflict, Invalid
from store.errors import FourEyes, Incomplete, MotiveRequired, RoleRequired, TransitionRefused
from store.queries import calls as queries
from store.queries.listings import ListingView, find_listing, find_pilot
from store.service import dossiers, listings, pilots, rehearsal
from store.workflow import ListingState, SubmissionState
from tests.store import piloting
from tests.store.conftest import People, bring_to, complete_dossier, fill, weight_item


@pytest.fixture
def application_id(people: People) -> UUID:
    return bring_to("draft", people)[0]


@pytest.fixture
def candidacy_id(application_id: UUID, people: People) -> UUID:
    """A candidacy that was selected, in a call that is concluded."""
    call_id = piloting.publish(people.ines, people.omar)
    candidacy_id = piloting.file(call_id, application_id, people.alice)
    piloting.select(call_id, candidacy_id, (people.ines, people.noe), people.omar)
    return candidacy_id


def _listing(application_id: UUID) -> ListingView:
    with transaction():
        listing = find_listing(application_id)
    assert listing is not None
    return listing


def test_a_pilot_is_a_live_listing_with_limits(people: People, application_id: UUID, candidacy_id: UUID) -> None:
    number = piloting.open_pilot(candidacy_id, people.omar)
    listing = _listing(application_id)
    assert (listing.is_live, listing.number, listing.expires_on) == (True, number, today() + timedelta(days=90))
    assert number.startswith("EXP-")
    assert listing.pilot is not None
    assert (listing.pilot.regions, listing.pilot.places_left) == (["52"], 10)


def test_the_ceiling_of_a_pilot_stays_within_the_categories_and_days_of_its_call(people: People) -> None:
    items = [weight_item("read"), weight_item("read", category="storetest.bmi")]
    application_id, _ = bring_to("draft", people, data={"items": items})
    call_id = piloting.publish(people.ines, people.omar)
    candidacy_id = piloting.file(call_id, application_id, people.alice)
    piloting.select(call_id, candidacy_id, (people.ines, people.noe), people.omar)
    piloting.open_pilot(candidacy_id, people.omar)
    ceiling = _listing(application_id).ceiling
    assert [item.category for item in ceiling.items] == ["storetest.weight"]
    assert ceiling.duration_days == 90


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"regions": ["11"]}, "regions"),
        ({"regions": []}, "regions"),
        ({"places": 101}, "places"),
        ({"places": 0}, "places"),
        ({"days": 181}, "ends_on"),
        ({"days": 0}, "ends_on"),
    ],
)
def test_a_pilot_stays_within_its_call(people: People, candidacy_id: UUID, limits: dict[str, Any], field: str) -> None:
    if "days" in limits:
        limits = {"ends_on": today() + timedelta(days=limits["days"])}
    with pytest.raises(Invalid) as refused:
        piloting.open_pilot(candidacy_id, people.omar, **limits)
    assert [fault.where for fault in refused.value.faults] == [field]


def test_all_pilots_of_a_call_share_its_places(people: People, application_id: UUID) -> None:
    call_id = piloting.publish(people.ines, people.omar, places=15)
    first = piloting.file(call_id, application_id, people.alice)
    second = piloting.file(call_id, bring_to("draft", people, "Pesée+")[0], people.alice)
    piloting.choose_all(call_id, (first, second), (people.ines, people.noe), people.omar)
    piloting.open_pilot(first, people.omar, places=10)
    with pytest.raises(Invalid):
        piloting.open_pilot(second, people.omar, places=6)
    assert piloting.open_pilot(second, people.omar, places=5)


def test_a_pilot_needs_a_selected_candidacy_a_decider_and_a_motive(people: People, application_id: UUID) -> None:
    call_id = piloting.publish(people.ines, people.omar)
    candidacy_id = piloting.file(call_id, application_id, people.alice)
    with pytest.raises(Conflict, match="selected"):
        piloting.open_pilot(candidacy_id, people.omar)
    piloting.select(call_id, candidacy_id, (people.ines, people.noe), people.omar)
    with pytest.raises(RoleRequired):
        piloting.open_pilot(candidacy_id, people.claire)
    with pytest.raises(FourEyes):
        piloting.open_pilot(candidacy_id, people.noe)
    with pytest.raises(MotiveRequired):
        piloting.open_pilot(candidacy_id, people.omar, motive=" ")
    piloting.open_pilot(candidacy_id, people.omar)
    with pytest.raises(TransitionRefused):
        piloting.open_pilot(candidacy_id, people.omar)


def test_a_pilot_tells_what_its_page_needs(people: People) -> None:
    with transaction():
        application_id = dossiers.create_application(name="Pesée+", by=people.alice)
        fill(application_id, people.alice, {k: v for k, v in complete_dossier().items() if k != "hosting"})
    call_id = piloting.publish(people.ines, people.omar)
    candidacy_id = piloting.file(call_id, application_id, people.alice)
    piloting.select(call_id, candidacy_id, (people.ines, people.noe), people.omar)
    with pytest.raises(Incomplete) as refused:
        piloting.open_pilot(candidacy_id, people.omar)
    assert {fault.where.split(".")[0] for fault in refused.value.faults} == {"hosting"}


def test_a_pilot_is_suspended_reinstated_and_ends_with_its_period(
    clock: FrozenClock, people: People, application_id: UUID, candidacy_id: UUID
) -> None:
    piloting.open_pilot(candidacy_id, people.omar)
    act = {"application_id": application_id, "motive": "Vérification.", "by": people.omar}
    with transaction():
        listings.suspend_listing(**act)
        listings.reinstate_listing(**act)
    clock.move(days=91)
    assert not _listing(application_id).is_live
    with transaction():
        assert listings.expire_listings(by=SYSTEM) == 1
    assert _listing(application_id).state is ListingState.EXPIRED


@pytest.mark.parametrize("days", [0, 91], ids=["during", "after"])
def test_a_pilot_becomes_an_ordinary_listing_by_the_dossier_that_it_has_already(
    clock: FrozenClock, people: People, application_id: UUID, candidacy_id: UUID, days: int
) -> None:
    piloting.open_pilot(candidacy_id, people.omar)
    submission_id = _listing(application_id).submission_id
    clock.move(days=days)
    with transaction():
        listings.expire_listings(by=SYSTEM)
        dossiers.submit(application_id=application_id, by=people.alice)
        rehearsal.advance(submission_id=submission_id, to=SubmissionState.LISTED, cast=people.cast)
        assert find_pilot(application_id) is None
    listing = _listing(application_id)
    assert listing.is_live
    assert listing.number.startswith("ENS-")
    assert listing.expires_on > today() + timedelta(days=365)
    with transaction():
        found = queries.find_own_report(application_id, by=people.alice)
    assert found is not None


def test_results_are_told_once_the_pilot_is_over_a_number_for_each_indicator(
    clock: FrozenClock, people: People, application_id: UUID, candidacy_id: UUID
) -> None:
    piloting.open_pilot(candidacy_id, people.omar)
    told: dict[str, Any] = {"application_id": application_id, "conclusion": "À étendre.", "by": people.alice}
    with pytest.raises(Conflict, match="once it is over"), transaction():
        pilots.report_results(values={"i1": "62,5"}, **told)
    clock.move(days=91)
    with pytest.raises(Invalid), transaction():
        pilots.report_results(values={"i1": "beaucoup"}, **told)
    with transaction():
        pilots.report_results(values={"i1": "62,5"}, **told)
        report = queries.find_pilot_of(candidacy_id)
    assert report is not None
    assert report.is_over
    assert (report.results, report.conclusion) == ({"i1": "62,5"}, "À étendre.")
