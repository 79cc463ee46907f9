"""The life of a report on an access that a patient does not recognise: one transition table. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from platform_core.errors import Conflict, Fault, Forbidden, Invalid
from store.workflow import Role

KEPT = timedelta(days=3 * 366)
"""As long as the journal: a report says what one of its lines says."""
LONGEST_ANSWER = 4000


class Motive(StrEnum):
    """Why the patient does not recognise an access. There is no free text: it could tell of their health."""

    UNKNOWN = "unknown"
    UNUSED = "unused"
    TIMING = "timing"
    VOLUME = "volume"
    OTHER = "other"


class State(StrEnum):
    RECEIVED = "received"
    EXAMINED = "examined"
    ANSWERED = "answered"
    CLOSED = "closed"


class Verb(StrEnum):
    """`SETTLE` is said by the patient, whom the answer satisfies or who recognises the access after all."""

    RECEIVE = "receive"
    EXAMINE = "examine"
    ANSWER = "answer"
    CLOSE = "close"
    SETTLE = "settle"


@dataclass(frozen=True, slots=True)
class Transition:
    """`role` is None for the patient and those who act for them. `text` says that the act comes with an answer."""

    sources: frozenset[State | None]
    target: State
    role: Role | None = None
    text: bool = False


TRANSITIONS: Mapping[Verb, Transition] = {
    Verb.RECEIVE: Transition(frozenset({None}), State.RECEIVED),
    Verb.EXAMINE: Transition(frozenset({State.RECEIVED}), State.EXAMINED, Role.REVIEWER),
    Verb.ANSWER: Transition(frozenset({State.EXAMINED}), State.ANSWERED, Role.REVIEWER, text=True),
    Verb.CLOSE: Transition(frozenset({State.ANSWERED}), State.CLOSED, Role.REVIEWER),
    Verb.SETTLE: Transition(frozenset({State.RECEIVED, State.EXAMINED, State.ANSWERED}), State.CLOSED),
}


def apply(state: State | None, verb: Verb, *, roles: Collection[str] = (), text: str = "") -> State:
    """The state that follows.

    Raises `Forbidden` (`role-required`), `Conflict` (`transition-refused`), `Invalid` (`answer-invalid`: no words, or
    too many), in that order.
    """
    transition = TRANSITIONS[verb]
    if transition.role is not None and transition.role not in roles:
        raise Forbidden(f"{verb} belongs to the role {transition.role}.", code="role-required")
    if state not in transition.sources:
        raise Conflict(f"A report that is {state} cannot take the act {verb}.", code="transition-refused")
    if transition.text and not text.strip():
        raise _invalid("Write the answer to the person.", "required")
    if len(text) > LONGEST_ANSWER:
        raise _invalid(f"The answer has more than {LONGEST_ANSWER} characters: shorten it.", "too-long")
    return transition.target


def possible(state: State, role: Role | None) -> list[Verb]:
    """What this role (None: the patient) may do now, in the order of the table."""
    return [verb for verb, one in TRANSITIONS.items() if state in one.sources and one.role is role]


def _invalid(message: str, code: str) -> Invalid:
    return Invalid(message, code="answer-invalid", faults=[Fault("text", message, code)])
