"""How a change of an app's referencing reaches the history of each consent, and who is told. Pure.

The calls do not wait for it: they read the listing live.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Change(StrEnum):
    """What the authority decided, or what time did to the referencing."""

    SUSPENDED = "suspended"
    REINSTATED = "reinstated"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


_ENDS = frozenset({Change.WITHDRAWN, Change.EXPIRED})


def ends_consents(listing_state: str | None) -> bool:
    """Whether a listing in this state has taken the consents of its app with it."""
    return listing_state in _ENDS


@dataclass(frozen=True, slots=True)
class Decided:
    """A change of one app, numbered in the order of the decisions."""

    number: int
    change: Change
    at: datetime


@dataclass(frozen=True, slots=True)
class Note:
    """What the history of a consent says already of such a change; `told` when its patient had a message about it."""

    number: int
    change: Change
    told: bool


def to_write(decided: Sequence[Decided], notes: Sequence[Note], valid_from: datetime) -> list[tuple[Decided, bool]]:
    """The changes that a history still lacks, in order, each with whether its patient is told.

    A consent lives through the changes decided since it was given. Its patient hears of the newest only, and only when
    it differs from the last one they heard of: a suspension lifted before it could be announced is written, not told.
    """
    written = max((note.number for note in notes), default=0)
    lacking = [one for one in decided if one.number > written and one.at >= valid_from]
    heard = [note.change for note in notes if note.told]
    last_heard = heard[-1] if heard else Change.REINSTATED
    return [(one, one is lacking[-1] and one.change is not last_heard) for one in lacking]
