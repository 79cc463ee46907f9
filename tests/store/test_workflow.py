"""The whole grid state × verb × role: what the table does not allow is refused."""

from itertools import product

import pytest

from store.errors import MotiveRequired, RoleRequired, TransitionRefused
from store.workflow import TRANSITIONS, ListingState, Role, State, SubmissionState, Verb, apply, possible

S, L = SubmissionState, ListingState

# Written out apart from the table under test, as the procedure says it.
ALLOWED: dict[tuple[State | None, Verb], tuple[State, Role]] = {
    (S.DRAFT, Verb.SUBMIT): (S.SUBMITTED, Role.PUBLISHER),
    (S.SUBMITTED, Verb.TAKE_IN_CHARGE): (S.IN_EVALUATION, Role.REVIEWER),
    (S.IN_EVALUATION, Verb.REQUEST_COMPLEMENTS): (S.COMPLEMENTS_REQUESTED, Role.REVIEWER),
    (S.COMPLEMENTS_REQUESTED, Verb.ANSWER_COMPLEMENTS): (S.IN_EVALUATION, Role.PUBLISHER),
    (S.IN_EVALUATION, Verb.PROPOSE_ACCEPTANCE): (S.IN_EVALUATION, Role.REVIEWER),
    (S.IN_EVALUATION, Verb.PROPOSE_REFUSAL): (S.IN_EVALUATION, Role.REVIEWER),
    (S.IN_EVALUATION, Verb.ACCEPT): (S.ACCEPTED, Role.DECIDER),
    (S.IN_EVALUATION, Verb.REFUSE): (S.REFUSED, Role.DECIDER),
    (None, Verb.LIST): (L.LISTED, Role.DECIDER),
    (L.LISTED, Verb.LIST): (L.LISTED, Role.DECIDER),
    (L.EXPIRED, Verb.LIST): (L.LISTED, Role.DECIDER),
    (L.LISTED, Verb.SUSPEND): (L.SUSPENDED, Role.DECIDER),
    (L.SUSPENDED, Verb.REINSTATE): (L.LISTED, Role.DECIDER),
    (L.LISTED, Verb.WITHDRAW): (L.WITHDRAWN, Role.DECIDER),
    (L.SUSPENDED, Verb.WITHDRAW): (L.WITHDRAWN, Role.DECIDER),
    (L.LISTED, Verb.EXPIRE): (L.EXPIRED, Role.SYSTEM),
    (L.SUSPENDED, Verb.EXPIRE): (L.EXPIRED, Role.SYSTEM),
}
STATES: tuple[State | None, ...] = (None, *S, *L)


@pytest.mark.parametrize(("state", "verb", "role"), list(product(STATES, Verb, Role)))
def test_a_verb_leads_where_the_procedure_says_or_is_refused(state: State | None, verb: Verb, role: Role) -> None:
    expected = ALLOWED.get((state, verb))
    if expected and expected[1] is role:
        assert apply(state, verb, roles={role}, motive="Motif.") is expected[0]
        assert verb in possible(state, roles={role})
        return
    holds_the_role = any(who is role for (_, v), (_, who) in ALLOWED.items() if v is verb)
    with pytest.raises(TransitionRefused if holds_the_role else RoleRequired):
        apply(state, verb, roles={role}, motive="Motif.")
    assert verb not in possible(state, roles={role})


@pytest.mark.parametrize("verb", [verb for verb, transition in TRANSITIONS.items() if transition.motive])
@pytest.mark.parametrize("motive", ["", "  \n"])
def test_an_act_that_goes_against_somebody_says_why(verb: Verb, motive: str) -> None:
    transition = TRANSITIONS[verb]
    state = next(iter(transition.frm))
    with pytest.raises(MotiveRequired):
        apply(state, verb, roles={transition.role}, motive=motive)


def test_decisions_complements_and_sanctions_need_a_motive() -> None:
    assert {verb for verb, transition in TRANSITIONS.items() if transition.motive} == {
        Verb.REQUEST_COMPLEMENTS,
        Verb.PROPOSE_ACCEPTANCE,
        Verb.PROPOSE_REFUSAL,
        Verb.ACCEPT,
        Verb.REFUSE,
        Verb.SUSPEND,
        Verb.REINSTATE,
        Verb.WITHDRAW,
    }


@pytest.mark.parametrize("state", [S.ACCEPTED, S.REFUSED, L.WITHDRAWN])
def test_nothing_leaves_a_final_state(state: State) -> None:
    assert possible(state, roles=set(Role)) == ()
