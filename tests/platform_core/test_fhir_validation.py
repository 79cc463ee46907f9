"""The fast schema accepts only what the full judgement accepts, whatever is done to a resource."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_core.fhir import validation

LOINC = {"system": "http://loinc.org", "code": "29463-7", "display": "Poids"}
QUANTITY = {"value": 72.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg", "comparator": "<"}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o-1",
    "meta": {"source": "urn:oid:1.2.3", "profile": ["https://example.org/p"]},
    "extension": [{"url": "urn:a", "valueString": "b"}, {"url": "urn:c", "valueCodeableConcept": {"text": "d"}}],
    "identifier": [{"use": "usual", "type": {"text": "t"}, "system": "urn:s", "value": "v"}],
    "status": "final",
    "category": [{"coding": [{"system": "urn:s", "version": "1", "code": "c", "userSelected": True}]}],
    "code": {"coding": [LOINC], "text": "Poids"},
    "subject": {"reference": "Patient/p", "type": "Patient", "identifier": {"value": "v"}, "display": "Camille"},
    "effectiveDateTime": "2026-01-31T10:00:00.123+01:00",
    "issued": "2026-01-31T10:00:00Z",
    "performer": [{"display": "Camille"}],
    "valueQuantity": QUANTITY,
    "interpretation": [{"text": "normal"}],
    "note": [{"text": "note"}],
    "bodySite": {"text": "bras"},
    "method": {"text": "balance"},
    "device": {"reference": "urn:uuid:0c5ef9a4-6c4b-4f5a-8a54-4a7c3e4f5a00"},
    "component": [
        {"code": {"text": "c"}, "valueQuantity": QUANTITY, "extension": [{"url": "urn:a", "valueCode": "b"}]}
    ],
}
DEVICE: dict[str, Any] = {
    "resourceType": "Device",
    "id": "d-1",
    "meta": {"profile": ["https://example.org/p"]},
    "identifier": [{"system": "urn:s", "value": "v"}],
    "status": "active",
    "manufacturer": "m",
    "serialNumber": "s",
    "modelNumber": "n",
    "deviceName": [{"name": "n", "type": "patient-reported-name"}],
    "type": {"coding": [LOINC]},
    "specialization": [{"systemType": {"coding": [LOINC]}, "version": "2.3"}],
    "version": [{"type": {"text": "t"}, "value": "1"}],
    "patient": {"reference": "Patient/p"},
}
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["", " ", " x", "x ", "2026", "2026-02", "2026-02-29", "2026-01-31T24:00:00Z", "a\u00a0b", "\u2028"]
    ),
    st.sampled_from(["urn:oid:1", "http://x/é", "Patient/é", "#1", "1e5", "final", "é", "a\nb", "true"]),
    st.sampled_from([[], {}, [None], {"text": "x"}, [{"text": "x"}]]).map(copy.deepcopy),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every element of a resource."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, child in children for place in places(child, (*path, key)))]


def names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {name for child in value.values() for name in names(child)}
    return {name for child in value for name in names(child)} if isinstance(value, list) else set()


@st.composite
def changed(draw: st.DrawFn) -> dict[str, Any]:
    """A valid resource after up to three replacements, removals or additions."""
    resource = copy.deepcopy(draw(st.sampled_from([OBSERVATION, DEVICE])))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from([p for p in places(resource) if p and p != ("resourceType",)] or [()]))
        if not place:
            break
        holder = resource
        for step in place[:-1]:
            holder = holder[step]
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                holder[place[-1]] = draw(JUNK)
            case "remove":
                del holder[place[-1]]
            case _ if isinstance(holder, dict):
                known = names(OBSERVATION) | {"valueString", "valueInteger", "_status", "effectivePeriod", "colour"}
                holder[draw(st.sampled_from(sorted(known - {"resourceType"})))] = draw(JUNK)
    return resource


@settings(max_examples=400, deadline=None)
@given(changed())
def test_what_the_fast_schema_accepts_is_valid(resource: dict[str, Any]) -> None:
    if validation.accepts(resource):
        assert validation.judge(resource) == []


@pytest.mark.parametrize("resource", [OBSERVATION, DEVICE], ids=["Observation", "Device"])
def test_the_fast_schema_knows_the_common_elements(resource: dict[str, Any]) -> None:
    assert validation.accepts(resource)


def test_what_the_fast_schema_does_not_know_is_judged_in_full() -> None:
    resource = {**OBSERVATION, "effectiveDateTime": "2024-02-29", "_status": {"id": "s"}}
    assert not validation.accepts(resource)
    validation.validate(resource)
