"""The commission and the decision: agenda, interests, votes, opinion, reservations, four eyes, who wins."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from platform_core.access import Actor
from platform_core.clock import FrozenClock, now, today
from platform_core.database import transaction
from platform_core.errors import Conflict, Forbidden, Invalid
from store.errors import (
    AgainstOpinion,
    ConflictOfInterest,
    CriteriaNotMet,
    FourEyes,
    MotiveRequired,
    OwnOrganisation,
    RoleRequired,
    TransitionRefused,
)
from store.queries.commission import list_items, list_ready, list_reservations, list_sessions
from store.queries.history import HistoryEntry, list_history
from store.queries.submissions import SubmissionView, get_submission
from store.rules.commission import Ballot, NewReservation
from store.rules.delays import Phase
from store.rules.grid import Verdict
from store.service import commission, decisions, rehearsal, reservations, reviews
from store.workflow import Opinion, ReservationState, Role, SessionState, SubmissionState
from tests.store.conftest import People, bring_to
from tests.store.races import one_wins, race

UNMET = "SEC-01"


def view(submission_id: UUID) -> SubmissionView:
    with transaction():
        return get_submission(submission_id)


def plan(by: Actor) -> UUID:
    return commission.plan_session(starts_at=now() + timedelta(days=7), place="Salle 1", by=by)


def held(people: People) -> tuple[UUID, UUID, UUID]:
    """A submission on the agenda of an open session: its id, the session's and the item's."""
    _, submission_id = bring_to("proposed", people)
    with transaction():
        session_id = plan(people.ines)
        item_id = commission.add_to_agenda(session_id=session_id, submission_id=submission_id, by=people.ines)
        commission.open_session(session_id=session_id, by=people.claire)
    return submission_id, session_id, item_id


def voted(people: People, ballot: Ballot, *, failed: bool = False) -> tuple[UUID, UUID]:
    """A submission on which the commission voted; `failed` finds an obligatory criterion unmet beforehand."""
    _, submission_id = bring_to("proposed", people)
    with transaction():
        if failed:
            finding = reviews.Finding(UNMET, Verdict.NOT_CONFORMING, "Expiré.", version=1)
            reviews.record_verdicts(submission_id=submission_id, findings=[finding], by=people.ines)
            suspensive = Opinion.FAVOURABLE_SUSPENSIVE
            reviews.propose(submission_id=submission_id, opinion=suspensive, motive="Réserve.", by=people.ines)
        item_id = rehearsal.hold_session(submission_id, people.cast, ballot)
    return submission_id, item_id


def reserve(*, suspensive: bool, criterion: str | None = None) -> NewReservation:
    return NewReservation("Fournir le certificat.", suspensive, today() + timedelta(days=30), criterion)


def with_reservations(people: People, *reserved: NewReservation) -> tuple[UUID, list[UUID]]:
    """A submission with a favourable opinion and its reservations; their ids, the suspensive ones first."""
    suspensive = any(one.suspensive for one in reserved)
    ballot = Ballot.FAVOURABLE_SUSPENSIVE if suspensive else Ballot.FAVOURABLE_NON_SUSPENSIVE
    submission_id, item_id = voted(people, ballot)
    with transaction():
        commission.give_opinion(item_id=item_id, motive="Réserves.", reservations=reserved, by=people.claire)
        return submission_id, [one.id for one in list_reservations(submission_id)]


def test_a_session_goes_from_its_plan_to_the_opinion(people: People) -> None:
    _, submission_id = bring_to("proposed", people)
    with transaction():
        assert [(one.submission_id, one.proposal) for one in list_ready()] == [(submission_id, Opinion.FAVOURABLE)]
        session_id = plan(people.ines)
        item_id = commission.add_to_agenda(session_id=session_id, submission_id=submission_id, by=people.ines)
        assert list_ready() == []
        commission.open_session(session_id=session_id, by=people.claire)
        commission.declare_interests(item_id=item_id, links="", by=people.claire)
        commission.vote(item_id=item_id, ballot=Ballot.UNFAVOURABLE, by=people.claire)
        commission.vote(item_id=item_id, ballot=Ballot.FAVOURABLE, by=people.claire)
        given = commission.give_opinion(item_id=item_id, motive="Rien à redire.", by=people.claire)
        commission.close_session(session_id=session_id, by=people.claire)
    assert given is Opinion.FAVOURABLE
    with transaction():
        (item,) = list_items(session_id)
        (session,) = list_sessions()
    assert (item.opinion, item.motive, session.state, session.items) == (
        given,
        "Rien à redire.",
        SessionState.CLOSED,
        1,
    )
    assert [(part.name, part.links, part.ballot) for part in item.members] == [("Claire Essai", "", Ballot.FAVOURABLE)]
    present = view(submission_id)
    assert (present.state, present.opinion, present.waiting_on) == (SubmissionState.OPINION_GIVEN, given, Role.DECIDER)


def test_a_vote_comes_after_the_declaration_of_interests(people: People) -> None:
    _, _, item_id = held(people)
    with pytest.raises(Conflict) as refused, transaction():
        commission.vote(item_id=item_id, ballot=Ballot.FAVOURABLE, by=people.claire)
    assert refused.value.code == "interests-undeclared"


def test_a_member_with_an_interest_neither_votes_nor_records_the_opinion(people: People) -> None:
    _, _, item_id = held(people)
    with transaction():
        commission.declare_interests(item_id=item_id, links="", by=people.claire)
        commission.vote(item_id=item_id, ballot=Ballot.FAVOURABLE, by=people.claire)
        commission.declare_interests(item_id=item_id, links="Conseil rémunéré en 2025.", by=people.claire)
    with pytest.raises(ConflictOfInterest), transaction():
        commission.vote(item_id=item_id, ballot=Ballot.FAVOURABLE, by=people.claire)
    with pytest.raises(ConflictOfInterest), transaction():
        commission.give_opinion(item_id=item_id, motive="Oui.", by=people.claire)
    with transaction():
        session_id = list_sessions()[0].id
        (item,) = list_items(session_id)
    assert (item.members[0].ballot, item.tally.present) == (None, 0)


def test_who_evaluated_does_not_vote_and_nobody_votes_on_their_own_file(people: People) -> None:
    _, _, item_id = held(people)
    evaluator = replace(people.ines, roles=frozenset({"reviewer", "commission"}))
    insider = replace(people.claire, organisation_id=people.alice.organisation_id)
    with transaction():
        commission.declare_interests(item_id=item_id, links="", by=evaluator)
        commission.declare_interests(item_id=item_id, links="", by=insider)
    with pytest.raises(FourEyes), transaction():
        commission.vote(item_id=item_id, ballot=Ballot.FAVOURABLE, by=evaluator)
    with pytest.raises(OwnOrganisation), transaction():
        commission.vote(item_id=item_id, ballot=Ballot.FAVOURABLE, by=insider)


@pytest.mark.parametrize(
    "act",
    [
        lambda item, by: commission.declare_interests(item_id=item, links="", by=by),
        lambda item, by: commission.vote(item_id=item, ballot=Ballot.FAVOURABLE, by=by),
        lambda item, by: commission.give_opinion(item_id=item, motive="Oui.", by=by),
    ],
    ids=["declare", "vote", "opinion"],
)
def test_only_members_hold_the_session(people: People, act: Callable[[UUID, Actor], object]) -> None:
    _, _, item_id = held(people)
    for outsider in (people.ines, people.omar, people.alice):
        with pytest.raises(RoleRequired), transaction():
            act(item_id, outsider)


def test_no_opinion_without_a_quorum_nor_when_all_abstain(people: People) -> None:
    _, _, item_id = held(people)
    with pytest.raises(Conflict) as refused, transaction():
        commission.give_opinion(item_id=item_id, motive="Oui.", by=people.claire)
    assert refused.value.code == "no-quorum"
    with transaction():
        commission.declare_interests(item_id=item_id, links="", by=people.claire)
        commission.vote(item_id=item_id, ballot=Ballot.ABSTAIN, by=people.claire)
    with pytest.raises(Conflict) as refused, transaction():
        commission.give_opinion(item_id=item_id, motive="Oui.", by=people.claire)
    assert refused.value.code == "no-majority"


def test_a_closed_session_sends_back_what_it_did_not_examine(people: People) -> None:
    submission_id, session_id, item_id = held(people)
    with pytest.raises(Conflict) as refused, transaction():
        commission.add_to_agenda(session_id=session_id, submission_id=submission_id, by=people.ines)
    assert refused.value.code == "already-on-an-agenda"
    with transaction():
        commission.close_session(session_id=session_id, by=people.claire)
        assert [one.submission_id for one in list_ready()] == [submission_id]
        again = plan(people.ines)
        commission.add_to_agenda(session_id=again, submission_id=submission_id, by=people.ines)


def test_an_evaluation_taken_up_again_has_no_opinion(people: People) -> None:
    submission_id, item_id = voted(people, Ballot.FAVOURABLE)
    with transaction():
        finding = reviews.Finding(UNMET, Verdict.TO_CLARIFY, "À revoir.", version=1)
        reviews.record_verdicts(submission_id=submission_id, findings=[finding], by=people.ines)
    with pytest.raises(Conflict) as refused, transaction():
        commission.give_opinion(item_id=item_id, motive="Oui.", by=people.claire)
    assert refused.value.code == "proposal-missing"


def test_a_favourable_opinion_covers_each_unmet_criterion_by_a_suspensive_reservation(people: People) -> None:
    submission_id, item_id = voted(people, Ballot.FAVOURABLE_SUSPENSIVE, failed=True)
    elsewhere = reserve(suspensive=True, criterion="SEC-02")
    with pytest.raises(CriteriaNotMet, match=UNMET), transaction():
        commission.give_opinion(item_id=item_id, motive="Oui.", reservations=[elsewhere], by=people.claire)
    late = replace(reserve(suspensive=True, criterion=UNMET), due_on=today() - timedelta(days=1))
    with pytest.raises(Invalid), transaction():
        commission.give_opinion(item_id=item_id, motive="Oui.", reservations=[late], by=people.claire)
    with transaction():
        right = reserve(suspensive=True, criterion=UNMET)
        commission.give_opinion(item_id=item_id, motive="Oui.", reservations=[right], by=people.claire)
        assert [(one.criterion, one.state) for one in list_reservations(submission_id)] == [
            (UNMET, ReservationState.OPEN)
        ]


def test_suspensive_reservations_are_claimed_declined_lifted_then_the_file_is_accepted(people: People) -> None:
    submission_id, (first, second) = with_reservations(people, reserve(suspensive=True), reserve(suspensive=True))
    assert (view(submission_id).phase, view(submission_id).waiting_on) == (Phase.RESERVATIONS, Role.PUBLISHER)
    with pytest.raises(Conflict) as refused, transaction():
        decisions.accept(submission_id=submission_id, motive="Oui.", by=people.omar)
    assert refused.value.code == "reservations-open"
    with pytest.raises(Invalid), transaction():
        reservations.decline(reservation_id=first, motive="Non.", by=people.ines)
    with transaction():
        for one in (first, second):
            reservations.claim(reservation_id=one, answer="Voici le certificat.", by=people.alice)
    assert view(submission_id).phase is Phase.RESERVATION_REVIEW
    with transaction():
        reservations.decline(reservation_id=first, motive="Il a expiré.", by=people.ines)
        reservations.lift(reservation_id=second, motive="Vu.", by=people.ines)
    assert view(submission_id).phase is Phase.RESERVATIONS
    with transaction():
        reservations.claim(reservation_id=first, answer="Voici le nouveau.", by=people.alice)
        reservations.lift(reservation_id=first, motive="Vu.", by=people.ines)
    assert view(submission_id).phase is Phase.DECISION
    with transaction():
        decisions.accept(submission_id=submission_id, motive="Réserves levées.", by=people.omar)
    assert view(submission_id).state is SubmissionState.ACCEPTED


def test_non_suspensive_reservations_let_the_file_be_accepted_and_are_lifted_later(people: People) -> None:
    submission_id, (only,) = with_reservations(people, reserve(suspensive=False))
    assert view(submission_id).phase is Phase.DECISION
    with transaction():
        decisions.accept(submission_id=submission_id, motive="Oui.", by=people.omar)
    before = view(submission_id).due_at
    with transaction():
        reservations.claim(reservation_id=only, answer="Fait.", by=people.alice)
        reservations.lift(reservation_id=only, motive="Vu.", by=people.ines)
        assert list_reservations(submission_id)[0].state is ReservationState.LIFTED
    assert view(submission_id).due_at == before


def test_a_refusal_against_the_opinion_says_so_and_ends_the_reservations(people: People) -> None:
    submission_id, (only,) = with_reservations(people, reserve(suspensive=False))
    with pytest.raises(AgainstOpinion), transaction():
        decisions.refuse(submission_id=submission_id, motive="Non.", by=people.omar)
    with transaction():
        decisions.refuse(
            submission_id=submission_id, motive="L’hébergeur est en faillite.", against_opinion=True, by=people.omar
        )
        assert list_reservations(submission_id)[0].state is ReservationState.LAPSED
        decided = decision(submission_id)
    assert (decided.verb, decided.against_opinion, decided.motive) == ("refuse", True, "L’hébergeur est en faillite.")
    with pytest.raises(TransitionRefused), transaction():
        reservations.claim(reservation_id=only, answer="Fait.", by=people.alice)


def decision(submission_id: UUID) -> HistoryEntry:
    history = list_history(get_submission(submission_id).application_id)
    return next(entry for entry in history if entry.verb in {"accept", "refuse"})


def test_the_minister_may_accept_against_an_unfavourable_opinion_and_it_is_recorded(people: People) -> None:
    submission_id, item_id = voted(people, Ballot.UNFAVOURABLE)
    with transaction():
        commission.give_opinion(item_id=item_id, motive="Non.", by=people.claire)
    for motive, refusal in (("Oui.", AgainstOpinion), ("  ", AgainstOpinion)):
        with pytest.raises(refusal), transaction():
            decisions.accept(submission_id=submission_id, motive=motive, by=people.omar)
    with pytest.raises(MotiveRequired), transaction():
        decisions.accept(submission_id=submission_id, motive=" ", against_opinion=True, by=people.omar)
    with transaction():
        decisions.accept(submission_id=submission_id, motive="Intérêt public.", against_opinion=True, by=people.omar)
        assert decision(submission_id).against_opinion
    assert view(submission_id).state is SubmissionState.ACCEPTED


def test_a_decision_waits_for_the_opinion(people: People) -> None:
    _, submission_id = bring_to("proposed", people)
    for decide in (decisions.accept, decisions.refuse):
        with pytest.raises(TransitionRefused), transaction():
            decide(submission_id=submission_id, motive="Oui.", by=people.omar)


def test_who_evaluates_does_not_decide_even_when_a_colleague_replaced_their_verdicts(people: People) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    with transaction():
        rehearsal.find_all_conforming(submission_id=submission_id, by=people.noe)
        rehearsal.conclude(submission_id, people.cast)
        rehearsal.advance(submission_id=submission_id, to=SubmissionState.OPINION_GIVEN, cast=people.cast)
    both = replace(people.ines, roles=frozenset({"reviewer", "decider"}))
    for decide in (decisions.accept, decisions.refuse):
        for evaluator in (people.noe, both):
            with pytest.raises(Forbidden), transaction():
                decide(submission_id=submission_id, motive="Oui.", by=evaluator)
    with transaction():
        decisions.accept(submission_id=submission_id, motive="Oui.", by=people.omar)


def test_two_deciders_at_once_one_wins_and_the_other_is_told(app: Flask, people: People) -> None:
    _, submission_id = bring_to("opinion_given", people)
    raised = race(
        app,
        lambda: decisions.accept(submission_id=submission_id, motive="Oui.", by=people.omar),
        lambda: decisions.refuse(submission_id=submission_id, motive="Non.", against_opinion=True, by=people.zoe),
    )
    assert one_wins(raised) is TransitionRefused
    with transaction():
        history = list_history(get_submission(submission_id).application_id)
    decided = [entry.verb for entry in history if entry.verb in {"accept", "refuse"}]
    assert decided == ["accept" if raised[0] is None else "refuse"]
    assert view(submission_id).state == ("accepted" if raised[0] is None else "refused")


def test_two_members_recording_the_opinion_at_once_record_one(app: Flask, people: People) -> None:
    submission_id, item_id = voted(people, Ballot.FAVOURABLE)
    give = lambda: commission.give_opinion(item_id=item_id, motive="Oui.", by=people.claire)  # noqa: E731
    assert one_wins(race(app, give, give)) is Conflict
    with transaction():
        history = list_history(get_submission(submission_id).application_id)
    assert [entry.verb for entry in history].count("give_opinion") == 1


def test_a_reservation_lifted_and_declined_at_once_is_one_of_them(app: Flask, people: People) -> None:
    submission_id, (only,) = with_reservations(people, reserve(suspensive=True))
    application_id = view(submission_id).application_id
    with transaction():
        reservations.claim(reservation_id=only, answer="Fait.", by=people.alice)
    raised = race(
        app,
        lambda: reservations.lift(reservation_id=only, motive="Vu.", by=people.ines),
        lambda: reservations.decline(reservation_id=only, motive="Non.", by=people.noe),
    )
    assert raised[0] is None or raised[1] is None
    with transaction():
        history = [entry.verb for entry in reversed(list_history(application_id)) if entry.subject == "reservation"]
    if raised[1] is None:
        assert history == ["express", "claim", "decline"] + (["lift"] if raised[0] is None else [])
    else:
        assert (raised[1], history) == (TransitionRefused, ["express", "claim", "lift"])


def test_a_planned_session_is_somewhere_and_to_come(people: People, clock: FrozenClock) -> None:
    for starts_at, place, code in (
        (now() + timedelta(days=1), " ", "place-required"),
        (now() - timedelta(seconds=1), "Salle 1", "date-past"),
    ):
        with pytest.raises(Invalid) as refused, transaction():
            commission.plan_session(starts_at=starts_at, place=place, by=people.ines)
        assert refused.value.code == code
