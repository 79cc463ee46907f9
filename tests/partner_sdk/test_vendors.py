"""The answers of the makers of devices, in the example: what is a measure and what is not."""

import json
import os
from collections import Counter
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from vendors import Ignored, Reading, UnreadableAnswer, read_answer, read_folder

from partner_sdk._observations import to_observation

from .conftest import EXAMPLES

FOLDERS = [EXAMPLES / "vendor_answers"]
if "ENS_SAMPLES_DIR" in os.environ:
    FOLDERS += [path for path in (Path(os.environ["ENS_SAMPLES_DIR"]) / "devices").iterdir() if path.is_dir()]


def _withings(*measures: tuple[int, int, int], **group: Any) -> str:
    made = {
        "grpid": 7,
        "attrib": 0,
        "category": 1,
        "date": 1433052383,
        "measures": [{"type": number, "value": value, "unit": unit} for number, value, unit in measures],
    }
    return json.dumps({"status": 0, "body": {"measuregrps": [{**made, **group}]}})


def _ihealth(member: str, item: dict[str, Any], **units: int) -> str:
    common = {"DataID": "d", "MDate": 1442491463, "TimeZone": "-0800"}
    return json.dumps({member: [{**common, **item}], **units})


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_every_reading_of_a_maker_is_a_measure_that_can_be_written(folder: Path) -> None:
    found = read_folder(folder)
    readings = [each for each in found if isinstance(each, Reading)]
    assert readings
    for reading in readings:
        assert to_observation(reading.measure, patient="p-1")["status"] == "final"


def test_the_example_holds_each_kind_it_announces_and_each_reason_to_ignore() -> None:
    found = read_folder(FOLDERS[0])
    kinds = Counter(each.measure.kind for each in found if isinstance(each, Reading))
    assert kinds == {
        "body-weight": 13,
        "heart-rate": 5,
        "blood-pressure": 4,
        "blood-glucose": 2,
        "body-height": 1,
        "temperature": 1,
        "oxygen-saturation": 1,
    }
    assert {each.reason for each in found if isinstance(each, Ignored)} == {
        "objectif, et non mesure",
        "pesée attribuée à personne",
        "type de mesure non repris",
        "valeur nulle",
    }


@pytest.mark.parametrize(
    ("number", "value", "unit", "kind", "written"),
    [
        (1, 74126, -3, "body-weight", "74.126"),
        (1, 740, -1, "body-weight", "74.0"),
        (4, 1930, -3, "body-height", "193.0"),
        (11, 41, 0, "heart-rate", "41"),
        (71, 368, -1, "temperature", "36.8"),
    ],
)
def test_a_value_is_scaled_by_its_power_of_ten(number: int, value: int, unit: int, kind: str, written: str) -> None:
    (reading,) = read_answer(_withings((number, value, unit)))
    assert isinstance(reading, Reading)
    assert (reading.measure.kind, str(reading.measure.value)) == (kind, written)


def test_two_pressures_of_a_group_are_one_measure() -> None:
    pressure, rate = read_answer(_withings((9, 68, 0), (10, 104, 0), (11, 41, 0), deviceid="t-1"))
    assert isinstance(pressure, Reading)
    assert isinstance(rate, Reading)
    assert (pressure.measure.systolic, pressure.measure.diastolic) == (104, 68)
    assert pressure.measure.device is not None
    assert pressure.measure.device.kind == "blood-pressure-monitor"
    assert pressure.vendor_id != rate.vendor_id


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (_withings((1, 74128, -3), category=2), "objectif, et non mesure"),
        (_withings((1, 61240, -3), attrib=1), "pesée attribuée à personne"),
        (_withings((1, 0, -3)), "valeur nulle"),
        (_withings((18, -1000, -3)), "type de mesure non repris"),
        (_ihealth("WeightDataList", {"WeightValue": 0}, WeightUnit=0), "valeur nulle"),
    ],
)
def test_what_is_no_measure_of_this_person_is_ignored(answer: str, reason: str) -> None:
    (ignored,) = read_answer(answer)
    assert isinstance(ignored, Ignored)
    assert ignored.reason == reason


@pytest.mark.parametrize(
    ("flag", "value", "kilograms"), [(0, 77.5643875134944, "77.56"), (1, 171.3, "77.70"), (2, 12.2, "77.47")]
)
def test_a_weight_is_in_kilograms_whatever_its_flag(flag: int, value: float, kilograms: str) -> None:
    (reading,) = read_answer(_ihealth("WeightDataList", {"WeightValue": value}, WeightUnit=flag))
    assert isinstance(reading, Reading)
    assert reading.measure.value == Decimal(kilograms)


@pytest.mark.parametrize(("flag", "pair"), [(0, (120, 90)), (1, (16, 12))])
def test_a_pressure_is_in_millimetres_of_mercury(flag: int, pair: tuple[int, int]) -> None:
    item = {"HP": pair[0], "LP": pair[1], "HR": 0}
    pressure, rate = read_answer(_ihealth("BPDataList", item, BPUnit=flag))
    assert isinstance(pressure, Reading)
    assert (pressure.measure.systolic, pressure.measure.diastolic) == (120, 90)
    assert rate == Ignored("ihealth:d:heart-rate", "valeur nulle")


@pytest.mark.parametrize(
    ("situation", "moment"),
    [("Before_breakfast", "before-meal"), ("After_lunch", "after-meal"), ("Before_sleep", "other"), ("", "other")],
)
def test_a_glucose_keeps_its_moment(situation: str, moment: str) -> None:
    (reading,) = read_answer(_ihealth("BGDataList", {"BG": 5.4, "DinnerSituation": situation}, BGUnit=1))
    assert isinstance(reading, Reading)
    assert (reading.measure.value, reading.measure.moment) == (97, moment)


@pytest.mark.parametrize(("zone", "hours"), [("-0800", -8), ("+0530", 5.5), ("+0000", 0)])
def test_the_clock_of_a_monitor_is_a_local_one(zone: str, hours: float) -> None:
    text = _ihealth("BODataList", {"BO": 97, "HR": 64, "TimeZone": zone})
    oxygen = read_answer(text)[0]
    assert isinstance(oxygen, Reading)
    assert oxygen.measure.at == datetime(2015, 9, 17, 12, 4, 23, tzinfo=timezone(timedelta(hours=hours)))


@pytest.mark.parametrize("answer", ['{"status": 401}', "{}", '{"status": 0, "body": {}}'])
def test_an_answer_of_no_known_shape_is_said_so(answer: str) -> None:
    with pytest.raises(UnreadableAnswer):
        read_answer(answer)


def test_an_empty_list_is_no_fault() -> None:
    assert read_answer('{"BPDataList": [], "BPUnit": 0}') == []
