"""The geometry of a line chart of measures, computed here so that a page draws it as SVG without any script. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from math import ceil, floor, log10

MOST_POINTS = 200
WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 52, 112, 16, 36
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Reading:
    """One value at an instant. `text` is what the point says of itself: date, value, unit, source."""

    at: datetime
    value: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """Readings that one line joins, but for those farther apart than `gap`; the name is written at its end."""

    name: str
    readings: Sequence[Reading]
    gap: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """Values that a reader compares the course with, named on the chart; None leaves a side open."""

    name: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Stripe:
    """A band on the canvas: the edges that it has, from the top; it is filled from one to the other when it has both.
    Its name is written beside the end of the lines."""

    name: str
    edges: tuple[float, ...]
    label_y: float


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A series on the canvas: `paths` are SVG path data, one for each stretch without a gap."""

    name: str
    paths: tuple[str, ...]
    points: tuple[Point, ...]
    label_x: float
    label_y: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis: its place on the canvas and the value or the instant that it stands for."""

    place: float
    value: float
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that the SVG needs, in canvas units; the canvas is `width` by `height`."""

    lines: tuple[Line, ...]
    values: tuple[Tick, ...]
    times: tuple[Tick, ...]
    stripes: tuple[Stripe, ...] = ()
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


@dataclass(frozen=True, slots=True)
class _Scale:
    """Maps [low, high] to [start, end] of the canvas."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def line_chart(series: Sequence[Series], *, bands: Sequence[Band] = (), time_ticks: int = 4) -> Chart | None:
    """Lay out up to three series on one canvas, with bands behind them; None when there is no reading at all.

    Each series is thinned to `MOST_POINTS` by keeping the extremes of each bucket of time. Readings are sorted.
    """
    kept = [Series(one.name, thin(one.readings), one.gap) for one in series if one.readings]
    if not kept:
        return None
    readings = [reading for one in kept for reading in one.readings]
    shown = [r.value for r in readings] + [side for band in bands for side in (band.low, band.high) if side is not None]
    values = round_ticks(min(shown), max(shown))
    first, last = min(r.at for r in readings), max(r.at for r in readings)
    if first == last:
        first, last = first - timedelta(hours=12), last + timedelta(hours=12)
    across = _Scale(first.timestamp(), last.timestamp(), LEFT, WIDTH - RIGHT)
    up = _Scale(values[0], values[-1], HEIGHT - BOTTOM, TOP)
    instants = [first + (last - first) * step / (time_ticks - 1) for step in range(time_ticks)]
    lines, stripes = [_line(one, across, up) for one in kept], [_stripe(band, up) for band in bands]
    places = _apart([line.label_y for line in lines] + [stripe.label_y for stripe in stripes])
    return Chart(
        lines=tuple(replace(line, label_y=y) for line, y in zip(lines, places, strict=False)),
        values=tuple(Tick(up(value), value) for value in values),
        times=tuple(Tick(across(at.timestamp()), at.timestamp(), at) for at in instants),
        stripes=tuple(replace(stripe, label_y=y) for stripe, y in zip(stripes, places[len(lines) :], strict=True)),
    )


def _stripe(band: Band, up: _Scale) -> Stripe:
    edges = tuple(up(side) for side in (band.high, band.low) if side is not None)
    return Stripe(band.name, edges, edges[0] + 4)


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar on the canvas. `name` stands under it, empty where there is no room; `text` is what it says of itself."""

    x: float
    y: float
    width: float
    height: float
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """Everything that the SVG of bars needs, in canvas units."""

    bars: tuple[Bar, ...]
    values: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - TOP
    bottom: int = HEIGHT - BOTTOM


def bar_chart(values: Sequence[tuple[str, float, str]], *, most_names: int = 8, whole: bool = False) -> BarChart | None:
    """Lay out bars from zero, in order: (name, value, text), no value below zero; None when every value is zero.

    At most `most_names` names are written, evenly spaced. `whole` marks whole numbers only: the values are counts.
    """
    highest = max((value for _, value, _ in values), default=0)
    if highest <= 0:
        return None
    ticks = [value for value in round_ticks(0, highest) if value >= 0]
    up = _Scale(0, ticks[-1], HEIGHT - BOTTOM, TOP)
    step, each = (WIDTH - TOP - LEFT) / len(values), ceil(len(values) / most_names)
    bars = (
        Bar(
            round(LEFT + step * (place + 0.15), 1),
            up(value),
            round(step * 0.7, 1),
            round(HEIGHT - BOTTOM - up(value), 1),
            name if place % each == 0 else "",
            text,
        )
        for place, (name, value, text) in enumerate(values)
    )
    marked = [value for value in ticks if not whole or value == int(value)]
    return BarChart(tuple(bars), tuple(Tick(up(value), value) for value in marked))


_LEAST_SPAN = 1e-4  # ticks are rounded to six decimals: closer values are one


def round_ticks(low: float, high: float, *, most: int = 6) -> list[float]:
    """At most `most` round values, evenly spaced, that enclose [low, high]; at least two."""
    if high - low < max(_LEAST_SPAN, abs(high) * 1e-9):
        low, high = low - 1, high + 1
    rough = (high - low) / (most - 2)
    power = 10.0 ** floor(log10(rough))
    step = next(power * one for one in _STEPS if power * one >= rough * (1 - 1e-9))
    start, end = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(index * step, 6) for index in range(start, end + 1)]


def thin(readings: Sequence[Reading], most: int = MOST_POINTS) -> list[Reading]:
    """At most `most` readings in order of time: the lowest and the highest of each bucket of time."""
    ordered = sorted(readings, key=lambda reading: reading.at)
    if len(ordered) <= most:
        return ordered
    first, span = ordered[0].at, ordered[-1].at - ordered[0].at
    buckets = most // 2
    kept: list[Reading] = []
    for _, group in groupby(ordered, key=lambda r: min(int((r.at - first) / span * buckets), buckets - 1)):
        bucket = list(group)
        extremes = {min(bucket, key=_value): None, max(bucket, key=_value): None}
        kept += sorted(extremes, key=lambda reading: reading.at)
    return kept


def _value(reading: Reading) -> float:
    return reading.value


def _line(series: Series, across: _Scale, up: _Scale) -> Line:
    points = tuple(Point(across(r.at.timestamp()), up(r.value), r.text) for r in series.readings)
    stretches: list[list[Point]] = [[points[0]]]
    for before, after, point in zip(series.readings, series.readings[1:], points[1:], strict=False):
        if series.gap is not None and after.at - before.at > series.gap:
            stretches.append([])
        stretches[-1].append(point)
    paths = tuple("M" + "L".join(f"{p.x} {p.y}" for p in stretch) for stretch in stretches if len(stretch) > 1)
    return Line(series.name, paths, points, points[-1].x + 8, points[-1].y + 4)


def _apart(places: Sequence[float], *, least: float = 16) -> list[float]:
    """Push the labels at the ends of the lines apart, so that none covers another."""
    pushed = list(places)
    floor_y = float("-inf")
    for index in sorted(range(len(places)), key=places.__getitem__):
        pushed[index] = floor_y = max(places[index], floor_y + least)
    return pushed
