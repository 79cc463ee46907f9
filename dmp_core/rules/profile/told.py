"""What a person tells in one step, and what is wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from dmp_core.rules.profile.steps import Step
from platform_core.errors import Fault

MOST_LABEL, MOST_DETAIL = 200, 500


@dataclass(frozen=True, slots=True)
class Told:
    """What it is, which of the choices of its step, more about it, and the year since when; each may be empty."""

    label: str = ""
    choice: str = ""
    detail: str = ""
    since: str = ""

    @classmethod
    def read(cls, **texts: str) -> "Told":
        """The texts of a form, trimmed."""
        return cls(**{name: text.strip() for name, text in texts.items()})


def faults(step: Step, told: Told, *, born: date, today: date) -> Iterator[Fault]:
    """What refuses it, by field."""
    if not 0 < len(told.label) <= MOST_LABEL:
        yield Fault("label", f"must hold 1 to {MOST_LABEL} characters.", "required")
    if told.choice not in step.choices:
        yield Fault("choice", "is not one of the choices.", "code-invalid")
    if len(told.detail) > (MOST_DETAIL if step.has_detail else 0):
        yield Fault("detail", f"holds more than {MOST_DETAIL} characters.", "too-long")
    if told.since and not (step.has_since and _is_year(told.since) and born.year <= int(told.since) <= today.year):
        yield Fault("since", "must be a year between the birth and today.", "value")


def _is_year(text: str) -> bool:
    return len(text) == 4 and text.isascii() and text.isdigit()
