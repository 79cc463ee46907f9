"""The demonstration applications."""

from platform_core.access import Access
from platform_core.database import transaction
from store.queries.listings import find_listing
from store.queries.queue import list_applications
from store.service.demo import seed_applications
from store.workflow import ListingState, SubmissionState
from tests.store.conftest import People


def seed(people: People) -> dict:
    actors = {
        "alice": people.alice,
        "bruno": people.bruno,
        "ines": people.ines,
        "claire": people.claire,
        "omar": people.omar,
    }
    with transaction():
        return dict(seed_applications(actors=actors))


def test_each_demonstration_application_reaches_its_state(people: People) -> None:
    ids = seed(people)
    with transaction():
        found = {name: find_listing(identifier) for name, identifier in ids.items()}
        rows = [*list_applications(by=people.alice), *list_applications(by=people.bruno)]
    assert {name: view.state if view else None for name, view in found.items()} == {
        "Balance+": ListingState.LISTED,
        "TensioConnect": None,
        "RDV Facile": ListingState.LISTED,
        "Portail CHU": ListingState.LISTED,
        "PodoPas": ListingState.SUSPENDED,
        "Sommeil Zen": None,
    }
    states = {row.name: row.state for row in rows}
    assert (states["TensioConnect"], states["Sommeil Zen"]) == (SubmissionState.IN_EVALUATION, SubmissionState.DRAFT)


def test_balance_plus_may_read_and_write_the_measures_of_its_devices(people: People) -> None:
    ids = seed(people)
    with transaction():
        listing = find_listing(ids["Balance+"])
    assert listing is not None
    for kind in ("body-weight", "body-height", "blood-pressure", "heart-rate", "temperature", "steps"):
        for access in Access:
            assert listing.ceiling.find(f"measures.{kind}", access), kind
    assert listing.ceiling.find("measures.bmi", Access.WRITE) is None


def test_seeding_twice_changes_nothing(people: People) -> None:
    assert seed(people) == seed(people)
    with transaction():
        assert len(list_applications(by=people.alice)) == 3
