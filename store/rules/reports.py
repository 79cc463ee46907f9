"""The life of a report on an application: one transition table, read by the service and by the pages. Pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from platform_core.errors import Fault, Invalid
from store.errors import MotiveRequired, RoleRequired, TransitionRefused
from store.workflow import Role

KEPT_DAYS = 365
AUDIT_DAYS = 30
LONGEST_TEXT = 4000
SHORTEST_NOTICE, LONGEST_NOTICE = 20, 1000
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Kind(StrEnum):
    """What a report is about."""

    SECURITY = "security"
    PRIVACY = "privacy"
    CONTENT = "content"
    MISLEADING = "misleading"
    BUG = "bug"
    OTHER = "other"


class Origin(StrEnum):
    """Who told: anybody, or the publisher declaring an incident of their own."""

    PUBLIC = "public"
    INCIDENT = "incident"


class People(StrEnum):
    """How many people an incident concerns, as far as its publisher knows."""

    NONE = "none"
    FEWER_THAN_10 = "fewer-than-10"
    FEWER_THAN_100 = "fewer-than-100"
    FEWER_THAN_1000 = "fewer-than-1000"
    MORE = "1000-or-more"
    UNKNOWN = "unknown"


class State(StrEnum):
    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    FORWARDED = "forwarded"
    ANSWERED = "answered"
    UNDER_AUDIT = "under_audit"
    CLOSED = "closed"


class Verb(StrEnum):
    RECEIVE = "receive"
    ACKNOWLEDGE = "acknowledge"
    FORWARD = "forward"
    ANSWER = "answer"
    OPEN_AUDIT = "open_audit"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Transition:
    """`role` is None for the public. `text` says that the act comes with words for somebody to read."""

    sources: frozenset[State | None]
    target: State
    role: Role | None
    text: bool = False


_EXAMINED = frozenset({State.ACKNOWLEDGED, State.FORWARDED, State.ANSWERED})

TRANSITIONS: dict[Verb, Transition] = {
    Verb.RECEIVE: Transition(frozenset({None}), State.RECEIVED, None, text=True),
    Verb.ACKNOWLEDGE: Transition(frozenset({State.RECEIVED}), State.ACKNOWLEDGED, Role.REVIEWER),
    Verb.FORWARD: Transition(
        frozenset({State.ACKNOWLEDGED, State.ANSWERED}), State.FORWARDED, Role.REVIEWER, text=True
    ),
    Verb.ANSWER: Transition(frozenset({State.FORWARDED}), State.ANSWERED, Role.PUBLISHER, text=True),
    Verb.OPEN_AUDIT: Transition(_EXAMINED, State.UNDER_AUDIT, Role.REVIEWER, text=True),
    Verb.CLOSE: Transition(_EXAMINED | {State.UNDER_AUDIT}, State.CLOSED, Role.REVIEWER, text=True),
}


def apply(state: State | None, verb: Verb, *, roles: Collection[str], text: str = "") -> State:
    """The state that follows.

    Raises `RoleRequired`, `TransitionRefused`, `MotiveRequired` (no words), in that order.
    """
    transition = TRANSITIONS[verb]
    if transition.role is not None and transition.role not in roles:
        raise RoleRequired(f"{verb} belongs to the role {transition.role}.")
    if state not in transition.sources:
        raise TransitionRefused(verb, state)
    if transition.text and not text.strip():
        raise MotiveRequired(f"{verb} comes with a text: write it.")
    return transition.target


def possible(state: State, role: Role) -> list[Verb]:
    """What this role may do now, in the order of the table."""
    return [verb for verb, one in TRANSITIONS.items() if state in one.sources and one.role is role]


def check_report(text: str, email: str) -> None:
    """Raises `Invalid` (`report-invalid`) naming the fields that are wrong; an address is not obligatory."""
    faults = []
    if not text.strip():
        faults.append(Fault("text", "The text is missing.", "required"))
    if len(text) > LONGEST_TEXT:
        faults.append(Fault("text", f"The text has more than {LONGEST_TEXT} characters.", "too-long"))
    if email and (len(email) > 200 or not _EMAIL.fullmatch(email)):
        faults.append(Fault("email", "This is no e-mail address.", "format"))
    if faults:
        raise Invalid("The report is incomplete or malformed.", code="report-invalid", faults=faults)


def check_incident(what: str, measures: str, noticed_on: date | None, people: str, today: date) -> None:
    """Raises `Invalid` (`incident-invalid`) naming the fields that are wrong."""
    texts = {"what": what, "measures": measures}
    faults = [Fault(name, "The text is missing.", "required") for name, text in texts.items() if not text.strip()]
    too_long = f"The text has more than {LONGEST_TEXT} characters."
    faults += [Fault(name, too_long, "too-long") for name, text in texts.items() if len(text) > LONGEST_TEXT]
    if noticed_on is None or noticed_on > today:
        faults.append(Fault("noticed_on", "It was noticed today at the latest.", "out-of-range"))
    if people not in set(People):
        faults.append(Fault("people", "There is no such number of people.", "not-a-choice"))
    if faults:
        raise Invalid("The declaration is incomplete or malformed.", code="incident-invalid", faults=faults)


def check_notice(text: str) -> None:
    """Raises `Invalid` (`notice-invalid`) unless people can read in it what happened."""
    if not SHORTEST_NOTICE <= len(text.strip()) <= LONGEST_NOTICE:
        bounds = f"between {SHORTEST_NOTICE} and {LONGEST_NOTICE} characters"
        raise Invalid("Say what happened.", code="notice-invalid", faults=[Fault("text", bounds, "out-of-range")])


def plain_number(number: str) -> str:
    """A follow-up number without what people add or change when they copy it: spaces, hyphens, small letters."""
    return re.sub(r"[^0-9A-Z]", "", number.upper())
