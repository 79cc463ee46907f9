"""The twelve steps of the procedure, in plain words, and where a submission is among them. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.resources import files

from store.rules.delays import ACTORS, Interval, Phase
from store.workflow import FINAL, Role, SubmissionState


class Progress(StrEnum):
    """`STOPPED` is where a request ended without being listed."""

    DONE = "done"
    CURRENT = "current"
    STOPPED = "stopped"
    TO_COME = "to_come"


@dataclass(frozen=True, slots=True)
class StepText:
    """A step as the data file says it, in French."""

    code: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Appeal:
    """A way to contest a decision, and the public text that opens it."""

    code: str
    title: str
    text: str
    source: str


def _read(name: str, part: str) -> Sequence[Mapping[str, str]]:
    found: Sequence[Mapping[str, str]] = json.loads(files("store").joinpath(f"data/{name}.json").read_text())[part]
    return found


STEPS = [StepText(**entry) for entry in _read("course", "steps")]
AFTERWARDS = [StepText(**entry) for entry in _read("course", "afterwards")]
APPEALS = [Appeal(**entry) for entry in _read("appeals", "ways")]

STEP_OF: Mapping[Phase, str] = {
    Phase.ADMISSIBILITY: "admissibility",
    Phase.EVALUATION: "evaluation",
    Phase.COMPLEMENTS: "evaluation",
    Phase.COMMISSION: "decision",
    Phase.RESERVATIONS: "decision",
    Phase.RESERVATION_REVIEW: "decision",
    Phase.DECISION: "decision",
    Phase.CONVENTION: "convention",
    Phase.COUNTERSIGNATURE: "convention",
    Phase.INTEROP: "tests",
    Phase.LISTING: "listing",
}


def list_progress(state: SubmissionState, phases: Sequence[Phase]) -> Sequence[tuple[StepText, Progress]]:
    """Each of the steps up to the listing, with its progress. `phases` are those the submission went through."""
    codes = [step.code for step in STEPS]
    reached = codes.index(STEP_OF[phases[-1]] if phases else "request")
    if state is SubmissionState.LISTED:
        return [(step, Progress.DONE) for step in STEPS]
    here = Progress.STOPPED if state in FINAL else Progress.CURRENT
    marks = [Progress.DONE if n < reached else here if n == reached else Progress.TO_COME for n in range(len(STEPS))]
    return list(zip(STEPS, marks, strict=True))


def days_spent(intervals: Sequence[Interval], now: datetime) -> Mapping[str, float]:
    """Days spent so far in the hands of the publisher and in those of the authority."""
    spent = {"publisher": 0.0, "authority": 0.0}
    for one in intervals:
        side = "publisher" if ACTORS[one.phase] is Role.PUBLISHER else "authority"
        spent[side] += ((one.end or now) - one.start) / timedelta(days=1)
    return spent
