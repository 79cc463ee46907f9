"""Pure rules of the procedure: votes, proposed opinion, reservations, decision, kinds of requests, tests to show."""

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.access import Access
from platform_core.errors import Conflict, Invalid
from platform_core.permission import Ceiling, CeilingItem, Periodicity, Purpose
from store.errors import AgainstOpinion, CriteriaNotMet
from store.rules import commission, convention, procedure
from store.rules.commission import Ballot, NewReservation
from store.rules.grid import Criterion, Verdict
from store.rules.interop import Behaviour, Exchange, list_required
from store.workflow import ListingState, Opinion, SubmissionKind

B, P = Ballot, Opinion
TODAY = date(2026, 5, 4)


@pytest.mark.parametrize(
    ("ballots", "members", "opinion"),
    [
        ([B.FAVOURABLE], 1, P.FAVOURABLE),
        ([B.FAVOURABLE, B.FAVOURABLE, B.UNFAVOURABLE], 3, P.FAVOURABLE),
        ([B.FAVOURABLE, B.UNFAVOURABLE], 2, P.UNFAVOURABLE),
        ([B.FAVOURABLE, B.FAVOURABLE_SUSPENSIVE, B.UNFAVOURABLE], 3, P.FAVOURABLE_SUSPENSIVE),
        ([B.FAVOURABLE_NON_SUSPENSIVE] * 2 + [B.FAVOURABLE] * 2 + [B.UNFAVOURABLE], 5, P.FAVOURABLE_NON_SUSPENSIVE),
        ([B.ABSTAIN, B.FAVOURABLE], 4, P.FAVOURABLE),
        ([B.ABSTAIN, B.ABSTAIN], 4, None),
        ([B.FAVOURABLE], 3, None),
        ([], 1, None),
    ],
)
def test_the_votes_make_the_opinion(ballots: list[Ballot], members: int, opinion: Opinion | None) -> None:
    assert commission.tally(ballots, members=members).opinion is opinion


@given(ballots=st.lists(st.sampled_from(list(Ballot)), max_size=9))
def test_property_a_majority_supports_the_opinion_and_none_supports_a_better_one(ballots: list[Ballot]) -> None:
    found = commission.tally(ballots, members=len(ballots)).opinion
    cast = [list(P).index(P(ballot)) for ballot in ballots if ballot is not B.ABSTAIN]
    if found is None:
        assert cast == []
        return
    place = list(P).index(found)
    assert 2 * sum(one <= place for one in cast) > len(cast)
    assert 2 * sum(one < place for one in cast) <= len(cast)


def criterion(id: str, obligatory: bool) -> Criterion:
    return Criterion(id, "security", id, id, obligatory, (), (), "2026.1", "2026.1")


CRITERIA = [*(criterion(f"OB-{n}", True) for n in range(4)), criterion("OP-1", False)]


@pytest.mark.parametrize(
    ("failed", "opinion"),
    [
        ([], P.FAVOURABLE),
        (["OP-1"], P.FAVOURABLE_NON_SUSPENSIVE),
        (["OB-0"], P.FAVOURABLE_SUSPENSIVE),
        (["OB-0", "OB-1", "OB-2", "OP-1"], P.FAVOURABLE_SUSPENSIVE),
        (["OB-0", "OB-1", "OB-2", "OB-3"], P.UNFAVOURABLE),
    ],
)
def test_the_verdicts_suggest_an_opinion(failed: list[str], opinion: Opinion) -> None:
    verdicts = {one.id: Verdict.NOT_CONFORMING if one.id in failed else Verdict.CONFORMING for one in CRITERIA}
    assert commission.propose(CRITERIA, verdicts) is opinion


@pytest.mark.parametrize("missing", [None, Verdict.TO_CLARIFY])
def test_no_opinion_is_suggested_while_a_criterion_waits(missing: Verdict | None) -> None:
    verdicts = {one.id: Verdict.CONFORMING for one in CRITERIA[1:]}
    assert commission.propose(CRITERIA, {**verdicts, **({"OB-0": missing} if missing else {})}) is None


def reserve(suspensive: bool, criterion: str | None = None, text: str = "Fournir le rapport.") -> NewReservation:
    return NewReservation(text, suspensive, TODAY + timedelta(days=30), criterion)


@pytest.mark.parametrize(
    ("opinion", "reservations", "code"),
    [
        (P.FAVOURABLE, [reserve(False)], "reservation-refused"),
        (P.UNFAVOURABLE, [reserve(True)], "reservation-refused"),
        (P.FAVOURABLE_NON_SUSPENSIVE, [], "reservation-required"),
        (P.FAVOURABLE_NON_SUSPENSIVE, [reserve(False), reserve(True)], "reservation-required"),
        (P.FAVOURABLE_SUSPENSIVE, [reserve(False)], "reservation-required"),
        (P.FAVOURABLE_SUSPENSIVE, [reserve(True, text=" ")], "reservation-text-required"),
    ],
)
def test_reservations_that_do_not_suit_the_opinion_are_refused(
    opinion: Opinion, reservations: list[NewReservation], code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        commission.check_reservations(opinion, reservations, [])
    assert refused.value.code == code


def test_an_unmet_obligatory_criterion_needs_a_suspensive_reservation_on_it() -> None:
    unmet = [CRITERIA[0]]
    for opinion, reservations in (
        (P.FAVOURABLE, []),
        (P.FAVOURABLE_NON_SUSPENSIVE, [reserve(False, "OB-0")]),
        (P.FAVOURABLE_SUSPENSIVE, [reserve(True, "OB-1")]),
    ):
        with pytest.raises(CriteriaNotMet, match="OB-0"):
            commission.check_reservations(opinion, reservations, unmet)
    commission.check_reservations(P.FAVOURABLE_SUSPENSIVE, [reserve(True, "OB-0")], unmet)
    commission.check_reservations(P.UNFAVOURABLE, [], unmet)


@pytest.mark.parametrize(("opinion", "accepts", "said"), list(product(Opinion, (True, False), (True, False))))
def test_a_decision_says_whether_it_departs_from_the_opinion(opinion: Opinion, accepts: bool, said: bool) -> None:
    departs = accepts if opinion is P.UNFAVOURABLE else not accepts
    if departs is said:
        commission.check_decision(opinion, accepts=accepts, against_opinion=said, suspensive_open=0)
        return
    with pytest.raises(AgainstOpinion):
        commission.check_decision(opinion, accepts=accepts, against_opinion=said, suspensive_open=0)


def test_suspensive_reservations_are_lifted_before_an_acceptance_not_before_a_refusal() -> None:
    with pytest.raises(Conflict) as refused:
        commission.check_decision(P.FAVOURABLE_SUSPENSIVE, accepts=True, against_opinion=False, suspensive_open=1)
    assert refused.value.code == "reservations-open"
    commission.check_decision(P.FAVOURABLE_SUSPENSIVE, accepts=False, against_opinion=True, suspensive_open=1)


K, L = SubmissionKind, ListingState


@pytest.mark.parametrize(
    ("state", "days_to_the_end", "kinds"),
    [
        (None, None, (K.FIRST,)),
        (L.LISTED, 91, (K.AMENDMENT,)),
        (L.LISTED, 90, (K.AMENDMENT, K.RENEWAL)),
        (L.SUSPENDED, 0, (K.AMENDMENT, K.RENEWAL)),
        (L.LISTED, -1, (K.RENEWAL,)),
        (L.EXPIRED, -1, (K.RENEWAL,)),
        (L.WITHDRAWN, 400, ()),
    ],
)
def test_what_may_be_asked_depends_on_the_listing(
    state: ListingState | None, days_to_the_end: int | None, kinds: tuple[SubmissionKind, ...]
) -> None:
    expires_on = None if days_to_the_end is None else TODAY + timedelta(days=days_to_the_end)
    assert procedure.possible_kinds(state, expires_on, TODAY) == kinds


@pytest.mark.parametrize(
    ("kind", "days_to_the_end", "expected"),
    [(K.FIRST, None, 1096), (K.AMENDMENT, 200, 200), (K.RENEWAL, 40, 40 + 1096), (K.RENEWAL, -10, 1096)],
)
def test_an_amendment_keeps_the_last_day_and_a_renewal_loses_none(
    kind: SubmissionKind, days_to_the_end: int | None, expected: int
) -> None:
    expires_on = None if days_to_the_end is None else TODAY + timedelta(days=days_to_the_end)
    assert procedure.last_day(kind, expires_on, TODAY) == TODAY + timedelta(days=expected)


def exchange(*items: tuple[str, Access], profile: str = "fapi2", webhooks: bool = False) -> Exchange:
    rhythm = Periodicity.from_json({"continuous": True})
    rows = tuple(CeilingItem(category, access, rhythm, None, True, "Pour voir.") for category, access in items)
    return Exchange(Ceiling(rows, frozenset({Purpose.PREVENTION}), 30), profile, webhooks)


READ, WRITE = ("measures.body-weight", Access.READ), ("measures.body-weight", Access.WRITE)
BASE = [Behaviour.PKCE, Behaviour.HONOURS_RETRY_AFTER, Behaviour.STOPS_AFTER_REVOCATION]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (exchange(READ, profile="smart"), BASE),
        (exchange(READ), [*BASE, Behaviour.PROOF_OF_POSSESSION]),
        (exchange(READ, WRITE, profile="smart"), [*BASE, Behaviour.VALID_WRITE]),
        (exchange(READ, profile="smart", webhooks=True), [*BASE, Behaviour.RECEIVES_WEBHOOK]),
    ],
)
def test_the_tests_follow_from_what_the_application_does(asked: Exchange, expected: list[Behaviour]) -> None:
    assert sorted(list_required(asked, None)) == sorted(expected)


@pytest.mark.parametrize(
    ("asked", "again"),
    [
        (exchange(READ), False),
        (exchange(READ, WRITE), True),
        (exchange(("measures.pain", Access.READ)), True),
        (exchange(READ, profile="smart"), True),
        (exchange(READ, webhooks=True), True),
    ],
)
def test_an_amendment_is_tested_again_only_for_what_is_new(asked: Exchange, again: bool) -> None:
    assert bool(list_required(asked, exchange(READ))) is again
    assert list_required(exchange(READ), exchange(READ, WRITE, webhooks=True)) == []


def test_the_hash_of_the_convention_is_that_of_its_text() -> None:
    text = convention.present()
    assert (len(text.hash), text.version) == (64, procedure.PROCEDURE["convention"])
    assert all(article.title and len(article.text) > 80 for article in text.articles)
    assert convention.carries_over(text.version)
    assert not convention.carries_over("2020.1")
    assert not convention.carries_over(None)
