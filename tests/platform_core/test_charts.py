"""The geometry of charts: round ticks, everything on the canvas, extremes kept."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.charts import MOST_POINTS, Reading, Series, line_chart, round_ticks, thin

START = datetime(2026, 1, 1, tzinfo=UTC)
values = st.floats(min_value=-1e5, max_value=1e5, allow_nan=False)
readings = st.lists(
    st.builds(
        lambda minutes, value: Reading(START + timedelta(minutes=minutes), value), st.integers(0, 5_000_000), values
    ),
    min_size=1,
    max_size=600,
)


def _at(day: float, value: float) -> Reading:
    return Reading(START + timedelta(days=day), value)


def test_no_reading_gives_no_chart() -> None:
    assert line_chart([]) is None
    assert line_chart([Series("Poids", [])]) is None


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 8, [0, 2, 4, 6, 8]),
        (71.2, 78.6, [70, 72, 74, 76, 78, 80]),
        (5, 5, [4, 4.5, 5, 5.5, 6]),
        (0, 1000, [0, 250, 500, 750, 1000]),
    ],
)
def test_ticks_are_round_values(low: float, high: float, ticks: list[float]) -> None:
    assert round_ticks(low, high) == ticks


@given(values, values)
def test_ticks_enclose_the_values_evenly(one: float, other: float) -> None:
    low, high = round(min(one, other), 2), round(max(one, other), 2)
    ticks = round_ticks(low, high)
    gaps = {round(after - before, 5) for before, after in pairwise(ticks)}
    assert ticks[0] <= low + 1e-5
    assert ticks[-1] >= high - 1e-5
    assert 2 <= len(ticks) <= 7
    assert max(gaps) - min(gaps) < 1e-4


@given(readings)
def test_thinning_keeps_order_and_extremes(given_readings: list[Reading]) -> None:
    kept = thin(given_readings)
    assert len(kept) <= MOST_POINTS
    assert [one.at for one in kept] == sorted(one.at for one in kept)
    assert max(one.value for one in kept) == max(one.value for one in given_readings)
    assert min(one.value for one in kept) == min(one.value for one in given_readings)


@given(readings)
def test_every_point_is_on_the_canvas(given_readings: list[Reading]) -> None:
    chart = line_chart([Series("Poids", given_readings)])
    assert chart is not None
    for point in chart.lines[0].points:
        assert chart.left - 0.1 <= point.x <= chart.right + 0.1
        assert chart.top - 0.1 <= point.y <= chart.bottom + 0.1


def test_a_gap_is_not_joined() -> None:
    measures = [_at(0, 70), _at(1, 71), _at(60, 69), _at(61, 68), _at(200, 70)]
    chart = line_chart([Series("Poids", measures, gap=timedelta(days=30))])
    assert chart is not None
    assert [len(re.findall("[ML]", path)) for path in chart.lines[0].paths] == [2, 2]
    assert len(chart.lines[0].points) == 5


def test_labels_at_the_end_never_cover_one_another() -> None:
    chart = line_chart(
        [Series("Systolique", [_at(0, 120), _at(1, 100)]), Series("Diastolique", [_at(0, 80), _at(1, 99.5)])]
    )
    assert chart is not None
    assert abs(chart.lines[0].label_y - chart.lines[1].label_y) >= 16
