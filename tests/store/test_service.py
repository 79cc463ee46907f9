"""Use cases of the referencing: who may do what, what is written, who wins when two act at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from platform_core import events
from platform_core.access import SYSTEM, Access
from platform_core.clock import FrozenClock
from platform_core.database import db, transaction
from platform_core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, VersionMismatch
from platform_core.permission import Periodicity, Purpose, Unit
from store.errors import CriteriaNotMet, FourEyes, Incomplete, OwnOrganisation, RoleRequired, TransitionRefused
from store.events import ApplicationListed, ApplicationReinstated, ApplicationSuspended, ApplicationWithdrawn
from store.queries.applications import get_application
from store.queries.catalogue import list_listed
from store.queries.history import list_history
from store.queries.listings import find_listing
from store.queries.submissions import get_own_submission, get_submission
from store.queries.verdicts import list_verdicts
from store.rules.dossier import section_version
from store.rules.grid import Verdict
from store.service import dossiers, listings, reviews
from store.workflow import ListingState, SubmissionState, Verb
from tests.store.conftest import People, bring_to, complete_dossier, fill, find_all_conforming, weight_item


def _race(app: Flask, first: Callable[[], Any], second: Callable[[], Any]) -> list[type[BaseException] | None]:
    """Run two acts at the same instant, each in its own transaction; what each raised."""
    barrier = Barrier(2)

    def run(act: Callable[[], Any]) -> type[BaseException] | None:
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    act()
            except DomainError as refused:
                return type(refused)
        return None

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, (first, second)))


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
        assert get_submission(submission_id).state is SubmissionState.ACCEPTED
        assert [entry.verb for entry in list_history(application_id)] == [
            Verb.LIST,
            Verb.ACCEPT,
            Verb.TAKE_IN_CHARGE,
            Verb.SUBMIT,
        ]


def test_the_publisher_sees_no_internal_proposal_and_reviewers_do(people: People) -> None:
    application_id, _ = bring_to("proposed", people)
    with transaction():
        public = {entry.verb for entry in list_history(application_id)}
        internal = {entry.verb for entry in list_history(application_id, internal=True)}
    assert internal - public == {Verb.PROPOSE_ACCEPTANCE}


def test_a_draft_may_be_incomplete_but_is_not_submitted(people: People) -> None:
    with transaction():
        application_id = dossiers.create_application(name="Sommeil Zen", by=people.alice)
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


def test_a_draft_is_not_the_reviewers_business(people: People) -> None:
    _, submission_id = bring_to("draft", people)
    with pytest.raises(NotFound), transaction():
        get_submission(submission_id)
    with pytest.raises(NotFound), transaction():
        reviews.take_in_charge(submission_id=submission_id, by=people.ines)


def test_complements_give_the_dossier_back_and_cancel_the_proposal(people: People) -> None:
    application_id, submission_id = bring_to("proposed", people)
    with transaction():
        reviews.request_complements(submission_id=submission_id, motive="Précisez les risques.", by=people.ines)
    with transaction():
        fill(application_id, people.alice)
        dossiers.submit(application_id=application_id, by=people.alice)
    with transaction():
        view = get_submission(submission_id)
        assert (view.state, view.proposal) == (SubmissionState.IN_EVALUATION, None)
    with pytest.raises(Conflict) as refused, transaction():
        reviews.accept(submission_id=submission_id, motive="Oui.", by=people.omar)
    assert refused.value.code == "proposal-missing"


def test_who_evaluates_does_not_decide(people: People) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    with transaction():
        find_all_conforming(submission_id, people.noe)
        reviews.propose(submission_id=submission_id, favourable=True, motive="Conforme.", by=people.ines)
    for decide in (reviews.accept, reviews.refuse):
        with pytest.raises(FourEyes), transaction():
            decide(submission_id=submission_id, motive="Oui.", by=people.noe)
    with transaction():
        reviews.accept(submission_id=submission_id, motive="Oui.", by=people.omar)


@pytest.mark.parametrize("act", [reviews.take_in_charge, reviews.request_complements, reviews.accept, reviews.refuse])
def test_nobody_examines_a_file_of_their_own_organisation(people: People, act: Callable[..., None]) -> None:
    _, submission_id = bring_to("submitted", people)
    insider = type(people.ines)(
        people.ines.kind,
        people.ines.id,
        "Inès",
        organisation_id=people.alice.organisation_id,
        roles=frozenset({"reviewer", "decider", "publisher"}),
    )
    arguments = {} if act is reviews.take_in_charge else {"motive": "Motif."}
    with pytest.raises(OwnOrganisation), transaction():
        act(submission_id=submission_id, by=insider, **arguments)


def test_a_reviewer_does_not_decide_and_a_decider_does_not_review(people: People) -> None:
    _, submission_id = bring_to("proposed", people)
    with pytest.raises(Forbidden), transaction():
        reviews.accept(submission_id=submission_id, motive="Oui.", by=people.ines)
    with pytest.raises(RoleRequired), transaction():
        _find(submission_id, Verdict.CONFORMING, by=people.omar)


def _find(
    submission_id: Any, verdict: Verdict, *, by: Any, criterion: str = "SEC-01", version: int = 1, **more: Any
) -> None:
    reviews.record_verdict(
        submission_id=submission_id,
        criterion=criterion,
        verdict=verdict,
        comment=more.get("comment", ""),
        version=version,
        by=by,
    )


@pytest.mark.parametrize("verdict", [Verdict.NOT_CONFORMING, Verdict.TO_CLARIFY])
def test_an_obligatory_criterion_not_met_forbids_acceptance_not_refusal(people: People, verdict: Verdict) -> None:
    _, submission_id = bring_to("proposed", people)
    with transaction():
        _find(submission_id, verdict, by=people.ines, comment="Le certificat a expiré.")
    with pytest.raises(CriteriaNotMet), transaction():
        reviews.propose(submission_id=submission_id, favourable=True, motive="Conforme.", by=people.ines)
    with transaction():
        reviews.propose(submission_id=submission_id, favourable=False, motive="Hébergement.", by=people.ines)
    with pytest.raises(CriteriaNotMet), transaction():
        reviews.accept(submission_id=submission_id, motive="Oui.", by=people.omar)
    with transaction():
        reviews.refuse(submission_id=submission_id, motive="Hébergement non certifié.", by=people.omar)


def test_an_optional_criterion_not_met_does_not(people: People) -> None:
    _, submission_id = bring_to("proposed", people)
    with transaction():
        _find(submission_id, Verdict.NOT_CONFORMING, by=people.ines, criterion="SEC-03", comment="Pas de test.")
        reviews.propose(submission_id=submission_id, favourable=True, motive="Conforme.", by=people.ines)
    with transaction():
        reviews.accept(submission_id=submission_id, motive="Oui.", by=people.omar)


@pytest.mark.parametrize(
    ("verdict", "criterion", "comment", "code"),
    [
        (Verdict.NOT_CONFORMING, "SEC-01", " ", "comment-required"),
        (Verdict.TO_CLARIFY, "SEC-01", "", "comment-required"),
        (Verdict.NOT_APPLICABLE, "ETH-02", "", "comment-required"),
        (Verdict.NOT_APPLICABLE, "SEC-01", "Sans hébergement.", "always-applies"),
    ],
)
def test_a_verdict_that_says_no_says_why(
    people: People, verdict: Verdict, criterion: str, comment: str, code: str
) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    with pytest.raises(Invalid) as refused, transaction():
        _find(submission_id, verdict, by=people.ines, criterion=criterion, comment=comment, version=0)
    assert refused.value.code == code


def test_two_reviewers_on_one_criterion_do_not_overwrite_each_other(people: People) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    with transaction():
        _find(submission_id, Verdict.CONFORMING, by=people.ines, version=0)
    with pytest.raises(VersionMismatch), transaction():
        _find(submission_id, Verdict.NOT_CONFORMING, by=people.noe, version=0, comment="Expiré.")
    with transaction():
        assert list_verdicts(submission_id)["SEC-01"].verdict is Verdict.CONFORMING


def test_two_deciders_at_once_one_wins_and_the_other_is_told(app: Flask, people: People) -> None:
    application_id, submission_id = bring_to("proposed", people)
    raised = _race(
        app,
        lambda: reviews.accept(submission_id=submission_id, motive="Oui.", by=people.omar),
        lambda: reviews.refuse(submission_id=submission_id, motive="Non.", by=people.zoe),
    )
    assert sorted(raised, key=str) == [TransitionRefused, None]
    with transaction():
        state = get_submission(submission_id).state
        decided = [e.verb for e in list_history(application_id) if e.verb in {Verb.ACCEPT, Verb.REFUSE}]
    assert decided == [Verb.ACCEPT if raised[0] is None else Verb.REFUSE]
    assert state == (SubmissionState.ACCEPTED if raised[0] is None else SubmissionState.REFUSED)


def test_two_deciders_listing_at_once_give_one_number(app: Flask, people: People) -> None:
    application_id, _ = bring_to("accepted", people)
    raised = _race(
        app,
        lambda: listings.list_application(application_id=application_id, by=people.omar),
        lambda: listings.list_application(application_id=application_id, by=people.zoe),
    )
    assert sorted(raised, key=str) == [Conflict, None]


def test_two_publishers_reopening_at_once_open_one_draft(app: Flask, people: People) -> None:
    application_id, _ = bring_to("listed", people)
    again = lambda: dossiers.open_submission(application_id=application_id, by=people.alice)  # noqa: E731
    assert sorted(_race(app, again, again), key=str) == [TransitionRefused, None]


def test_amending_keeps_the_live_listing_until_the_new_dossier_is_listed(people: People) -> None:
    application_id, _ = bring_to("listed", people)
    with transaction():
        before = find_listing(application_id)
        dossiers.open_submission(application_id=application_id, by=people.alice)
        amended = {**complete_dossier()["service"], "name": "Balance++"}
        fill(application_id, people.alice, {"service": amended, "technical": {"profile": "smart"}})
        submission_id = get_own_submission(application_id, by=people.alice).id
        dossiers.submit(application_id=application_id, by=people.alice)
        reviews.take_in_charge(submission_id=submission_id, by=people.ines)
        find_all_conforming(submission_id, people.ines)
        reviews.propose(submission_id=submission_id, favourable=True, motive="Conforme.", by=people.ines)
        reviews.accept(submission_id=submission_id, motive="Oui.", by=people.omar)
    with transaction():
        assert find_listing(application_id) == before
        listings.list_application(application_id=application_id, by=people.omar)
    with transaction():
        after = find_listing(application_id)
    assert before is not None and after is not None
    assert (after.number, after.name, after.profile) == (before.number, "Balance++", "smart")


def test_a_listing_is_suspended_reinstated_and_withdrawn_for_good(people: People) -> None:
    heard: list[object] = []
    kinds = (ApplicationListed, ApplicationSuspended, ApplicationReinstated, ApplicationWithdrawn)
    for kind in kinds:
        events.subscribe(kind, heard.append)
    application_id, _ = bring_to("suspended", people)
    with transaction():
        listings.reinstate_listing(application_id=application_id, motive="Corrigé.", by=people.omar)
    with transaction():
        listings.withdraw_listing(application_id=application_id, motive="Fin du service.", by=people.omar)
    assert heard == [kind(application_id) for kind in kinds]
    with pytest.raises(TransitionRefused), transaction():
        listings.reinstate_listing(application_id=application_id, motive="Encore.", by=people.omar)
    with pytest.raises(TransitionRefused), transaction():
        dossiers.open_submission(application_id=application_id, by=people.alice)


def test_a_listing_past_its_last_day_is_not_live_and_expires(people: People, clock: FrozenClock) -> None:
    application_id, _ = bring_to("listed", people)
    clock.move(days=1097)
    with transaction():
        listing = find_listing(application_id)
        assert listing is not None and not listing.is_live
        assert list_listed().total == 0
        assert listings.expire_listings(by=SYSTEM) == 1
        assert listings.expire_listings(by=SYSTEM) == 0
    with transaction():
        listing = find_listing(application_id)
    assert listing is not None and listing.state is ListingState.EXPIRED


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
