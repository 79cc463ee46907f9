"""The life of an agreement between a patient and a professional, and what it opens. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from platform_core.errors import Conflict


class Mode(StrEnum):
    """In what quality a professional comes, from the steadiest to the most exceptional."""

    TREATING_DOCTOR = "treating-doctor"
    CARE_TEAM = "care-team"
    CODE = "code"
    EMERGENCY = "emergency"


class AgreementState(StrEnum):
    """What a doctor proposed waits for the patient; the others are agreed from the start. Time ends them unsaid."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    REFUSED = "refused"
    ENDED = "ended"


class AgreementVerb(StrEnum):
    ACCEPT = "accept"
    REFUSE = "refuse"
    END = "end"


_State, _Verb = AgreementState, AgreementVerb
TRANSITIONS: dict[tuple[AgreementState, AgreementVerb], AgreementState] = {
    (_State.PROPOSED, _Verb.ACCEPT): _State.ACTIVE,
    (_State.PROPOSED, _Verb.REFUSE): _State.REFUSED,
    (_State.PROPOSED, _Verb.END): _State.ENDED,
    (_State.ACTIVE, _Verb.END): _State.ENDED,
}

DOCTOR = "10"
CODE_LASTS = timedelta(minutes=15)
CODE_OPENS = timedelta(hours=4)
EMERGENCY_OPENS = timedelta(hours=24)
"""How long a code waits to be used, how long it then opens the record, how long an emergency does."""

LONGEST_TEAM_DAYS = 366
MOTIVE_LENGTHS = (10, 500)
MOST_FAILURES = 5
FAILURES_COUNT_FOR = timedelta(hours=1)
"""A professional whose codes or identities were wrong so often within that time waits."""


def next_agreement_state(state: AgreementState, verb: AgreementVerb) -> AgreementState:
    """The state that the verb leads to. Raises `Conflict` (`agreement-state`) when it does not apply."""
    try:
        return TRANSITIONS[state, verb]
    except KeyError:
        raise Conflict(f"An agreement that is {state} cannot be asked to {verb}.", code="agreement-state") from None


class Standing(Protocol):
    """What decides on whether an agreement opens the record."""

    @property
    def mode(self) -> Mode: ...
    @property
    def state(self) -> AgreementState: ...
    @property
    def ends_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Choices:
    """What the patient allows without being asked: reading in an emergency, filing into the record."""

    emergency: bool = True
    writing: bool = True


def is_live(agreement: Standing, now: datetime) -> bool:
    """Whether an agreement is in force at that instant."""
    return agreement.state is AgreementState.ACTIVE and (agreement.ends_at is None or now < agreement.ends_at)


def mode_of_access(agreements: Iterable[Standing], *, blocked: bool, now: datetime) -> Mode | None:
    """In what quality a professional reads the record now; None when they do not. Blocked prevails over all."""
    live = {agreement.mode for agreement in agreements if is_live(agreement, now)}
    return None if blocked else next((mode for mode in Mode if mode in live), None)


def digits_of(code: str) -> str:
    """The digits of a code as somebody types it, spaces and dots apart."""
    return "".join(letter for letter in code if letter.isascii() and letter.isdigit())
