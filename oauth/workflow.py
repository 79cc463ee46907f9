"""The life of a structure whose software works for professionals. Pure: values in, values out."""

from enum import StrEnum

from platform_core.errors import Conflict


class StructureState(StrEnum):
    """Suspended, its software is refused at each call; ended, it has to be registered anew."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


class StructureVerb(StrEnum):
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    END = "end"


_State, _Verb = StructureState, StructureVerb
TRANSITIONS: dict[tuple[StructureState, StructureVerb], StructureState] = {
    (_State.ACTIVE, _Verb.SUSPEND): _State.SUSPENDED,
    (_State.SUSPENDED, _Verb.REINSTATE): _State.ACTIVE,
    (_State.ACTIVE, _Verb.END): _State.ENDED,
    (_State.SUSPENDED, _Verb.END): _State.ENDED,
}


def next_structure_state(state: StructureState, verb: StructureVerb) -> StructureState:
    """The state that the verb leads to. Raises `Conflict` (`structure-state`) when it does not apply."""
    try:
        return TRANSITIONS[state, verb]
    except KeyError:
        raise Conflict(f"A structure that is {state} cannot be asked to {verb}.", code="structure-state") from None
