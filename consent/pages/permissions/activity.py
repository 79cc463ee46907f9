"""Thirty days of accesses as bars, drawn here so that the page needs no script; the sentence says the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext, ngettext

from platform_core.french import day_in_words

HEIGHT, STEP, WIDTH = 40, 8, 6
_LEAST = 3


@dataclass(frozen=True, slots=True)
class Bar:
    """One day, in canvas units from the top left."""

    x: int
    y: int
    height: int
    text: str


@dataclass(frozen=True, slots=True)
class Activity:
    """The chart: only days with an access have a bar."""

    width: int
    height: int
    bar_width: int
    bars: list[Bar]
    text: str


def draw(days: Sequence[tuple[date, int]]) -> Activity:
    """The chart of these days, each with its number of accesses."""
    highest = max((count for _, count in days), default=0)
    bars = [_bar(place, day, count, highest) for place, (day, count) in enumerate(days) if count]
    return Activity(STEP * len(days), HEIGHT, WIDTH, bars, _sentence(days, highest))


def _bar(place: int, day: date, count: int, highest: int) -> Bar:
    height = max(round(count / highest * HEIGHT), _LEAST)
    said = ngettext("%(num)s accès", "%(num)s accès", count)
    return Bar(STEP * place, HEIGHT - height, height, f"{day_in_words(day)} : {said}")


def _sentence(days: Sequence[tuple[date, int]], highest: int) -> str:
    if not highest:
        return gettext("Aucun accès en %(count)s jours", count=len(days))
    total, active = sum(count for _, count in days), sum(1 for _, count in days if count)
    accesses = ngettext("%(num)s accès", "%(num)s accès", total)
    on_days = ngettext("%(num)s jour", "%(num)s jours", active)
    return gettext(
        "%(accesses)s en %(count)s jours, sur %(days)s ; %(most)s au plus en un jour",
        accesses=accesses,
        count=len(days),
        days=on_days,
        most=highest,
    )
