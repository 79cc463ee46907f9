"""The clock of delays: whose turn it is, since when, until when. It stops while the publisher must answer. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from platform_core.clock import PARIS
from store.rules.procedure import PROCEDURE
from store.workflow import ReservationVerb, Role, SubmissionVerb


class Phase(StrEnum):
    """What is being waited for; each has its delay in procedure.json, in days."""

    ADMISSIBILITY = "admissibility"
    EVALUATION = "evaluation"
    COMPLEMENTS = "complements"
    COMMISSION = "commission"
    RESERVATIONS = "reservations"
    RESERVATION_REVIEW = "reservation_review"
    DECISION = "decision"
    CONVENTION = "convention"
    COUNTERSIGNATURE = "countersignature"
    INTEROP = "interop"
    LISTING = "listing"


_P, _V, _R = Phase, SubmissionVerb, ReservationVerb

ACTORS: Mapping[Phase, Role] = {
    _P.ADMISSIBILITY: Role.REVIEWER,
    _P.EVALUATION: Role.REVIEWER,
    _P.COMPLEMENTS: Role.PUBLISHER,
    _P.COMMISSION: Role.COMMISSION,
    _P.RESERVATIONS: Role.PUBLISHER,
    _P.RESERVATION_REVIEW: Role.REVIEWER,
    _P.DECISION: Role.DECIDER,
    _P.CONVENTION: Role.PUBLISHER,
    _P.COUNTERSIGNATURE: Role.DECIDER,
    _P.INTEROP: Role.PUBLISHER,
    _P.LISTING: Role.DECIDER,
}
_OPENS: Mapping[str, Phase | None] = {
    _V.SUBMIT: _P.ADMISSIBILITY,
    _V.DECLARE_ADMISSIBLE: _P.EVALUATION,
    _V.START_EVALUATION: _P.EVALUATION,
    _V.REQUEST_COMPLEMENTS: _P.COMPLEMENTS,
    _V.ANSWER_COMPLEMENTS: _P.EVALUATION,
    _V.PROPOSE_OPINION: _P.COMMISSION,
    _V.RESUME_EVALUATION: _P.EVALUATION,
    _V.GIVE_OPINION: _P.DECISION,
    _V.ACCEPT: _P.CONVENTION,
    _V.SIGN_CONVENTION: _P.COUNTERSIGNATURE,
    _V.COUNTERSIGN_CONVENTION: _P.INTEROP,
    _V.CARRY_CONVENTION_OVER: _P.INTEROP,
    _V.START_INTEROP_TESTS: _P.INTEROP,
    _V.PASS_INTEROP_TESTS: _P.LISTING,
    _V.DECLARE_INADMISSIBLE: None,
    _V.REFUSE: None,
    _V.PUBLISH: None,
    _V.ABANDON: None,
    _V.ARCHIVE: None,
}


@dataclass(frozen=True, slots=True)
class Step:
    """An event of a submission, or of one of its suspensive reservations (`subject_id`)."""

    at: datetime
    verb: str
    subject_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time spent in one phase; `end` is None for the present one."""

    phase: Phase
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is, since when, and when their delay ends."""

    phase: Phase
    waiting_on: Role
    since: datetime
    due_at: datetime


def list_intervals(steps: Iterable[Step]) -> Sequence[Interval]:
    """The history of a submission cut by phase, in order; what stays in a phase lengthens it. `steps` are in order."""
    found: list[Interval] = []
    for at, phase in _phases(steps):
        if found and found[-1].end is None:
            if found[-1].phase is phase:
                continue
            found[-1] = Interval(found[-1].phase, found[-1].start, at)
        if phase:
            found.append(Interval(phase, at, None))
    return found


def _phases(steps: Iterable[Step]) -> Iterator[tuple[datetime, Phase | None]]:
    """The phase after each event that may change it.

    In the decision, suspensive reservations come first: the publisher's turn as long as one is not claimed, then the
    reviewer's as long as one is not lifted.
    """
    base: Phase | None = None
    owed: set[UUID | None] = set()
    claimed: set[UUID | None] = set()
    for step in steps:
        if step.verb in _OPENS:
            base = _OPENS[step.verb]
        elif step.verb in {_R.EXPRESS, _R.DECLINE}:
            owed.add(step.subject_id)
            claimed.discard(step.subject_id)
        elif step.verb == _R.CLAIM:
            owed.discard(step.subject_id)
            claimed.add(step.subject_id)
        elif step.verb in {_R.LIFT, _R.LAPSE}:
            owed.discard(step.subject_id)
            claimed.discard(step.subject_id)
        else:
            continue
        phase = base
        if base is _P.DECISION and (owed or claimed):
            phase = _P.RESERVATIONS if owed else _P.RESERVATION_REVIEW
        yield step.at, phase


def find_turn(steps: Iterable[Step], delays: Mapping[str, int] | None = None) -> Turn | None:
    """Whose turn it is; None for a draft and for what is over.

    The authority's delays add up over the rounds of one phase, what the publisher takes in between not counted; the
    publisher has the whole delay at each round. `delays` gives days, those of procedure.json by default.
    """
    intervals = list_intervals(steps)
    if not intervals or intervals[-1].end is not None:
        return None
    present = intervals[-1]
    role = ACTORS[present.phase]
    allowed = timedelta(days=(delays or PROCEDURE["delays_days"])[present.phase])
    if role is not Role.PUBLISHER:
        allowed -= sum((i.end - i.start for i in intervals if i.phase is present.phase and i.end), timedelta())
    return Turn(present.phase, role, present.start, present.start + allowed)


def days_left(due_at: datetime, now: datetime) -> int:
    """Calendar days in Europe/Paris until the last day: 0 on that day, negative past it."""
    return (_day(due_at) - _day(now)).days


def _day(instant: datetime) -> date:
    return instant.astimezone(PARIS).date()
