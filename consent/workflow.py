"""The life of a consent: its stored statuses, the acts that change them, and the one table of transitions. Pure.

`frozen` (the application is suspended) is not here: it is read from the listing at each call and never stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from platform_core.errors import Conflict


class Status(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    REVOKED = "revoked"
    EXPIRED = "expired"
    ENDED = "ended"


LIVE = frozenset({Status.ACTIVE, Status.PAUSED})
FINAL = frozenset(Status) - LIVE


class Verb(StrEnum):
    """`END` is said by the app, or by the authority when it withdraws the app; `EXPIRE` by time or exhaustion."""

    AMEND = "amend"
    PAUSE = "pause"
    RESUME = "resume"
    REVOKE = "revoke"
    EXPIRE = "expire"
    END = "end"


@dataclass(frozen=True, slots=True)
class Transition:
    """From which statuses an act is possible; `to` is None when it leaves the status as it is."""

    frm: frozenset[Status]
    to: Status | None


TRANSITIONS: Mapping[Verb, Transition] = {
    Verb.AMEND: Transition(LIVE, None),
    Verb.PAUSE: Transition(frozenset({Status.ACTIVE}), Status.PAUSED),
    Verb.RESUME: Transition(frozenset({Status.PAUSED}), Status.ACTIVE),
    Verb.REVOKE: Transition(LIVE, Status.REVOKED),
    Verb.EXPIRE: Transition(LIVE, Status.EXPIRED),
    Verb.END: Transition(LIVE, Status.ENDED),
}


def apply(status: Status, verb: Verb) -> Status:
    """The status after the act. Raises `Conflict` (`transition-refused`) when the table does not have it."""
    transition = TRANSITIONS[verb]
    if status not in transition.frm:
        raise Conflict(f"A consent that is {status} cannot take the act {verb}.", code="transition-refused")
    return transition.to or status


class RequestStatus(StrEnum):
    """What became of the question put to a patient. « Décider plus tard » is not a refusal.

    `EXPIRED`: somebody began to answer, or put it off, and time ran out. `ABANDONED`: nobody came to answer, or the app
    took its question back.
    """

    REQUESTED = "requested"
    GRANTED = "granted"
    REFUSED = "refused"
    POSTPONED = "postponed"
    EXPIRED = "expired"
    ABANDONED = "abandoned"


OPEN = frozenset({RequestStatus.REQUESTED, RequestStatus.POSTPONED})


class Origin(StrEnum):
    """Where a request was made: in the app, which the browser goes back to, on a device of its own, or in the patient's
    own space, where it waits for them."""

    APPLICATION = "application"
    DEVICE = "device"
    DASHBOARD = "dashboard"


class Answer(StrEnum):
    """What a patient may answer to a request."""

    GRANT = "grant"
    REFUSE = "refuse"
    POSTPONE = "postpone"


class Lapse(StrEnum):
    """What happens to a request without an answer; `SILENCE`: the patient turned the app down twice already."""

    EXPIRE = "expire"
    ABANDON = "abandon"
    SILENCE = "silence"


REQUEST_TRANSITIONS: Mapping[Answer | Lapse, tuple[frozenset[RequestStatus], RequestStatus]] = {
    Answer.GRANT: (OPEN, RequestStatus.GRANTED),
    Answer.REFUSE: (OPEN, RequestStatus.REFUSED),
    Answer.POSTPONE: (OPEN, RequestStatus.POSTPONED),
    Lapse.EXPIRE: (OPEN, RequestStatus.EXPIRED),
    Lapse.ABANDON: (OPEN, RequestStatus.ABANDONED),
    Lapse.SILENCE: (frozenset({RequestStatus.REQUESTED}), RequestStatus.REFUSED),
}


def answer(status: RequestStatus, given: Answer | Lapse) -> RequestStatus:
    """The status of a request after an act. Raises `Conflict` (`already-answered`) when the table does not have it."""
    possible, to = REQUEST_TRANSITIONS[given]
    if status not in possible:
        raise Conflict(f"This request is already {status}.", code="already-answered")
    return to


def lapse_of(*, is_someones: bool) -> Lapse:
    """How a request ends when its time is over: it expires for whoever took it up, else it is abandoned."""
    return Lapse.EXPIRE if is_someones else Lapse.ABANDON


class ErasureState(StrEnum):
    """What became of the erasure asked of a publisher. Overdue is not one of them: it is read from the date."""

    ASKED = "asked"
    ACKNOWLEDGED = "acknowledged"
    DONE = "done"
    REFUSED = "refused"


class ErasureVerb(StrEnum):
    """What the publisher may say."""

    ACKNOWLEDGE = "acknowledge"
    COMPLETE = "complete"
    REFUSE = "refuse"


_WAITING = frozenset({ErasureState.ASKED, ErasureState.ACKNOWLEDGED})
ERASURES: Mapping[ErasureVerb, tuple[frozenset[ErasureState], ErasureState]] = {
    ErasureVerb.ACKNOWLEDGE: (frozenset({ErasureState.ASKED}), ErasureState.ACKNOWLEDGED),
    ErasureVerb.COMPLETE: (_WAITING, ErasureState.DONE),
    ErasureVerb.REFUSE: (_WAITING, ErasureState.REFUSED),
}


def answer_erasure(state: ErasureState, verb: ErasureVerb) -> ErasureState:
    """The state of an erasure after the publisher spoke. Raises `Conflict` (`transition-refused`)."""
    possible, after = ERASURES[verb]
    if state not in possible:
        raise Conflict(f"An erasure that is {state} cannot take the act {verb}.", code="transition-refused")
    return after
