"""Measures written as the national guide says, and read back with their decimals."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_sdk import ConsentPaused, Device, Grant, Measure, PartnerClient, PartnerError, Space, _json
from partner_sdk._measure_kinds import KINDS
from partner_sdk._observations import from_observation, to_device, to_observation

from .conftest import ISSUER, Answer, FakePlatform, Request, outcome

ANS = "https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/"
AT = datetime(2026, 11, 21, 8, 30, tzinfo=timezone(timedelta(hours=1)))
SCALE = Device(system="urn:oid:1.2.3.4", identifier="BAL-1", kind="weight-scale", name="Ma balance")
WRITABLE = sorted(set(KINDS) - {"bmi"})


def measure(kind: str, **members: Any) -> Measure:
    """A measure of this kind that holds."""
    defaults: dict[str, Any] = {"systolic": 120, "diastolic": 80} if kind == "blood-pressure" else {"value": 42}
    if kind == "blood-glucose":
        defaults["moment"] = "fasting"
    if kind in ("interstitial-glucose", "gmi"):
        defaults["number_of_days"] = 14
    return Measure(**{"kind": kind, "at": AT, **defaults, **members})


@pytest.fixture
def space(ens: PartnerClient, grant: Grant, platform: FakePlatform) -> Space:
    platform.routes["/fhir/Observation"] = _create_or_search
    platform.routes["/fhir"] = _bundle
    return ens.open(grant)


def _create_or_search(request: Request) -> Answer:
    if request.method == "POST":
        return 201, {}, {"Location": f"{ISSUER}/fhir/Observation/o-1/_history/1"}
    return 200, {"resourceType": "Bundle", "type": "searchset", "entry": []}


def _bundle(request: Request) -> Answer:
    ids = count()
    entries = []
    for entry in request.json["entry"]:
        kind = entry["resource"]["resourceType"]
        location = f"{kind}/{kind[0].lower()}-{next(ids)}/_history/1"
        entries.append({"response": {"status": "201 Created", "location": location}})
    return 200, {"resourceType": "Bundle", "type": request.json["type"] + "-response", "entry": entries}


@pytest.mark.parametrize("kind", WRITABLE)
def test_each_kind_is_written_with_what_the_guide_demands(kind: str) -> None:
    observation = to_observation(measure(kind), patient="p-1")
    assert observation["status"] == "final"
    assert observation["meta"]["profile"][0].startswith(ANS + "mesures-")
    assert observation["category"][0]["coding"][0]["code"] == "vital-signs"
    assert observation["subject"] == {"reference": "Patient/p-1"}
    assert observation["effectiveDateTime"] == "2026-11-21T08:30:00+01:00"
    quantities = [part["valueQuantity"] for part in observation.get("component", [observation])]
    assert {quantity["system"] for quantity in quantities} == {"http://unitsofmeasure.org"}
    assert {quantity["code"] for quantity in quantities} == {KINDS[kind].unit}


@pytest.mark.parametrize(
    ("kind", "code", "unit", "profile"),
    [
        ("body-weight", "http://loinc.org|29463-7", "kg", "mesures-fr-observation-body-weight"),
        ("body-height", "http://loinc.org|8302-2", "cm", "mesures-fr-observation-bodyheight"),
        ("blood-pressure", "http://loinc.org|85354-9", "mm[Hg]", "mesures-fr-observation-bp"),
        ("temperature", "http://loinc.org|8310-5", "Cel", "mesures-fr-observation-body-temperature"),
        ("heart-rate", "http://loinc.org|8867-4", "/min", "mesures-fr-observation-heartrate"),
        ("blood-glucose", "http://loinc.org|2345-7", "mg/dL", "mesures-observation-glucose"),
        ("interstitial-glucose", "R308-TAASIP|MED-969", "mg/dL", "mesures-observation-glucose"),
        ("hba1c", "http://loinc.org|4548-4", "%", "mesures-observation-hb1ac"),
        ("gmi", "R308-TAASIP|MED-972", "%", "mesures-observation-glucose"),
        ("pain", "http://loinc.org|72514-3", "1", "mesures-observation-pain-severity"),
        ("steps", "http://loinc.org|41950-7", "1/(24.h)", "mesures-observation-steps-by-day"),
        ("waist-circumference", "http://loinc.org|8280-0", "cm", "mesures-observation-waist-circumference"),
        ("head-circumference", "http://loinc.org|8287-5", "cm", "mesures-observation-head-circumference"),
        ("oxygen-saturation", "http://loinc.org|2708-6", "%", "mesures-fr-observation-oxygen-sat"),
        ("respiratory-rate", "http://loinc.org|9279-1", "/min", "mesures-fr-observation-resp-rate"),
    ],
)
def test_codes_units_and_profiles_are_those_of_the_guide(kind: str, code: str, unit: str, profile: str) -> None:
    observation = to_observation(measure(kind), patient="p-1")
    coding = observation["code"]["coding"][0]
    assert f"{coding['system']}|{coding['code']}".endswith(code)
    assert KINDS[kind].unit == unit
    assert observation["meta"]["profile"] == [ANS + profile]


@pytest.mark.parametrize("kind", WRITABLE)
def test_what_is_written_reads_back(kind: str) -> None:
    written = measure(kind, reason="Contrôle")
    stored = {"id": "o-1", **json.loads(_json.dumps(to_observation(written, patient="p-1")))}
    read = from_observation(stored)
    assert read is not None
    assert (read.id, read.kind, read.at, read.reason, read.date_only) == ("o-1", kind, AT, "Contrôle", False)
    assert (read.value, read.systolic, read.diastolic) == (written.value, written.systolic, written.diastolic)
    assert (read.moment, read.number_of_days) == (written.moment, written.number_of_days)


def test_a_record_of_a_day_and_of_another_code_are_read_as_such() -> None:
    stored = {"id": "o-1", **to_observation(measure("body-weight"), patient="p-1")}
    day = from_observation({**stored, "effectiveDateTime": "2012-09-17"})
    assert day is not None
    assert (day.at, day.date_only) == (datetime(2012, 9, 17, tzinfo=UTC), True)
    assert from_observation({**stored, "code": {"coding": [{"system": "http://loinc.org", "code": "1-8"}]}}) is None


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ({"kind": "bmi"}, "computed"),
        ({"kind": "mood"}, "the kinds are"),
        ({"kind": "body-weight", "unit": "lb"}, "kg"),
        ({"kind": "body-weight", "value": None}, "value"),
        ({"kind": "body-weight", "value": "beaucoup"}, "not a number"),
        ({"kind": "body-weight", "value": True}, "not a number"),
        ({"kind": "body-weight", "value": float("nan")}, "finite"),
        ({"kind": "body-weight", "systolic": 120}, "value"),
        ({"kind": "body-weight", "moment": "fasting"}, "no `moment`"),
        ({"kind": "body-weight", "at": datetime(2026, 11, 21, 8, 30)}, "offset"),  # noqa: DTZ001
        ({"kind": "blood-pressure", "diastolic": None}, "diastolic"),
        ({"kind": "blood-pressure", "value": 120}, "systolic"),
        ({"kind": "blood-glucose", "moment": None}, "needs `moment`"),
        ({"kind": "blood-glucose", "moment": "midnight"}, "needs `moment`"),
        ({"kind": "blood-glucose", "number_of_days": 7}, "no `number_of_days`"),
        ({"kind": "hba1c", "moment": "fasting"}, "no `moment`"),
        ({"kind": "gmi", "number_of_days": None}, "needs `number_of_days`"),
        ({"kind": "interstitial-glucose", "number_of_days": 8}, "needs `number_of_days`"),
    ],
)
def test_what_the_platform_would_refuse_is_said_before_sending(wrong: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        to_observation(measure(**wrong), patient="p-1")


def test_a_measure_without_its_instant_is_refused(space: Space) -> None:
    with pytest.raises(ValueError, match="`at`"):
        space.measures.add("body-weight", 72.4)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (72.4, "72.4"),
        ("72.40", "72.40"),
        (Decimal("72.400"), "72.400"),
        (72, "72"),
        (1e-7, "0.0000001"),
        (Decimal("1E+2"), "100"),
    ],
)
def test_decimals_are_sent_as_they_were_written(space: Space, platform: FakePlatform, value: Any, written: str) -> None:
    assert space.measures.add(kind="body-weight", value=value, unit="kg", at=AT) == "o-1"
    assert f'"value":{written},'.encode() in platform.calls("/fhir/Observation")[0].body


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None))
def test_a_decimal_survives_json_digit_for_digit(value: Decimal) -> None:
    text = _json.dumps({"value": value})
    assert text == f'{{"value":{format(value, "f")}}}'
    assert Decimal(str(_json.loads(text)["value"])) == value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_our_json_is_read_by_everyone(value: Any) -> None:
    assert json.loads(_json.dumps(value)) == value


def test_the_same_measure_has_the_same_key_and_another_has_not(space: Space, platform: FakePlatform) -> None:
    platform.script["/fhir/Observation"] = [(503, outcome("unavailable"))]
    space.measures.add("body-weight", 72.4, at=AT)
    space.measures.add("body-weight", 72.4, at=AT)
    space.measures.add("body-weight", 72.5, at=AT)
    keys = [call.headers["Idempotency-Key"] for call in platform.calls("/fhir/Observation")]
    assert len(keys) == 4
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]


def test_a_device_comes_with_its_first_measure_and_is_named_by_the_next(space: Space, platform: FakePlatform) -> None:
    assert space.measures.add("body-weight", 72.4, at=AT, device=SCALE) == "o-1"
    space.measures.add("body-weight", 72.3, at=AT + timedelta(days=1), device=SCALE)
    (bundle,) = [call.json for call in platform.calls("/fhir")]
    device, observation = bundle["entry"]
    assert bundle["type"] == "transaction"
    assert device["request"]["ifNoneExist"] == "identifier=urn:oid:1.2.3.4|BAL-1"
    assert observation["resource"]["device"]["reference"] == f"Device/{device['resource']['id']}"
    assert observation["fullUrl"].startswith("urn:uuid:")
    assert platform.calls("/fhir/Observation")[0].json["device"] == {"reference": "Device/d-0"}


def test_a_device_of_an_unknown_kind_is_refused() -> None:
    assert to_device(SCALE)["specialization"][0]["systemType"]["coding"][0]["code"] == "528399"
    with pytest.raises(ValueError, match="the kinds are"):
        to_device(replace(SCALE, kind="toaster"))


def test_a_series_goes_in_batches_of_a_thousand(space: Space, platform: FakePlatform) -> None:
    report = space.measures.add_many(measure("steps", at=AT + timedelta(days=day)) for day in range(2001))
    assert [len(call.json["entry"]) for call in platform.calls("/fhir")] == [1000, 1000, 1]
    assert (report.sent, len(report.accepted), report.failed, report.interrupted) == (2001, 2001, (), None)
    assert [accepted.index for accepted in report.accepted] == list(range(2001))


def test_measures_refused_are_reported_and_the_others_go_on(space: Space, platform: FakePlatform) -> None:
    platform.script["/fhir"] = [
        (
            200,
            {
                "entry": [
                    {"response": {"status": "201 Created", "location": "Observation/o-9/_history/1"}},
                    {
                        "response": {
                            "status": "422 Unprocessable Content",
                            "outcome": outcome("invalid-resource", "valeur refusée"),
                        }
                    },
                    {"response": {"status": "500"}},
                ]
            },
        )
    ]
    series = [
        measure("bmi"),
        measure("body-weight"),
        measure("steps"),
        measure("pain"),
        measure("body-weight", unit="lb"),
    ]
    report = space.measures.add_many(series)
    assert [(each.index, each.id) for each in report.accepted] == [(1, "o-9")]
    assert [(each.index, each.code) for each in report.failed] == [
        (0, "invalid-resource"),
        (2, "invalid-resource"),
        (3, "http-500"),
        (4, "invalid-resource"),
    ]
    assert report.failed[1].message == "valeur refusée"


def test_nothing_is_sent_for_an_empty_series(space: Space, platform: FakePlatform) -> None:
    assert space.measures.add_many([]).sent == 0
    assert space.measures.add_many([measure("bmi")]).failed[0].index == 0
    assert platform.calls("/fhir") == []


def test_a_series_refused_as_a_whole_raises(space: Space, platform: FakePlatform) -> None:
    platform.script["/fhir"] = [(403, outcome("consent-paused"))]
    with pytest.raises(ConsentPaused):
        space.measures.add_many([measure("steps")])


def test_a_series_cut_short_says_where_to_go_on(space: Space, platform: FakePlatform) -> None:
    platform.routes["/fhir"] = lambda request: (
        _bundle(request) if len(platform.calls("/fhir")) == 1 else (403, outcome("consent-paused"))
    )
    report = space.measures.add_many(measure("steps", at=AT + timedelta(days=day)) for day in range(1500))
    assert (report.sent, len(report.accepted)) == (1000, 1000)
    assert isinstance(report.interrupted, ConsentPaused)


def test_the_first_measure_of_a_device_goes_alone_in_its_place(space: Space, platform: FakePlatform) -> None:
    series = [measure("steps"), measure("body-weight", device=SCALE), measure("body-weight", at=AT, device=SCALE)]
    report = space.measures.add_many(series)
    assert [call.json["type"] for call in platform.calls("/fhir")] == ["batch", "transaction", "batch"]
    assert [each.index for each in report.accepted] == [0, 1, 2]


def test_a_device_whose_first_measure_is_refused_comes_with_the_next(space: Space, platform: FakePlatform) -> None:
    platform.script["/fhir"] = [(422, outcome("invalid-resource", "invraisemblable"))]
    wrong = measure("bmi", device=SCALE)
    report = space.measures.add_many([wrong] + [measure("body-weight", value=v, device=SCALE) for v in (999, 72, 73)])
    assert [call.json["type"] for call in platform.calls("/fhir")] == ["transaction", "transaction", "batch"]
    assert [each.index for each in report.failed] == [0, 1]
    assert [each.index for each in report.accepted] == [2, 3]


def test_a_batch_half_answered_is_not_taken_for_done(space: Space, platform: FakePlatform) -> None:
    platform.script["/fhir"] = [(200, {"entry": [{"response": {"status": "201"}}]})]
    with pytest.raises(PartnerError, match="each entry"):
        space.measures.add_many([measure("steps"), measure("pain")])


def _page(ids: list[int], *, following: str | None, extra: dict[str, Any] | None = None) -> Answer:
    matches = [
        {
            "resource": {"id": f"o-{each}", **json.loads(_json.dumps(to_observation(measure("steps"), patient="p-1")))},
            "search": {"mode": "match"},
        }
        for each in ids
    ]
    included = [{"resource": {"resourceType": "Device", "id": "d"}, "search": {"mode": "include"}}]
    links = [{"relation": "self", "url": "x"}] + ([{"relation": "next", "url": following}] if following else [])
    return 200, {"entry": matches + included, "link": links, **(extra or {})}


def test_a_list_fetches_its_pages_when_they_are_reached(space: Space, platform: FakePlatform) -> None:
    platform.script["/fhir/Observation"] = [
        _page([1, 2], following=f"{ISSUER}/fhir/Observation?page=2"),
        _page([3], following="?page=3"),
        _page([], following=None, extra={"total": 3}),
    ]
    listed = space.measures.list(kind="steps", since=date(2026, 1, 1), until=AT)
    assert platform.calls("/fhir/Observation") == []
    items = iter(listed)
    assert next(items).id == "o-1"
    assert len(platform.calls("/fhir/Observation")) == 1
    assert [item.id for item in items] == ["o-2", "o-3"]
    first, second, third = platform.calls("/fhir/Observation")
    assert first.query == {
        "code": "http://loinc.org|41950-7",
        "_sort": "-date",
        "_count": "100",
        "date": "le" + AT.isoformat(),
    }
    assert "date=ge2026-01-01" in first.url
    assert (second.query, third.query) == ({"page": "2"}, {"page": "3"})
    assert second.proof().claims["htu"] == f"{ISSUER}/fhir/Observation"


def test_pages_may_be_taken_one_by_one(space: Space, platform: FakePlatform) -> None:
    platform.script["/fhir/Observation"] = [_page([1, 2], following=None, extra={"total": 2})]
    (page,) = space.measures.list(["steps", "pain"]).pages()
    assert ([item.id for item in page.items], page.total) == (["o-1", "o-2"], 2)


@pytest.mark.parametrize("elsewhere", ["https://evil.example/fhir", "http://ens.example/fhir", "//evil.example/"])
def test_a_token_does_not_follow_a_link_to_another_server(space: Space, platform: FakePlatform, elsewhere: str) -> None:
    platform.script["/fhir/Observation"] = [_page([1], following=elsewhere)]
    with pytest.raises(PartnerError, match="another server"):
        list(space.measures.list("steps"))
    assert len(platform.calls("/fhir/Observation")) == 1


def test_by_default_the_kinds_granted_are_listed(space: Space, ens: PartnerClient, grant: Grant, platform) -> None:
    list(space.measures.list(changed_since=AT))
    query = platform.calls("/fhir/Observation")[0].query
    assert query["code"] == "http://loinc.org|29463-7,http://loinc.org|85354-9"
    assert query["_lastUpdated"] == "ge2026-11-21T08:30:00+01:00"
    list(ens.open(replace(grant, authorization_details=())).measures.list())
    assert platform.calls("/fhir/Observation")[1].query["category"].endswith("|vital-signs")


def test_an_unknown_kind_or_a_date_without_offset_is_refused_before_asking(space: Space) -> None:
    with pytest.raises(ValueError, match="the kinds are"):
        space.measures.list("mood")
    with pytest.raises(ValueError, match="offset"):
        space.measures.list("steps", since=datetime(2026, 1, 1))  # noqa: DTZ001


def test_decimals_are_read_as_they_are_stored(space: Space, platform: FakePlatform) -> None:
    body = json.dumps(_page([1], following=None)[1]).replace('"value": 42', '"value": 42.10').encode()
    platform.script["/fhir/Observation"] = [(200, body)]
    (item,) = space.measures.list("steps")
    assert str(item.value) == "42.10"
