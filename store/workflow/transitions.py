"""What every life in the referencing is made of: roles, transitions, and the one way through a table."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from store.errors import MotiveRequired, RoleRequired, TransitionRefused


class Role(StrEnum):
    """Who acts: roles of agents as identity_core names them, and the platform itself."""

    PUBLISHER = "publisher"
    REVIEWER = "reviewer"
    COMMISSION = "commission"
    DECIDER = "decider"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Transition:
    """From which states a verb leads where, in whose hands.

    None among `frm` stands for what does not exist yet; as `to`, for an act that leaves the state as it is.
    """

    frm: frozenset[StrEnum | None]
    to: StrEnum | None
    roles: frozenset[Role]
    motive: bool = False


Table = Mapping[StrEnum, Transition]


def leads(*frm: StrEnum | None, to: StrEnum | None, by: Collection[Role], motive: bool = False) -> Transition:
    """One line of a table."""
    return Transition(frozenset(frm), to, frozenset(by), motive)


def step(table: Table, state: StrEnum | None, verb: StrEnum, *, roles: Collection[str], motive: str) -> StrEnum:
    """The state that the verb leads to.

    Raises `TransitionRefused` when the state does not allow it, `RoleRequired` when none of the roles may do it,
    `MotiveRequired` when it needs a motive and has none.
    """
    transition = table[verb]
    if transition.roles.isdisjoint(roles):
        raise RoleRequired(f"{verb} belongs to the role {' or '.join(sorted(transition.roles))}.")
    if state not in transition.frm:
        raise TransitionRefused(verb, state)
    if transition.motive and not motive.strip():
        raise MotiveRequired(f"{verb} must say why.")
    reached = transition.to or state
    if reached is None:
        raise TransitionRefused(verb, state)
    return reached
