"""A dossier from its draft to the catalogue: what is edited and by whom, what is written and never rewritten."""

from typing import Any

import pytest
import sqlalchemy as sa

from platform_core.access import Access
from platform_core.clock import FrozenClock
from platform_core.database import db, transaction
from platform_core.errors import Invalid, NotFound, VersionMismatch
from platform_core.permission import Periodicity, Purpose, Unit
from store.errors import Incomplete, TransitionRefused
from store.queries.applications import get_application
from store.queries.history import list_history
from store.queries.listings import find_listing
from store.queries.submissions import get_own_submission, get_submission
from store.rules.dossier import section_version
from store.service import dossiers
from store.workflow import ListingState, SubmissionState
from tests.store.conftest import ORIENTATION, People, bring_to, complete_dossier, weight_item


def test_a_dossier_goes_from_draft_to_the_catalogue(people: People, clock: FrozenClock) -> None:
    application_id, submission_id = bring_to("listed", people)
    with transaction():
        listing = find_listing(application_id)
        assert listing is not None
        assert (listing.state, listing.is_live, listing.number[:9]) == (ListingState.LISTED, True, "ENS-2026-")
        assert (listing.expires_on - listing.listed_on).days == 1096
        item = listing.ceiling.find("storetest.weight", Access.READ)
        assert item is not None
        assert (item.periodicity, item.history_days, item.required) == (Periodicity.recurring(1, Unit.DAY), 365, True)
        assert listing.ceiling.purposes == {Purpose.PREVENTION}
        assert get_submission(submission_id).state is SubmissionState.LISTED
        assert [(entry.subject, entry.verb) for entry in reversed(list_history(application_id))] == [
            *(("submission", verb) for verb in ("submit", "take_in_charge", "declare_admissible", "start_evaluation")),
            *(("submission", verb) for verb in ("give_opinion", "accept", "sign_convention")),
            *(("submission", verb) for verb in ("countersign_convention", "start_interop_tests")),
            *(("submission", verb) for verb in ("pass_interop_tests", "publish")),
            ("listing", "list"),
        ]


def test_a_draft_may_be_incomplete_but_is_not_submitted(people: People) -> None:
    with transaction():
        application_id = dossiers.create_application(name="Sommeil Zen", orientation=ORIENTATION, by=people.alice)
    with pytest.raises(Incomplete) as refused, transaction():
        dossiers.submit(application_id=application_id, by=people.alice)
    missing = {fault.where for fault in refused.value.faults}
    assert {"service.tagline", "data.items", "hosting.hoster", "privacy.risks", "technical.profile"} <= missing
    assert "company.siren" not in missing


@pytest.mark.parametrize(
    ("item", "where"),
    [
        (weight_item("read", category="storetest.unheard"), "category"),
        (weight_item("write", category="storetest.bmi"), "category"),
        (weight_item("read", periodicity={"max": 500, "per": "day"}), "periodicity"),
        (weight_item("read", why="Court."), "why"),
        (weight_item("read", history_days=0), "history_days"),
    ],
)
def test_an_item_that_cannot_be_asked_is_refused_in_a_draft_already(
    people: People, item: dict[str, Any], where: str
) -> None:
    with transaction():
        application_id = dossiers.create_application(name="Sommeil Zen", by=people.alice)
    version = section_version({}, "data")
    with pytest.raises(Invalid) as refused, transaction():
        dossiers.save_item(application_id=application_id, item=item, version=version, by=people.alice)
    assert [fault.where for fault in refused.value.faults] == [f"data.items.0.{where}"]


def test_saving_the_purposes_keeps_the_items(people: People) -> None:
    application_id, _ = bring_to("draft", people)
    with transaction():
        version = section_version(get_own_submission(application_id, by=people.alice).dossier, "data")
        dossiers.save_section(
            application_id=application_id,
            section="data",
            values={"purposes": ["soins"], "duration_days": 31},
            version=version,
            by=people.alice,
        )
    with transaction():
        data = get_own_submission(application_id, by=people.alice).dossier["data"]
    assert data == {"purposes": ["soins"], "duration_days": 31, "items": [weight_item("read")]}


def test_a_colleague_who_saved_the_same_section_first_is_not_overwritten(people: People) -> None:
    application_id, _ = bring_to("draft", people)
    with transaction():
        read = get_own_submission(application_id, by=people.alice).dossier
    hosting, technical = section_version(read, "hosting"), section_version(read, "technical")
    theirs = {**complete_dossier()["hosting"], "hoster": "Autre Nuage"}
    with transaction():
        dossiers.save_section(
            application_id=application_id, section="hosting", values=theirs, version=hosting, by=people.alice
        )
    with pytest.raises(VersionMismatch), transaction():
        dossiers.save_section(
            application_id=application_id, section="hosting", values={}, version=hosting, by=people.alice
        )
    with transaction():
        dossiers.save_section(
            application_id=application_id,
            section="technical",
            values={"profile": "smart"},
            version=technical,
            by=people.alice,
        )
        present = get_own_submission(application_id, by=people.alice).dossier
    assert (present["hosting"], present["technical"]) == (theirs, {"profile": "smart"})


@pytest.mark.parametrize("state", ["submitted", "in_evaluation", "accepted"])
def test_a_dossier_being_examined_or_decided_is_not_edited(people: People, state: str) -> None:
    application_id, _ = bring_to(state, people)
    version = section_version(complete_dossier(), "technical")
    with pytest.raises(TransitionRefused), transaction():
        dossiers.save_section(
            application_id=application_id, section="technical", values={}, version=version, by=people.alice
        )


def test_another_organisation_does_not_see_the_file(people: People) -> None:
    application_id, _ = bring_to("draft", people)
    with pytest.raises(NotFound), transaction():
        get_own_submission(application_id, by=people.bruno)
    with pytest.raises(NotFound), transaction():
        dossiers.submit(application_id=application_id, by=people.bruno)


def test_names_alike_get_addresses_of_their_own(people: People) -> None:
    with transaction():
        ids = [dossiers.create_application(name=name, by=people.alice) for name in ("Été à deux", "ete a deux", "++")]
        slugs = [get_application(identifier).slug for identifier in ids]
    assert slugs == ["ete-a-deux", "ete-a-deux-2", "application"]


def test_history_and_decisions_cannot_be_rewritten_by_the_application(people: People) -> None:
    bring_to("listed", people)
    for statement in (
        "UPDATE store_decision SET motive = 'x'",
        "DELETE FROM store_decision",
        "UPDATE store_event SET actor_name = 'x'",
        "DELETE FROM store_event",
    ):
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), transaction():
            db.session.execute(sa.text(statement))
