"""Searches of measures: codes and classes, dates, pages, deltas, devices, and the consent that narrows them."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from platform_core.access import ALWAYS, Access, DatePeriod
from platform_core.clock import frozen_at
from platform_core.database import db, transaction
from tests.dmp_core.conftest import Fhir, observation

WEIGHT, HEIGHT = "29463-7", "8302-2"


def values(found: list[dict[str, Any]]) -> list[float]:
    return [resource["valueQuantity"]["value"] for resource in found]


def add_many(fhir: Fhir, number: int) -> None:
    entries = [
        {
            "resource": observation(
                fhir.guard.app, value=index, at=f"2026-{1 + index // 250:02}-01T10:00:{index % 60:02}Z"
            ),
            "request": {"method": "POST", "url": "Observation"},
        }
        for index in range(number)
    ]
    answer = fhir.post("", {"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert answer.status_code == 200, answer.text


def test_paging_through_500_measures_gives_each_once(fhir: Fhir) -> None:
    add_many(fhir, 500)
    seen: list[str] = []
    link: str | None = f"Observation?code={WEIGHT}&_count=100"
    pages = 0
    while link:
        page = fhir.get(link).json
        pages += 1
        seen += [entry["resource"]["id"] for entry in page["entry"]]
        links = {found["relation"]: found["url"] for found in page["link"]}
        assert ("previous" in links) == (pages > 1)
        link = links["next"].partition("/fhir/")[2] if "next" in links else None
    assert (pages, len(seen), len(set(seen))) == (5, 500, 500)


def test_a_page_holds_50_by_default_and_100_at_most(fhir: Fhir) -> None:
    add_many(fhir, 120)
    assert len(fhir.search(f"code={WEIGHT}")) == 50
    assert len(fhir.search(f"code={WEIGHT}&_count=1000")) == 100
    assert len(fhir.search(f"code={WEIGHT}&_count=100&_offset=1")) == 20


def test_the_total_is_told_on_request(fhir: Fhir) -> None:
    add_many(fhir, 60)
    assert "total" not in fhir.get(f"Observation?code={WEIGHT}").json
    assert fhir.get(f"Observation?code={WEIGHT}&_total=accurate").json["total"] == 60
    counted = fhir.get(f"Observation?code={WEIGHT}&_count=0").json
    assert (counted["total"], "entry" in counted) == (60, False)


def test_the_newest_comes_first_and_the_last_is_asked_by_count_one(fhir: Fhir) -> None:
    for day, value in ((2, 71), (3, 72), (1, 70)):
        fhir.add(value=value, at=f"2026-10-0{day}T08:00:00Z")
    assert values(fhir.search(f"code={WEIGHT}")) == [72, 71, 70]
    assert values(fhir.search(f"code={WEIGHT}&_sort=date")) == [70, 71, 72]
    assert values(fhir.search(f"code={WEIGHT}&_sort=-date&_count=1")) == [72]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("date=2026-10-02", [2]),
        ("date=eq2026-10-02", [2]),
        ("date=ge2026-10-02", [3, 2]),
        ("date=gt2026-10-02", [3]),
        ("date=sa2026-10-02", [3]),
        ("date=le2026-10-02", [2, 1]),
        ("date=lt2026-10-02", [1]),
        ("date=ge2026-10-02&date=le2026-10-02", [2]),
        ("date=2026-10", [3, 2, 1]),
        ("date=2026", [3, 2, 1]),
        ("date=lt2026", []),
        ("date=ge2026-10-02T00:30:00%2B02:00", [3, 2]),
        ("date=ge2026-10-02T00:30:01%2B02:00", [3]),
        ("date=2026-10-01T22:30:00Z", [2]),
        ("date=le2026-10-01T22:30:00Z", [2, 1]),
    ],
)
def test_dates_are_those_of_paris(fhir: Fhir, query: str, expected: list[int]) -> None:
    """The second measure is taken half an hour after midnight in Paris: in UTC it is still the day before."""
    for value, at in ((1, "2026-10-01T12:00:00Z"), (2, "2026-10-01T22:30:00Z"), (3, "2026-10-03")):
        fhir.add(value=value, at=at)
    assert values(fhir.search(f"code={WEIGHT}&{query}")) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"code={WEIGHT}", {WEIGHT}),
        (f"code=http://loinc.org|{WEIGHT}", {WEIGHT}),
        (f"code=http://snomed.info/sct|{WEIGHT}", set()),
        (f"code={WEIGHT},{HEIGHT}", {WEIGHT, HEIGHT}),
        (f"code={WEIGHT}&code={HEIGHT}", set()),
        ("code=0-0", set()),
        ("category=vital-signs", {WEIGHT, HEIGHT, "39156-5"}),
        (f"category=vital-signs&code={HEIGHT}", {HEIGHT}),
        ("category=laboratory", set()),
        ("", {WEIGHT, HEIGHT, "39156-5"}),
    ],
)
def test_a_search_names_codes_or_a_class(fhir: Fhir, query: str, expected: set[str]) -> None:
    fhir.add(code=HEIGHT, unit="cm", value=170, at="2026-01-01")
    fhir.add()
    assert {found["code"]["coding"][0]["code"] for found in fhir.search(query)} == expected


def test_the_second_code_of_the_head_circumference_finds_it(fhir: Fhir) -> None:
    fhir.add(code="8287-5", unit="cm", value=45)
    assert values(fhir.search("code=9843-4")) == [45]


def test_named_codes_are_asked_all_or_none_and_a_class_narrowed(fhir: Fhir) -> None:
    fhir.search(f"code={WEIGHT},{HEIGHT}&date=ge2026-01-01&date=lt2026-02-01")
    categories, access, period, narrow = fhir.guard.app.required[-1]
    assert set(categories) == {"measures.body-weight", "measures.body-height"}
    assert (access, narrow) == (Access.READ, False)
    assert period == DatePeriod(date(2026, 1, 1), date(2026, 1, 31))
    fhir.search("category=vital-signs")
    categories, _, period, narrow = fhir.guard.app.required[-1]
    assert (len(categories), period, narrow) == (16, ALWAYS, True)


def test_a_class_shows_only_what_the_consent_covers(fhir: Fhir) -> None:
    fhir.add(code=HEIGHT, unit="cm", value=170)
    fhir.add()
    fhir.guard.app.refused = frozenset({("measures.body-height", Access.READ), ("measures.bmi", Access.READ)})
    assert values(fhir.search("category=vital-signs")) == [72.5]
    assert fhir.get(f"Observation?code={HEIGHT}").status_code == 403


def test_results_are_narrowed_to_the_dates_of_the_consent(fhir: Fhir) -> None:
    for value, at in ((1, "2026-10-01T21:59:59Z"), (2, "2026-10-01T22:00:00Z"), (3, "2026-10-31T22:59:59Z")):
        fhir.add(value=value, at=at)
    fhir.add(value=4, at="2026-10-31T23:00:00Z")
    fhir.guard.app.periods = {"measures.body-weight": DatePeriod(date(2026, 10, 2), date(2026, 10, 31))}
    assert values(fhir.search(f"code={WEIGHT}")) == [3, 2]
    assert fhir.get(f"Observation?code={WEIGHT}&_total=accurate").json["total"] == 2


def test_a_delta_gives_what_changed_since_in_the_order_of_change(fhir: Fhir) -> None:
    with frozen_at(datetime(2026, 11, 20, 8, tzinfo=UTC)) as now:
        fhir.add(value=1, at="2026-11-19")
        now.move(minutes=5)
        fhir.add(value=3, at="2026-11-19")
        now.move(minutes=5)
        fhir.add(value=2, at="2020-01-01")
    assert values(fhir.search(f"code={WEIGHT}&_lastUpdated=ge2026-11-20T08:05:00Z")) == [3, 2]
    assert values(fhir.search(f"code={WEIGHT}&_lastUpdated=gt2026-11-20T08:05:00Z")) == [2]
    assert values(fhir.search(f"code={WEIGHT}&_sort=-_lastUpdated")) == [2, 3, 1]


def test_body_mass_index_is_computed_from_the_height_known_then(fhir: Fhir) -> None:
    for value, at in ((160, "2010-01-01"), (170, "2020-01-01")):
        fhir.add(code=HEIGHT, unit="cm", value=value, at=at)
    for value, at in ((50, "2009-01-01"), (60, "2015-01-01"), (72.25, "2026-01-01T10:00:00Z")):
        fhir.add(value=value, at=at)
    found = fhir.search("code=39156-5")
    assert values(found) == [25.0, 23.4]
    assert found[0]["effectiveDateTime"] == "2026-01-01T10:00:00Z"
    assert found[0]["valueQuantity"]["code"] == "kg/m2"
    assert fhir.get(f"Observation/{found[0]['id']}").json == found[0]
    assert fhir.get("Observation?code=39156-5&_count=0").json["total"] == 2


def test_computed_and_stored_measures_share_pages(fhir: Fhir) -> None:
    fhir.add(code=HEIGHT, unit="cm", value=170, at="2010-01-01")
    for day in range(1, 8):
        fhir.add(value=70 + day, at=f"2026-10-0{day}")
    pages = [fhir.search(f"category=vital-signs&_count=4&_offset={page}") for page in range(4)]
    ids = [found["id"] for page in pages for found in page]
    dates = [found["effectiveDateTime"] for page in pages for found in page]
    assert (len(ids), len(set(ids))) == (15, 15)
    assert dates == sorted(dates, reverse=True)


@pytest.mark.parametrize(
    "query",
    ["_count=x", "_count=-1", "_sort=code", "date=tomorrow", "date=2026-02-30", "_total=perhaps", "date=ne2026"],
)
def test_a_parameter_without_meaning_is_refused(fhir: Fhir, query: str) -> None:
    answer = fhir.get(f"Observation?code={WEIGHT}&{query}")
    assert answer.status_code == 400
    assert answer.json["issue"][0]["details"]["coding"][0]["code"] == "invalid-parameter"


def test_an_unknown_parameter_is_left_out_unless_the_caller_is_strict(fhir: Fhir) -> None:
    lenient = fhir.get(f"Observation?code={WEIGHT}&colour=red")
    assert lenient.status_code == 200
    assert "colour" not in lenient.json["link"][0]["url"]
    assert fhir.get(f"Observation?code={WEIGHT}&colour=red", Prefer="handling=strict").status_code == 400


@pytest.mark.parametrize("name", ["patient", "subject", "subject.identifier", "subject:identifier"])
def test_a_search_for_another_patient_is_refused(fhir: Fhir, name: str) -> None:
    app = fhir.guard.app
    own = f"{app.source}|{app.patient_reference}" if "identifier" in name else f"Patient/{app.patient_reference}"
    assert fhir.get(f"Observation?code={WEIGHT}&{name}={own}").status_code == 200
    refused = fhir.get(f"Observation?code={WEIGHT}&{name}=Patient/other")
    assert refused.status_code == 403
    assert refused.json["issue"][0]["details"]["coding"][0]["code"] == "patient-mismatch"


def test_a_search_by_form_keeps_its_parameters_out_of_the_address(fhir: Fhir) -> None:
    fhir.add()
    answer = fhir.post("Observation/_search", f"code={WEIGHT}", Content_Type="application/x-www-form-urlencoded")
    assert len(answer.json["entry"]) == 1


def test_without_a_bound_patient_the_role_of_the_application_reads_nothing(fhir: Fhir, app: Any) -> None:
    fhir.add()
    tables = ["dmp_measure", "dmp_device", "core_idempotency"]
    with transaction():
        for table in tables:
            assert db.session.execute(sa.text(f"SELECT * FROM {table}")).all() == []
    with transaction(patient_id=fhir.guard.app.patient_id):
        assert len(db.session.execute(sa.text("SELECT * FROM dmp_measure")).all()) == 1


def test_a_partition_cannot_be_read_by_name(app: Any) -> None:
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), transaction():
        db.session.execute(sa.text("SELECT * FROM dmp_measure_p00"))


def test_the_role_of_the_application_cannot_write_into_another_record(fhir: Fhir, app: Any) -> None:
    fhir.add()
    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
        with transaction(patient_id=fhir.guard.app.patient_id):
            db.session.execute(sa.text("UPDATE dmp_measure SET patient_id = :other"), {"other": uuid4()})
