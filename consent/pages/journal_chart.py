"""The calls of each day as bars, drawn here so that the page needs no script; refusals stand above what was served."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext

from consent.pages.permissions.activity import HEIGHT, STEP, WIDTH, Bar
from platform_core.french import day_in_figures
from platform_core.journal.queries import DayCount

_LEAST = 3


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars in canvas units, from the top left; only days with a call have any."""

    width: int
    height: int
    bar_width: int
    served: Sequence[Bar]
    refused: Sequence[Bar]


def draw(days: Sequence[DayCount]) -> Chart:
    """The chart of these days, in their order."""
    highest = max((one.served + one.refused for one in days), default=0)
    served, refused = [], []
    for place, one in enumerate(days):
        low, high = _scale(one.served, highest), _scale(one.refused, highest)
        text = gettext(
            "%(day)s : %(served)s servis, %(refused)s refusés",
            day=day_in_figures(one.day),
            served=one.served,
            refused=one.refused,
        )
        top = HEIGHT + _LEAST
        if low:
            served.append(Bar(STEP * place, top - low, low, text))
        if high:
            refused.append(Bar(STEP * place, top - low - high, high, text))
    return Chart(STEP * len(days), HEIGHT + _LEAST, WIDTH, served, refused)


def _scale(count: int, highest: int) -> int:
    """The height of a bar; the fewest calls can still be seen."""
    return max(round(count / highest * HEIGHT), _LEAST) if count else 0
