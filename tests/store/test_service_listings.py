"""After the decision: convention, interoperability tests, catalogue, amendment, renewal, suspension, expiry, audits."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from platform_core import events
from platform_core.access import SYSTEM
from platform_core.clock import FrozenClock, today
from platform_core.database import transaction
from platform_core.errors import Conflict, Invalid, NotFound
from store.errors import FourEyes, MotiveRequired, OwnOrganisation, RoleRequired, TransitionRefused
from store.events import (
    ApplicationExpired,
    ApplicationListed,
    ApplicationReinstated,
    ApplicationSuspended,
    ApplicationWithdrawn,
)
from store.queries.agreements import find_convention, find_current_convention, list_checks
from store.queries.audits import get_audit, get_own_audit, list_audits
from store.queries.catalogue import list_listed
from store.queries.listings import ListingView, find_listing
from store.queries.submissions import SubmissionView, get_own_submission, get_submission
from store.rules import convention, procedure
from store.rules.audits import Origin
from store.rules.interop import Behaviour
from store.service import audits, conventions, decisions, dossiers, drafts, interop, listings, rehearsal, reviews
from store.service.rehearsal import show_behaviours
from store.workflow import AuditState, ListingState, Role, SubmissionKind, SubmissionState
from tests.store.conftest import People, bring_to, complete_dossier, weight_item
from tests.store.races import one_wins, race

TEXT = convention.present()


def view(submission_id: UUID) -> SubmissionView:
    with transaction():
        return get_submission(submission_id)


def listing_of(application_id: UUID) -> ListingView:
    with transaction():
        found = find_listing(application_id)
    assert found is not None
    return found


def again(application_id: UUID, people: People, kind: SubmissionKind | None = None, **sections: dict[str, Any]) -> UUID:
    """A new request on a listed application, sent with these changes."""
    with transaction():
        dossiers.open_submission(application_id=application_id, kind=kind, by=people.alice)
        present = get_own_submission(application_id, by=people.alice)
        content = {code: {**present.dossier[code], **fields} for code, fields in sections.items()}
        dossiers.fill_dossier(application_id=application_id, content=content, by=people.alice)
        missing = complete_dossier()["criteria"]
        claims = {**missing, **get_own_submission(application_id, by=people.alice).dossier.get("criteria", {})}
        dossiers.fill_dossier(application_id=application_id, content={"criteria": claims}, by=people.alice)
        dossiers.submit(application_id=application_id, by=people.alice)
    return present.id


def advance(submission_id: UUID, to: SubmissionState, people: People) -> None:
    with transaction():
        rehearsal.advance(submission_id=submission_id, to=to, cast=people.cast)


def test_the_convention_is_signed_by_both_sides_with_the_hash_of_what_was_read(people: People) -> None:
    application_id, submission_id = bring_to("accepted", people)
    sign = {"submission_id": submission_id, "by": people.alice}
    with pytest.raises(Conflict) as refused, transaction():
        conventions.countersign(submission_id=submission_id, by=people.omar)
    assert refused.value.code == "not-signed"
    with pytest.raises(Conflict) as refused, transaction():
        conventions.sign(quality="Présidente", text_hash="0" * 64, **sign)
    assert refused.value.code == "text-changed"
    with pytest.raises(Invalid), transaction():
        conventions.sign(quality="  ", text_hash=TEXT.hash, **sign)
    with transaction():
        conventions.sign(quality="Présidente", text_hash=TEXT.hash, **sign)
    with pytest.raises(Conflict) as refused, transaction():
        conventions.sign(quality="Présidente", text_hash=TEXT.hash, **sign)
    assert refused.value.code == "already-signed"
    assert view(submission_id).waiting_on is Role.DECIDER
    with transaction():
        assert find_current_convention(application_id) is None
        conventions.countersign(submission_id=submission_id, by=people.omar)
        signed = find_convention(submission_id)
        assert signed == find_current_convention(application_id)
    assert signed is not None
    assert (signed.version, signed.text_hash, signed.quality) == (TEXT.version, TEXT.hash, "Présidente")
    assert (signed.signed_by, signed.countersigned_by) == ("Alice", "Omar")
    assert view(submission_id).state is SubmissionState.INTEROP_TESTS


def test_only_the_publisher_signs_and_no_evaluator_countersigns(people: People) -> None:
    _, submission_id = bring_to("accepted", people)
    for outsider, refusal in ((people.bruno, NotFound), (people.omar, RoleRequired)):
        with pytest.raises(refusal), transaction():
            conventions.sign(submission_id=submission_id, quality="Gérant", text_hash=TEXT.hash, by=outsider)
    with transaction():
        conventions.sign(submission_id=submission_id, quality="Gérant", text_hash=TEXT.hash, by=people.alice)
    evaluator = replace(people.ines, roles=frozenset({"reviewer", "decider"}))
    with pytest.raises(FourEyes), transaction():
        conventions.countersign(submission_id=submission_id, by=evaluator)


def test_the_tests_owed_are_ticked_when_seen_and_the_last_one_opens_the_catalogue(people: People) -> None:
    application_id, submission_id = bring_to("interop_tests", people)
    with transaction():
        owed = [check.behaviour for check in list_checks(submission_id)]
    expected = ["pkce", "proof_of_possession", "honours_retry_after", "stops_after_revocation"]
    assert owed == expected
    with pytest.raises(Conflict, match="pkce") as refused, transaction():
        listings.list_application(application_id=application_id, by=people.omar)
    assert refused.value.code == "interop-pending"
    for behaviour in owed[:-1]:
        with transaction():
            assert interop.observe(application_id=application_id, behaviour=behaviour)
            assert not interop.observe(application_id=application_id, behaviour=behaviour), "seen a moment ago"
    assert view(submission_id).waiting_on is Role.PUBLISHER
    with pytest.raises(MotiveRequired), transaction():
        interop.waive(submission_id=submission_id, behaviour=owed[-1], motive=" ", by=people.ines)
    with pytest.raises(RoleRequired), transaction():
        interop.waive(submission_id=submission_id, behaviour=owed[-1], motive="Vu.", by=people.omar)
    with transaction():
        interop.waive(submission_id=submission_id, behaviour=owed[-1], motive="Vu en visioconférence.", by=people.ines)
    with pytest.raises(Conflict) as refused, transaction():
        interop.waive(submission_id=submission_id, behaviour=owed[0], motive="Vu.", by=people.ines)
    assert refused.value.code == "already-passed"
    with transaction():
        last = list_checks(submission_id)[-1]
    assert (last.waived_by, last.motive) == ("Inès", "Vu en visioconférence.")
    assert view(submission_id).waiting_on is Role.DECIDER
    with transaction():
        assert listings.list_application(application_id=application_id, by=people.omar).startswith("ENS-2026-")


def test_what_the_sandbox_saw_since_the_draft_counts_and_nothing_older(people: People, clock: FrozenClock) -> None:
    application_id, submission_id = bring_to("draft", people)
    with transaction():
        interop.observe(application_id=application_id, behaviour=Behaviour.PKCE)
    with transaction():
        dossiers.submit(application_id=application_id, by=people.alice)
    advance(submission_id, SubmissionState.INTEROP_TESTS, people)
    with transaction():
        assert [check.behaviour for check in list_checks(submission_id) if check.passed_at] == [Behaviour.PKCE]
    advance(submission_id, SubmissionState.LISTED, people)
    clock.move(days=1)
    writing = {"data": {"items": [weight_item("read"), weight_item("write")]}}
    second = again(application_id, people, **writing)
    advance(second, SubmissionState.INTEROP_TESTS, people)
    with transaction():
        checks = list_checks(second)
    assert Behaviour.VALID_WRITE in [check.behaviour for check in checks]
    assert [check.behaviour for check in checks if check.passed_at] == []


def test_observations_of_an_application_nobody_tests_change_nothing(people: People) -> None:
    application_id, submission_id = bring_to("listed", people)
    before = view(submission_id)
    with transaction():
        interop.observe(application_id=application_id, behaviour=Behaviour.VALID_WRITE)
    assert view(submission_id) == before


def test_the_last_behaviour_seen_twice_at_once_ends_the_tests_once(app: Flask, people: People) -> None:
    application_id, submission_id = bring_to("interop_tests", people)
    with transaction():
        first, second, *others = (check.behaviour for check in list_checks(submission_id))
    for behaviour in others:
        with transaction():
            interop.observe(application_id=application_id, behaviour=behaviour)
    raised = race(
        app,
        lambda: interop.observe(application_id=application_id, behaviour=first),
        lambda: interop.observe(application_id=application_id, behaviour=second),
    )
    assert raised == [None, None]
    assert view(submission_id).waiting_on is Role.DECIDER


def test_two_deciders_listing_at_once_give_one_number(app: Flask, people: People) -> None:
    application_id, submission_id = bring_to("interop_tests", people)
    with transaction():
        for check in list_checks(submission_id):
            interop.observe(application_id=application_id, behaviour=check.behaviour)
    raised = race(
        app,
        lambda: listings.list_application(application_id=application_id, by=people.omar),
        lambda: listings.list_application(application_id=application_id, by=people.zoe),
    )
    assert one_wins(raised) is TransitionRefused


def test_amending_keeps_the_live_listing_and_asks_for_nothing_twice(people: People, clock: FrozenClock) -> None:
    application_id, first = bring_to("listed", people)
    before = listing_of(application_id)
    clock.move(days=30)
    second = again(application_id, people, service={"name": "Balance++"})
    assert view(second).kind is SubmissionKind.AMENDMENT
    for state in (SubmissionState.IN_EVALUATION, SubmissionState.OPINION_GIVEN):
        advance(second, state, people)
        assert listing_of(application_id) == before
    with transaction():
        decisions.accept(submission_id=second, motive="Oui.", by=people.omar)
    present = view(second)
    assert (present.state, present.waiting_on) == (SubmissionState.INTEROP_TESTS, Role.DECIDER)
    with transaction():
        assert (find_convention(second), list_checks(second)) == (None, [])
        assert find_convention(first) is not None
    assert listing_of(application_id) == before
    with transaction():
        listings.list_application(application_id=application_id, by=people.omar)
    after = listing_of(application_id)
    assert (after.number, after.name, after.submission_id) == (before.number, "Balance++", second)
    assert (after.listed_on, after.expires_on) == (before.listed_on, before.expires_on)


def test_a_new_version_of_the_convention_is_signed_by_an_amendment(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    application_id, _ = bring_to("listed", people)
    second = again(application_id, people)
    advance(second, SubmissionState.OPINION_GIVEN, people)
    monkeypatch.setattr(convention, "PROCEDURE", {**procedure.PROCEDURE, "convention": "2027.1"})
    with transaction():
        decisions.accept(submission_id=second, motive="Oui.", by=people.omar)
    assert (view(second).state, view(second).waiting_on) == (SubmissionState.ACCEPTED, Role.PUBLISHER)


@pytest.mark.parametrize("end", ["refused", "abandoned", "inadmissible"])
def test_an_amendment_that_fails_leaves_the_listing(people: People, end: str) -> None:
    application_id, _ = bring_to("listed", people)
    before = listing_of(application_id)
    second = again(application_id, people, technical={"profile": "smart"})
    if end == "refused":
        advance(second, SubmissionState.OPINION_GIVEN, people)
        with transaction():
            decisions.refuse(submission_id=second, motive="Non.", against_opinion=True, by=people.omar)
    elif end == "abandoned":
        with transaction():
            drafts.abandon(application_id=application_id, by=people.alice)
    else:
        with transaction():
            reviews.declare_inadmissible(submission_id=second, motive="Hors champ.", by=people.ines)
    assert (view(second).state, listing_of(application_id)) == (end, before)
    with transaction():
        dossiers.open_submission(application_id=application_id, by=people.alice)


def test_a_renewal_opens_ninety_days_before_the_end_and_loses_no_day(people: People, clock: FrozenClock) -> None:
    application_id, _ = bring_to("listed", people)
    end = listing_of(application_id).expires_on
    clock.move(days=1096 - 91)
    with pytest.raises(TransitionRefused), transaction():
        dossiers.open_submission(application_id=application_id, kind=SubmissionKind.RENEWAL, by=people.alice)
    clock.move(days=1)
    second = again(application_id, people, SubmissionKind.RENEWAL)
    before = listing_of(application_id)
    advance(second, SubmissionState.OPINION_GIVEN, people)
    assert listing_of(application_id) == before
    advance(second, SubmissionState.LISTED, people)
    after = listing_of(application_id)
    assert (after.listed_on, after.expires_on) == (today(), end + timedelta(days=1096))


def test_an_expired_listing_comes_back_by_a_renewal(people: People, clock: FrozenClock) -> None:
    application_id, _ = bring_to("listed", people)
    clock.move(days=1097)
    with transaction():
        assert listings.expire_listings(by=SYSTEM) == 1
    second = again(application_id, people)
    assert view(second).kind is SubmissionKind.RENEWAL
    advance(second, SubmissionState.LISTED, people)
    found = listing_of(application_id)
    assert (found.state, found.expires_on) == (ListingState.LISTED, today() + timedelta(days=1096))


def test_two_publishers_reopening_at_once_open_one_draft(app: Flask, people: People) -> None:
    application_id, _ = bring_to("listed", people)
    reopen = lambda: dossiers.open_submission(application_id=application_id, by=people.alice)  # noqa: E731
    assert one_wins(race(app, reopen, reopen)) is TransitionRefused


def test_a_listing_is_suspended_reinstated_and_withdrawn_for_good(people: People) -> None:
    application_id, submission_id = bring_to("interop_tests", people)
    heard: list[object] = []
    kinds = (ApplicationListed, ApplicationSuspended, ApplicationReinstated, ApplicationWithdrawn)
    for kind in kinds:
        events.subscribe(kind, heard.append)
    with transaction():
        show_behaviours(submission_id)
        listings.list_application(application_id=application_id, by=people.omar)
    with transaction():
        listings.suspend_listing(application_id=application_id, motive="Faille.", by=people.omar)
    with transaction():
        listings.reinstate_listing(application_id=application_id, motive="Corrigé.", by=people.omar)
    with transaction():
        listings.withdraw_listing(application_id=application_id, motive="Fin du service.", by=people.omar)
    assert heard == [kind(application_id) for kind in kinds]
    with pytest.raises(TransitionRefused), transaction():
        listings.reinstate_listing(application_id=application_id, motive="Encore.", by=people.omar)
    with pytest.raises(TransitionRefused), transaction():
        dossiers.open_submission(application_id=application_id, by=people.alice)


def test_a_publisher_suspends_and_withdraws_their_own_application_but_does_not_reinstate_it(people: People) -> None:
    application_id, _ = bring_to("listed", people)
    act = {"application_id": application_id, "motive": "Incident."}
    with pytest.raises(RoleRequired), transaction():
        listings.suspend_listing(by=people.bruno, **act)
    with transaction():
        listings.suspend_listing(by=people.alice, **act)
    with pytest.raises(OwnOrganisation), transaction():
        listings.reinstate_listing(by=people.alice, **act)
    with transaction():
        listings.withdraw_listing(by=people.alice, **act)
    assert listing_of(application_id).state is ListingState.WITHDRAWN


@pytest.mark.parametrize("act", [listings.suspend_listing, listings.withdraw_listing, listings.reinstate_listing])
def test_a_decider_of_the_publishers_organisation_has_no_authority_on_it(
    people: People, act: Callable[..., None]
) -> None:
    application_id, _ = bring_to("listed", people)
    insider = replace(people.omar, organisation_id=people.alice.organisation_id)
    with pytest.raises(OwnOrganisation), transaction():
        act(application_id=application_id, motive="Motif.", by=insider)


def test_a_suspension_and_a_withdrawal_at_once_leave_the_listing_withdrawn(app: Flask, people: People) -> None:
    application_id, _ = bring_to("listed", people)
    act = {"application_id": application_id, "motive": "Fuite."}
    raised = race(
        app,
        lambda: listings.suspend_listing(by=people.omar, **act),
        lambda: listings.withdraw_listing(by=people.zoe, **act),
    )
    assert raised[0] in {None, TransitionRefused} and raised[1] is None
    assert listing_of(application_id).state is ListingState.WITHDRAWN


def test_a_listing_past_its_last_day_is_not_live_and_expires_once(people: People, clock: FrozenClock) -> None:
    heard: list[object] = []
    events.subscribe(ApplicationExpired, heard.append)
    application_id, _ = bring_to("listed", people)
    clock.move(days=1097)
    assert not listing_of(application_id).is_live
    with transaction():
        assert list_listed().total == 0
        assert listings.expire_listings(by=SYSTEM) == 1
        assert listings.expire_listings(by=SYSTEM) == 0
    assert listing_of(application_id).state is ListingState.EXPIRED
    assert heard == [ApplicationExpired(application_id)]


def test_an_audit_goes_from_its_plan_to_the_corrections_and_its_conclusion(people: People) -> None:
    application_id, _ = bring_to("listed", people)
    calendar = {"starts_on": today(), "ends_on": today() + timedelta(days=30)}
    with transaction():
        audit_id = audits.plan(
            application_id=application_id, scope="Sécurité.", origin=Origin.REPORT, by=people.ines, **calendar
        )
        audits.request_documents(audit_id=audit_id, by=people.ines)
    with pytest.raises(NotFound), transaction():
        get_own_audit(audit_id, by=people.bruno)
    with pytest.raises(Invalid), transaction():
        audits.send_documents(audit_id=audit_id, evidence_ids=[], by=people.alice)
    with transaction():
        audits.visit(audit_id=audit_id, motive="Les documents se contredisent.", by=people.ines)
        audits.issue_report(audit_id=audit_id, report="Deux écarts.", by=people.ines)
        actions = [("Chiffrer les sauvegardes.", today() + timedelta(days=15))]
        audits.require_corrections(audit_id=audit_id, actions=actions, by=people.ines)
        (action,) = get_own_audit(audit_id, by=people.alice).actions
    with pytest.raises(NotFound), transaction():
        audits.report_correction(action_id=action.id, answer="Fait.", by=people.bruno)
    with transaction():
        audits.report_correction(action_id=action.id, answer="Fait.", by=people.alice)
        audits.close(audit_id=audit_id, motive="Écarts corrigés.", by=people.ines)
    with transaction():
        found = get_audit(audit_id)
        assert list_audits(open_only=True) == []
    assert (found.state, found.origin, found.report) == (AuditState.CLOSED, Origin.REPORT, "Deux écarts.")
    assert (found.actions[0].answer, found.actions[0].done_at is not None) == ("Fait.", True)


def test_only_a_listed_application_is_audited_by_another_organisation(people: People) -> None:
    calendar = {"starts_on": today(), "ends_on": today()}
    draft, _ = bring_to("draft", people, "Sommeil Zen")
    with pytest.raises(Conflict) as refused, transaction():
        audits.plan(application_id=draft, scope="Tout.", by=people.ines, **calendar)
    assert refused.value.code == "not-listed"
    listed, _ = bring_to("listed", people)
    insider = replace(people.ines, organisation_id=people.alice.organisation_id)
    with pytest.raises(OwnOrganisation), transaction():
        audits.plan(application_id=listed, scope="Tout.", by=insider, **calendar)
    with pytest.raises(Invalid), transaction():
        backwards = {"starts_on": today() + timedelta(days=1), "ends_on": today()}
        audits.plan(application_id=listed, scope="Tout.", by=people.ines, **backwards)
