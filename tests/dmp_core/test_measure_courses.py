"""Courses of measures: what several sources brought is told once, whatever came first; many values in few points."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dmp_core.categories import KINDS
from dmp_core.fhir.measures import write_observation
from dmp_core.queries import courses, points
from dmp_core.queries.courses import By
from dmp_core.rules.goals import Bounds
from dmp_core.rules.repetitions import TOLERANCE
from dmp_core.service.drafts import Author, draft, store
from platform_core.database import run, transaction
from platform_core.fhir.search import ANY_TIME

MORNING = datetime(2026, 11, 2, 7, 0, tzinfo=UTC)
AUTHORS = {name: UUID(int=place) for place, name in enumerate(("Balance+", "TensioConnect", "Camille Durand"), 1)}
Reading = tuple[str, int, tuple[str, ...]]
"""Who brings it, how many seconds after `MORNING`, the numbers as they are written."""


def bring(patient_id: UUID, readings: Sequence[Reading], kind: str = "body-weight") -> None:
    for name, seconds, numbers in readings:
        values, at = [Decimal(number) for number in numbers], MORNING + timedelta(seconds=seconds)
        resource = write_observation(KINDS[kind], values, at, patient_reference=str(patient_id), extension=None)
        author = Author(patient_id, str(patient_id), AUTHORS[name], name, "urn:test")
        store([draft(resource, str(patient_id))], author)


def told(readings: Sequence[Reading], kind: str = "body-weight") -> list[tuple[int, tuple[str, ...], str]]:
    """What a person sees of them, oldest first: when, the numbers, who."""
    patient_id = uuid4()
    with transaction(patient_id=patient_id):
        bring(patient_id, readings, kind)
        found = points.list_points(patient_id=patient_id, kind=kind, span=ANY_TIME, limit=100)
        run("DELETE FROM dmp_measure WHERE patient_id = %(patient)s", {"patient": patient_id})
    seen = [
        (int((one.effective_at - MORNING).total_seconds()), tuple(map(str, one.values)), one.author) for one in found
    ]
    return sorted(seen)


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([("Balance+", 0, ("72.5",)), ("TensioConnect", 0, ("72.5",))], [(0, ("72.5",), "Balance+, TensioConnect")]),
        ([("Balance+", 0, ("72.46",)), ("TensioConnect", 55, ("72.5",))], [(0, ("72.5",), "Balance+, TensioConnect")]),
        (
            [("Balance+", 0, ("72.5",)), ("TensioConnect", 61, ("72.5",))],
            [(0, ("72.5",), "Balance+"), (61, ("72.5",), "TensioConnect")],
        ),
        (
            [("Balance+", 0, ("72.5",)), ("TensioConnect", 0, ("72.6",))],
            [(0, ("72.5",), "Balance+"), (0, ("72.6",), "TensioConnect")],
        ),
        (
            [("Balance+", 0, ("72.5",)), ("Balance+", 20, ("72.5",))],
            [(0, ("72.5",), "Balance+"), (20, ("72.5",), "Balance+")],
        ),
        (
            [("Balance+", 0, ("72.5",)), ("Balance+", 40, ("72.5",)), ("TensioConnect", 80, ("72.5",))],
            [(0, ("72.5",), "Balance+"), (40, ("72.5",), "Balance+"), (80, ("72.5",), "TensioConnect")],
        ),
    ],
    ids=["same", "coarser", "too late", "too far", "one source repeats itself", "rank by rank"],
)
def test_readings_that_are_one_are_told_once_and_near_ones_are_kept(
    app: Flask, readings: list[Reading], expected: list[tuple[int, tuple[str, ...], str]]
) -> None:
    assert told(readings) == expected


def test_both_numbers_of_a_pressure_must_be_equal(app: Flask) -> None:
    same = [("Balance+", 0, ("128", "82")), ("TensioConnect", 5, ("128", "82"))]
    assert told(same, "blood-pressure") == [(0, ("128", "82"), "Balance+, TensioConnect")]
    assert len(told([same[0], ("TensioConnect", 5, ("128", "83"))], "blood-pressure")) == 2


readings = st.lists(
    st.tuples(st.sampled_from([*AUTHORS]), st.integers(0, 200), st.sampled_from(["72.5", "72.46", "72.54", "73"]))
    .map(lambda drawn: (drawn[0], drawn[1], (drawn[2],))),
    min_size=1,
    max_size=7,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(readings, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing_and_nothing_is_lost(app: Flask, brought: list[Reading], random) -> None:
    shuffled = list(brought)
    random.shuffle(shuffled)
    seen = told(brought)
    assert told(shuffled) == seen
    assert sum(len(author.split(", ")) for _, _, author in seen) == len(brought)
    assert {name for name, _, _ in brought} == {name for _, _, author in seen for name in author.split(", ")}
    for name in AUTHORS:
        theirs = sorted(seconds for author, seconds, _ in brought if author == name)
        shown = sorted(seconds for seconds, _, author in seen if name in author.split(", "))
        slack = TOLERANCE.total_seconds()
        assert all(0 <= own - at <= slack for own, at in zip(theirs, shown, strict=True))


GLUCOSE = "interstitial-glucose"
_MANY = """
INSERT INTO dmp_measure (patient_id, id, kind, effective_at, value, status, author_id, author_name, source, version,
                         created_at, updated_at, meta, body)
SELECT %(patient)s, gen_random_uuid(), %(kind)s, %(start)s + n * interval '6 hours',
       CASE n WHEN 777 THEN 399 WHEN 778 THEN 31 ELSE 80 + n %% 40 END, 'final', %(author)s, 'Capteur', 'urn:test', 1,
       now(), now(), '{}', '{}'
  FROM generate_series(0, 5999) AS n"""


def test_a_chart_of_years_keeps_few_points_and_every_extreme(app: Flask) -> None:
    patient_id = uuid4()
    with transaction(patient_id=patient_id):
        run(_MANY, {"patient": patient_id, "kind": GLUCOSE, "start": MORNING, "author": AUTHORS["Balance+"]})
        found = courses.find_course(
            patient_id=patient_id, kind=GLUCOSE, span=ANY_TIME, goal=(Bounds(Decimal(80), Decimal(99)),)
        )
        days, count = courses.list_stretches(patient_id=patient_id, kind=GLUCOSE, span=ANY_TIME, by=By.DAY, limit=2)
        months, _ = courses.list_stretches(patient_id=patient_id, kind=GLUCOSE, span=ANY_TIME, by=By.MONTH, limit=60)
    assert found is not None
    assert (found.count, found.within) == (6000, 2998)
    assert (found.first, found.last[1]) == ((MORNING, (Decimal(80),)), (Decimal(119),))
    (summary,), (extremes,) = found.summaries, found.extremes
    assert (summary.least, summary.most) == (31, 399)
    assert 150 < len(extremes) <= 2 * courses.BUCKETS
    assert [at for at, _ in extremes] == sorted(at for at, _ in extremes)
    peaks = {at: value for at, value in extremes if value in {31, 399}}
    assert peaks == {MORNING + timedelta(hours=6 * 777): 399, MORNING + timedelta(hours=6 * 778): 31}
    assert count == 1501
    assert [one.count for one in days] == [1, 4]
    assert sum(one.count for one in months) == 6000
    assert months[0].since.day == 1


def test_the_course_of_a_pressure_has_two_series_and_that_of_nothing_is_none(app: Flask) -> None:
    patient_id = uuid4()
    with transaction(patient_id=patient_id):
        assert courses.find_course(patient_id=patient_id, kind="blood-pressure", span=ANY_TIME) is None
        bring(patient_id, [("Balance+", 0, ("128", "82")), ("Balance+", 90, ("140", "70"))], "blood-pressure")
        found = courses.find_course(patient_id=patient_id, kind="blood-pressure", span=ANY_TIME)
    assert found is not None
    assert [(one.least, one.mean, one.most) for one in found.summaries] == [(128, 134, 140), (70, 76, 82)]
    assert [[value for _, value in one] for one in found.extremes] == [[128, 140], [82, 70]]
    assert found.within == found.count == 2


def test_the_body_mass_index_goes_by_the_height_known_then(app: Flask) -> None:
    patient_id = uuid4()
    with transaction(patient_id=patient_id):
        bring(patient_id, [("Balance+", 0, ("150",)), ("Balance+", 200, ("170",))], "body-height")
        bring(patient_id, [("Balance+", 100, ("45",)), ("TensioConnect", 110, ("45.0",)), ("Balance+", 300, ("65",))])
        found = points.list_points(patient_id=patient_id, kind="bmi", span=ANY_TIME, limit=9)
        latest = points.list_latest(patient_id=patient_id)
    assert [(str(one.values[0]), one.id) for one in found] == [("22.5", None), ("20.0", None)]
    assert [str(one.values[0]) for one in latest] == ["65", "170", "22.5"]
