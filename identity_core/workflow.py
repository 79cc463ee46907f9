"""The life of a space: which verb leads from which state to which. Pure."""

from enum import StrEnum

from platform_core.errors import Conflict


class SpaceState(StrEnum):
    """Where the space of an insured person stands."""

    INVITED = "invited"
    OPEN = "open"
    OPPOSED = "opposed"
    CLOSED = "closed"


class SpaceVerb(StrEnum):
    OPEN = "open"
    OPPOSE = "oppose"
    CLOSE = "close"


TRANSITIONS: dict[tuple[SpaceState, SpaceVerb], SpaceState] = {
    (SpaceState.INVITED, SpaceVerb.OPEN): SpaceState.OPEN,
    (SpaceState.INVITED, SpaceVerb.OPPOSE): SpaceState.OPPOSED,
    (SpaceState.OPPOSED, SpaceVerb.OPEN): SpaceState.OPEN,
    (SpaceState.OPEN, SpaceVerb.CLOSE): SpaceState.CLOSED,
    (SpaceState.CLOSED, SpaceVerb.OPEN): SpaceState.OPEN,
}


def next_state(state: SpaceState, verb: SpaceVerb) -> SpaceState:
    """The state that the verb leads to. Raises `Conflict` (`space-state`) when it does not apply."""
    try:
        return TRANSITIONS[state, verb]
    except KeyError:
        raise Conflict(f"A space that is {state} cannot be asked to {verb}.", code="space-state") from None
