"""The lives of a space and of a representation: which verb leads from which state to which. Pure."""

from datetime import date
from enum import StrEnum

from platform_core.errors import Conflict


class SpaceState(StrEnum):
    """Where the space of an insured person stands."""

    INVITED = "invited"
    OPEN = "open"
    OPPOSED = "opposed"
    CLOSED = "closed"
    DESTROYING = "destroying"
    DESTROYED = "destroyed"


class SpaceVerb(StrEnum):
    """`DESTROY` makes all unreadable, `FORGET` says that nothing is left."""

    OPEN = "open"
    OPPOSE = "oppose"
    CLOSE = "close"
    DESTROY = "destroy"
    FORGET = "forget"


TRANSITIONS: dict[tuple[SpaceState, SpaceVerb], SpaceState] = {
    (SpaceState.INVITED, SpaceVerb.OPEN): SpaceState.OPEN,
    (SpaceState.INVITED, SpaceVerb.OPPOSE): SpaceState.OPPOSED,
    (SpaceState.OPPOSED, SpaceVerb.OPEN): SpaceState.OPEN,
    (SpaceState.OPEN, SpaceVerb.CLOSE): SpaceState.CLOSED,
    (SpaceState.CLOSED, SpaceVerb.OPEN): SpaceState.OPEN,
    (SpaceState.CLOSED, SpaceVerb.DESTROY): SpaceState.DESTROYING,
    (SpaceState.DESTROYING, SpaceVerb.FORGET): SpaceState.DESTROYED,
    (SpaceState.DESTROYED, SpaceVerb.OPEN): SpaceState.OPEN,
}


def next_state(state: SpaceState, verb: SpaceVerb) -> SpaceState:
    """The state that the verb leads to. Raises `Conflict` (`space-state`) when it does not apply."""
    try:
        return TRANSITIONS[state, verb]
    except KeyError:
        raise Conflict(f"A space that is {state} cannot be asked to {verb}.", code="space-state") from None


class RepresentationState(StrEnum):
    """Where the right of a person to act for a patient stands.

    What the law gives (parental authority, guardianship) begins active. A mandate is proposed to an address, accepted
    by the person who proves that it is theirs, and confirmed by the patient, who then knows who that is.
    """

    INVITED = "invited"
    ACCEPTED = "accepted"
    ACTIVE = "active"
    REFUSED = "refused"
    REVOKED = "revoked"
    EXPIRED = "expired"
    ENDED = "ended"


class RepresentationVerb(StrEnum):
    """`END` is said by the law or by the authority: majority, a measure lifted, a mandate that another one replaces."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    CONFIRM = "confirm"
    REVOKE = "revoke"
    EXPIRE = "expire"
    END = "end"


WAITING = frozenset({RepresentationState.INVITED, RepresentationState.ACCEPTED})

REPRESENTATIONS: dict[tuple[RepresentationState, RepresentationVerb], RepresentationState] = {
    (RepresentationState.INVITED, RepresentationVerb.ACCEPT): RepresentationState.ACCEPTED,
    (RepresentationState.INVITED, RepresentationVerb.REFUSE): RepresentationState.REFUSED,
    (RepresentationState.INVITED, RepresentationVerb.REVOKE): RepresentationState.REVOKED,
    (RepresentationState.INVITED, RepresentationVerb.EXPIRE): RepresentationState.EXPIRED,
    (RepresentationState.ACCEPTED, RepresentationVerb.CONFIRM): RepresentationState.ACTIVE,
    (RepresentationState.ACCEPTED, RepresentationVerb.REVOKE): RepresentationState.REVOKED,
    (RepresentationState.ACCEPTED, RepresentationVerb.EXPIRE): RepresentationState.EXPIRED,
    (RepresentationState.ACTIVE, RepresentationVerb.REVOKE): RepresentationState.REVOKED,
    (RepresentationState.ACTIVE, RepresentationVerb.EXPIRE): RepresentationState.EXPIRED,
    (RepresentationState.ACTIVE, RepresentationVerb.END): RepresentationState.ENDED,
}


def next_representation_state(state: RepresentationState, verb: RepresentationVerb) -> RepresentationState:
    """The state that the verb leads to. Raises `Conflict` (`representation-state`) when it does not apply."""
    try:
        return REPRESENTATIONS[state, verb]
    except KeyError:
        message = f"A representation that is {state} cannot be asked to {verb}."
        raise Conflict(message, code="representation-state") from None


def verb_of_time(
    state: RepresentationState, *, unanswered: bool, last_day: date | None, valid_until: date | None, today: date
) -> RepresentationVerb | None:
    """What time alone has said to a representation: an offer that nobody took up in time (`unanswered`), a last day
    that is past, be it the date that was given (`valid_until`) or the eve of majority."""
    if state in WAITING and unanswered:
        return RepresentationVerb.EXPIRE
    if state is RepresentationState.ACTIVE and last_day is not None and last_day < today:
        return RepresentationVerb.EXPIRE if last_day == valid_until else RepresentationVerb.END
    return None
