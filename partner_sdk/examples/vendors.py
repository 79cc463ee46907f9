"""What makers of connected devices answer, turned into measures.

Two shapes: the groups of Withings (`getmeas`: value × 10^unit) and the lists of iHealth (`BPDataList`,
`WeightDataList`…, whose unit is a flag). What is not a measure of this person (a goal, a weighing attributed to
nobody, an empty value) is ignored, and said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

from partner_sdk import Device, Measure

# An OID derived from a UUID (arc 2.25, ITU-T X.667): the service's own space of device numbers.
DEVICE_SYSTEM = "urn:oid:2.25.151298374650912837465091283746509128374"

Answer = dict[str, Any]


class UnreadableAnswer(Exception):
    """The answer has the shape of no maker known here, or reports a failure."""


@dataclass(frozen=True)
class Reading:
    """A measure and its number at the maker, by which it is never sent twice."""

    vendor_id: str
    measure: Measure


@dataclass(frozen=True)
class Ignored:
    """A line that is no measure of this person, and why (in French, for the page)."""

    vendor_id: str
    reason: str


def read_folder(folder: Path) -> list[Reading | Ignored]:
    """Everything in the answers of a folder, file after file in the order of their names."""
    return [found for path in sorted(folder.glob("*.json")) for found in read_answer(path.read_text())]


def read_answer(text: str) -> list[Reading | Ignored]:
    """What one answer holds. Raises UnreadableAnswer."""
    answer = json.loads(text, parse_float=Decimal)
    if "measuregrps" in answer.get("body", ()):
        return list(_read_withings(answer))
    for member, read in _IHEALTH.items():
        if member in answer:
            return [found for item in answer[member] for found in read(item, answer)]
    raise UnreadableAnswer(f"Réponse de fabricant inconnue (statut {answer.get('status', 'absent')}).")


_GOAL = 2
_UNATTRIBUTED = 1
_DIASTOLIC, _SYSTOLIC = 9, 10
_WEIGHT, _HEIGHT = 1, 4
_WITHINGS_KINDS = {
    _WEIGHT: "body-weight",
    _HEIGHT: "body-height",
    11: "heart-rate",
    54: "oxygen-saturation",
    71: "temperature",
}


def _read_withings(answer: Answer) -> Iterator[Reading | Ignored]:
    for group in answer["body"]["measuregrps"]:
        name = f"withings:{group['grpid']}"
        if group["category"] == _GOAL:
            yield Ignored(name, "objectif, et non mesure")
        elif group["attrib"] == _UNATTRIBUTED:
            yield Ignored(name, "pesée attribuée à personne")
        else:
            yield from _read_group(name, group)


def _read_group(name: str, group: Answer) -> Iterator[Reading | Ignored]:
    values = {each["type"]: Decimal(each["value"]).scaleb(each["unit"]) for each in group["measures"]}
    if _HEIGHT in values:
        values[_HEIGHT] = values[_HEIGHT].scaleb(2)  # metres to centimetres
    common: Answer = {
        "at": datetime.fromtimestamp(group["date"], timezone.utc),
        "device": _withings_device(group, values),
    }
    systolic, diastolic = values.pop(_SYSTOLIC, None), values.pop(_DIASTOLIC, None)
    if systolic is not None and diastolic is not None:
        pressure = Measure(kind="blood-pressure", systolic=systolic, diastolic=diastolic, **common)
        yield Reading(f"{name}:{_SYSTOLIC}", pressure)
    for number, value in values.items():
        if number not in _WITHINGS_KINDS:
            yield Ignored(f"{name}:{number}", "type de mesure non repris")
        elif value <= 0:
            yield Ignored(f"{name}:{number}", "valeur nulle")
        else:
            yield Reading(f"{name}:{number}", Measure(kind=_WITHINGS_KINDS[number], value=value, **common))


def _withings_device(group: Answer, values: Collection[int]) -> Device | None:
    if not group.get("deviceid"):
        return None
    kind = "weight-scale" if _WEIGHT in values else "generic"
    if _SYSTOLIC in values:
        kind = "blood-pressure-monitor"
    return Device(system=DEVICE_SYSTEM, identifier=group["deviceid"], kind=kind, manufacturer="Withings")


_KILOGRAMS = (Decimal(1), Decimal("0.45359237"), Decimal("6.35029318"))
_MILLIMETRES_OF_MERCURY = (Decimal(1), Decimal("7.50061683"))
_MILLIGRAMS_PER_DECILITRE = (Decimal(1), Decimal("18.0156"))


def _read_weight(item: Answer, answer: Answer) -> Iterator[Reading | Ignored]:
    # The scale weighs to ten grams; further decimals are traces of binary floats.
    yield _reading(item, "body-weight", item["WeightValue"], _KILOGRAMS[answer["WeightUnit"]], "0.01")


def _read_pressure(item: Answer, answer: Answer) -> Iterator[Reading | Ignored]:
    factor = _MILLIMETRES_OF_MERCURY[answer["BPUnit"]]
    systolic, diastolic = (_convert(item[member], factor, "1") for member in ("HP", "LP"))
    if systolic <= 0 or diastolic <= 0:
        yield Ignored(_name(item, "blood-pressure"), "valeur nulle")
    else:
        pressure = Measure(kind="blood-pressure", systolic=systolic, diastolic=diastolic, at=_instant(item))
        yield Reading(_name(item, "blood-pressure"), pressure)
    yield _reading(item, "heart-rate", item["HR"])


def _read_oxygen(item: Answer, _: Answer) -> Iterator[Reading | Ignored]:
    yield _reading(item, "oxygen-saturation", item["BO"])
    yield _reading(item, "heart-rate", item["HR"])


def _read_glucose(item: Answer, answer: Answer) -> Iterator[Reading | Ignored]:
    factor = _MILLIGRAMS_PER_DECILITRE[answer["BGUnit"]]
    yield _reading(item, "blood-glucose", item["BG"], factor, "1", moment=_moment(item["DinnerSituation"]))


_IHEALTH: dict[str, Callable[[Answer, Answer], Iterator[Reading | Ignored]]] = {
    "WeightDataList": _read_weight,
    "BPDataList": _read_pressure,
    "BODataList": _read_oxygen,
    "BGDataList": _read_glucose,
}


def _reading(
    item: Answer, kind: str, value: Any, factor: Decimal = Decimal(1), step: str = "1", **members: Any
) -> Reading | Ignored:
    converted = _convert(value, factor, step)
    if converted <= 0:
        return Ignored(_name(item, kind), "valeur nulle")
    return Reading(_name(item, kind), Measure(kind=kind, value=converted, at=_instant(item), **members))


def _convert(value: Any, factor: Decimal, step: str) -> Decimal:
    return (Decimal(value) * factor).quantize(Decimal(step))


def _name(item: Answer, kind: str) -> str:
    return f"ihealth:{item['DataID']}:{kind}"


def _instant(item: Answer) -> datetime:
    """`MDate` counts the seconds of the local clock, not of UTC: `TimeZone` tells which clock."""
    offset = item["TimeZone"]
    minutes = int(offset[-4:-2]) * 60 + int(offset[-2:])
    zone = timezone(timedelta(minutes=-minutes if offset.startswith("-") else minutes))
    return datetime.fromtimestamp(item["MDate"], timezone.utc).replace(tzinfo=zone)


def _moment(situation: str) -> str:
    if situation.startswith("Before_") and situation != "Before_sleep":
        return "before-meal"
    return "after-meal" if situation.startswith("After_") else "other"
