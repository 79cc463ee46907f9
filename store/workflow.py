"""The life of a dossier and of a listing: states, verbs, and the one table of transitions. Pure.

The request is not the listing: a submission ends accepted or refused; listing the accepted one opens a second life.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from store.errors import MotiveRequired, RoleRequired, TransitionRefused


class SubmissionState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_EVALUATION = "in_evaluation"
    COMPLEMENTS_REQUESTED = "complements_requested"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class ListingState(StrEnum):
    LISTED = "listed"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


State = SubmissionState | ListingState


class Verb(StrEnum):
    SUBMIT = "submit"
    TAKE_IN_CHARGE = "take_in_charge"
    REQUEST_COMPLEMENTS = "request_complements"
    ANSWER_COMPLEMENTS = "answer_complements"
    PROPOSE_ACCEPTANCE = "propose_acceptance"
    PROPOSE_REFUSAL = "propose_refusal"
    ACCEPT = "accept"
    REFUSE = "refuse"
    LIST = "list"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"


class Role(StrEnum):
    """Who acts: roles of agents as identity_core names them, and the platform itself."""

    PUBLISHER = "publisher"
    REVIEWER = "reviewer"
    DECIDER = "decider"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Transition:
    """From which states a verb leads where, in whose hands. None stands for an application never listed."""

    frm: frozenset[State | None]
    to: State
    role: Role
    motive: bool = False


def _from(*states: State | None, to: State, role: Role, motive: bool = False) -> Transition:
    return Transition(frozenset(states), to, role, motive)


_S, _L = SubmissionState, ListingState

TRANSITIONS: Mapping[Verb, Transition] = {
    Verb.SUBMIT: _from(_S.DRAFT, to=_S.SUBMITTED, role=Role.PUBLISHER),
    Verb.TAKE_IN_CHARGE: _from(_S.SUBMITTED, to=_S.IN_EVALUATION, role=Role.REVIEWER),
    Verb.REQUEST_COMPLEMENTS: _from(_S.IN_EVALUATION, to=_S.COMPLEMENTS_REQUESTED, role=Role.REVIEWER, motive=True),
    Verb.ANSWER_COMPLEMENTS: _from(_S.COMPLEMENTS_REQUESTED, to=_S.IN_EVALUATION, role=Role.PUBLISHER),
    Verb.PROPOSE_ACCEPTANCE: _from(_S.IN_EVALUATION, to=_S.IN_EVALUATION, role=Role.REVIEWER, motive=True),
    Verb.PROPOSE_REFUSAL: _from(_S.IN_EVALUATION, to=_S.IN_EVALUATION, role=Role.REVIEWER, motive=True),
    Verb.ACCEPT: _from(_S.IN_EVALUATION, to=_S.ACCEPTED, role=Role.DECIDER, motive=True),
    Verb.REFUSE: _from(_S.IN_EVALUATION, to=_S.REFUSED, role=Role.DECIDER, motive=True),
    Verb.LIST: _from(None, _L.LISTED, _L.EXPIRED, to=_L.LISTED, role=Role.DECIDER),
    Verb.SUSPEND: _from(_L.LISTED, to=_L.SUSPENDED, role=Role.DECIDER, motive=True),
    Verb.REINSTATE: _from(_L.SUSPENDED, to=_L.LISTED, role=Role.DECIDER, motive=True),
    Verb.WITHDRAW: _from(_L.LISTED, _L.SUSPENDED, to=_L.WITHDRAWN, role=Role.DECIDER, motive=True),
    Verb.EXPIRE: _from(_L.LISTED, _L.SUSPENDED, to=_L.EXPIRED, role=Role.SYSTEM),
}

EDITABLE = frozenset({_S.DRAFT, _S.COMPLEMENTS_REQUESTED})
FINAL = frozenset({_S.ACCEPTED, _S.REFUSED})


def apply(state: State | None, verb: Verb, *, roles: Collection[str], motive: str = "") -> State:
    """The state that the verb leads to.

    Raises `TransitionRefused` when the state does not allow it, `RoleRequired` when none of the roles may do it,
    `MotiveRequired` when it needs a motive and has none.
    """
    transition = TRANSITIONS[verb]
    if transition.role not in roles:
        raise RoleRequired(f"{verb} belongs to the role {transition.role}.")
    if state not in transition.frm:
        raise TransitionRefused(verb, state)
    if transition.motive and not motive.strip():
        raise MotiveRequired(f"{verb} must say why.")
    return transition.to


def possible(state: State | None, *, roles: Collection[str]) -> tuple[Verb, ...]:
    """The verbs that these roles may use in this state, in the order of the table."""
    return tuple(verb for verb, t in TRANSITIONS.items() if state in t.frm and t.role in roles)
