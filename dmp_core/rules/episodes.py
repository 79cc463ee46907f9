"""Episodes: documents of a record that belong together, because they are near in time and of one place or specialty."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from platform_core.clock import PARIS

APART = timedelta(days=21)
"""How long the silence between two documents of one episode may be."""


class Item(NamedTuple):
    """What a timeline tells of a document; a part that it does not know is empty."""

    id: UUID
    title: str
    at: datetime
    author: str
    specialty: str
    institution: str


@dataclass(frozen=True, slots=True)
class Episode:
    """Documents that belong together, the latest first: one at least."""

    items: Sequence[Item]

    @property
    def begins_at(self) -> datetime:
        return self.items[-1].at

    @property
    def ends_at(self) -> datetime:
        return self.items[0].at

    @property
    def specialty(self) -> str:
        """The specialty of all its documents that tell one; empty when they differ."""
        return _only(item.specialty for item in self.items)

    @property
    def institution(self) -> str:
        """The establishment of all its documents that tell one; empty when they differ."""
        return _only(item.institution for item in self.items)


@dataclass(frozen=True, slots=True)
class Month:
    """The episodes that end in a month of Paris, the latest first."""

    first_day: date
    episodes: Sequence[Episode]


def group(items: Iterable[Item]) -> list[Month]:
    """Months, the latest first, with their episodes, out of documents in any order.

    A document joins the nearest episode that begins less than `APART` after it and shares its specialty or its
    establishment.
    """
    open_episodes: list[list[Item]] = []
    for item in sorted(items, key=lambda one: (one.at, one.id), reverse=True):
        near = (episode for episode in reversed(open_episodes) if _belongs(item, episode))
        if (found := next(near, None)) is None:
            open_episodes.append([item])
        else:
            found.append(item)
    months: dict[tuple[int, int], list[Episode]] = {}
    for episode in map(Episode, open_episodes):
        local = episode.ends_at.astimezone(PARIS)
        months.setdefault((local.year, local.month), []).append(episode)
    return [Month(date(year, month, 1), found) for (year, month), found in months.items()]


def _belongs(item: Item, episode: Sequence[Item]) -> bool:
    last = episode[-1]
    if last.at - item.at > APART:
        return False
    same_specialty = bool(item.specialty) and any(one.specialty == item.specialty for one in episode)
    return same_specialty or (bool(item.institution) and any(one.institution == item.institution for one in episode))


def _only(values: Iterable[str]) -> str:
    found = {value for value in values if value}
    return found.pop() if len(found) == 1 else ""
