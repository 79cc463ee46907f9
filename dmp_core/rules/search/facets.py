"""Facets: the values by which a search is narrowed, and how many results each would leave."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from platform_core.clock import PARIS

_SHOWN = 12


class Facet(StrEnum):
    KIND = "kind"
    AUTHOR = "author"
    SPECIALTY = "specialty"
    INSTITUTION = "institution"
    YEAR = "year"


class Match(Protocol):
    """What a result tells of itself; a part that it does not know is empty."""

    @property
    def category(self) -> str: ...
    @property
    def author(self) -> str: ...
    @property
    def specialty(self) -> str: ...
    @property
    def institution(self) -> str: ...
    @property
    def effective_at(self) -> datetime: ...


M = TypeVar("M", bound=Match)


@dataclass(frozen=True, slots=True)
class Count:
    """A value of a facet, and how many results it would leave."""

    value: str
    number: int


def value(match: Match, facet: Facet) -> str:
    """The value of a result under a facet."""
    match facet:
        case Facet.KIND:
            return match.category
        case Facet.AUTHOR:
            return match.author
        case Facet.SPECIALTY:
            return match.specialty
        case Facet.INSTITUTION:
            return match.institution
        case Facet.YEAR:
            return str(match.effective_at.astimezone(PARIS).year)


def narrow(found: Iterable[M], chosen: Mapping[Facet, str]) -> list[M]:
    """The results that have every value chosen."""
    wanted = [(facet, one) for facet, one in chosen.items() if one]
    if not wanted:
        return list(found)
    return [match for match in found if all(value(match, facet) == one for facet, one in wanted)]


def count(found: Collection[Match], chosen: Mapping[Facet, str]) -> dict[Facet, list[Count]]:
    """For each facet, its most frequent values among what the other choices leave; years come latest first."""
    return {facet: _count(facet, found, chosen) for facet in Facet}


def _count(facet: Facet, found: Collection[Match], chosen: Mapping[Facet, str]) -> list[Count]:
    others = {other: one for other, one in chosen.items() if other is not facet}
    counted = Counter(value(match, facet) for match in narrow(found, others))
    kept: Sequence[tuple[str, int]] = [(one, number) for one, number in counted.most_common() if one]
    if facet is Facet.YEAR:
        kept = sorted(kept, reverse=True)
    return [Count(one, number) for one, number in kept][:_SHOWN]
