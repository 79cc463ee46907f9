"""Single measures over the FHIR API: what is kept, what each reader sees, what is refused with nothing stored."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dmp_core.categories import KINDS
from dmp_core.rules.observations import read_measure
from platform_core.access import Access, DatePeriod
from platform_core.fhir import wire
from tests.dmp_core.conftest import ANS, App, Fhir, observation, pressure

TAASIP = "https://mos.esante.gouv.fr/NOS/TRE_R308-TAASIP/FHIR/TRE-R308-TAASIP"
REWRITTEN = {"id", "meta", "subject"}


def coded_extension(name: str, code: str, system: str = "http://loinc.org") -> dict[str, Any]:
    return {"url": ANS + name, "valueCodeableConcept": {"coding": [{"system": system, "code": code}]}}


FASTING = coded_extension("mesures-moment-of-measurement", "53049-3")
TWO_WEEKS = coded_extension("mesures-number-of-days", "GEN-276", TAASIP)


def count_rows(owner: sa.Engine) -> int:
    with owner.connect() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM dmp_measure")).scalar_one())


def test_a_measure_comes_back_with_every_element(fhir: Fhir) -> None:
    written = observation(
        fhir.guard.app,
        note=[{"text": "après le sport"}],
        performer=[{"display": "Camille"}],
        interpretation=[{"text": "dans la norme"}],
        _effectiveDateTime={"extension": [{"url": "urn:precision", "valueCode": "minute"}]},
        extension=[{"url": ANS + "mesures-reason-for-measurement", "valueString": "suivi"}],
    )
    created = fhir.post("Observation", written)
    assert created.status_code == 201, created.text
    found = fhir.get(f"Observation/{created.json['id']}")
    assert found.mimetype == "application/fhir+json"
    assert found.json == created.json
    assert {k: v for k, v in found.json.items() if k not in REWRITTEN} == {
        k: v for k, v in written.items() if k not in REWRITTEN
    }
    assert found.json["meta"]["profile"] == written["meta"]["profile"]


def test_a_created_measure_is_named_by_location_and_version(fhir: Fhir) -> None:
    created = fhir.post("Observation", observation(fhir.guard.app))
    assert created.headers["Location"].endswith(f"/fhir/Observation/{created.json['id']}")
    assert created.headers["ETag"] == 'W/"1"'
    assert created.json["meta"]["versionId"] == "1"


def test_a_reader_that_wants_nothing_back_gets_no_body(fhir: Fhir) -> None:
    created = fhir.post("Observation", observation(fhir.guard.app), Prefer="return=minimal")
    assert (created.status_code, created.data) == (201, b"")
    assert "Location" in created.headers


@pytest.mark.parametrize("text", ["72", "72.40", "0.50", "7e1", "1.20E+2", "100000000.000001"])
def test_a_decimal_keeps_the_digits_it_was_written_with(fhir: Fhir, text: str) -> None:
    body = orjson.dumps(observation(fhir.guard.app)).replace(b'"value":72.5', f'"value":{text}'.encode())
    created = fhir.post("Observation", body)
    assert f'"value":{text},' in fhir.get(f"Observation/{created.json['id']}").text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.decimals(min_value="-1000000", max_value="1000000", allow_nan=False))
def test_any_decimal_makes_the_round_trip(fhir: Fhir, number: Any) -> None:
    text = str(number)
    body = orjson.dumps(observation(fhir.guard.app)).replace(b'"value":72.5', f'"value":{text}'.encode())
    created = fhir.post("Observation", body)
    if len(text) > 40:
        assert created.status_code == 400
    else:
        assert f'"value":{text},' in fhir.get(f"Observation/{created.json['id']}").text


def test_a_patient_named_within_the_resource_is_named_anew_for_each_reader(fhir: Fhir) -> None:
    writer = fhir.guard.app
    performer = [{"reference": f"Patient/{writer.patient_reference}"}]
    identifier = fhir.add(performer=performer)
    reader = App(writer.patient_id)
    fhir.guard.app = reader
    seen = fhir.get(f"Observation/{identifier}")
    assert writer.patient_reference not in seen.text
    assert str(writer.id) not in seen.text
    assert seen.json["performer"] == [{"reference": f"Patient/{reader.patient_reference}"}]
    assert seen.json["subject"]["reference"] == f"Patient/{reader.patient_reference}"
    assert seen.json["subject"]["identifier"] == {"system": reader.source, "value": reader.patient_reference}


def test_the_source_is_shown_to_its_writer_and_pseudonymous_to_others(fhir: Fhir) -> None:
    writer = fhir.guard.app
    meta = {"profile": [ANS + "x"], "source": f"{writer.source}.7"}
    identifier = fhir.add(meta=meta)
    assert fhir.get(f"Observation/{identifier}").json["meta"]["source"] == f"{writer.source}.7"
    sources = set()
    for _ in range(2):
        fhir.guard.app = App(writer.patient_id, source="urn:oid:1.2.3")
        sources.add(fhir.get(f"Observation/{identifier}").json["meta"]["source"])
    assert len(sources) == 2
    assert all(source.startswith("urn:uuid:") for source in sources)


def test_a_measure_that_no_consent_covers_is_not_found(fhir: Fhir) -> None:
    identifier = fhir.add()
    fhir.guard.app.refused = frozenset({("measures.body-weight", Access.READ)})
    refused = fhir.get(f"Observation/{identifier}")
    assert refused.status_code == 404
    assert refused.json["issue"][0]["details"]["coding"][0]["code"] == "not-found"


def test_a_measure_outside_the_dates_of_the_consent_is_not_found(fhir: Fhir) -> None:
    identifier = fhir.add(at="2026-11-01T00:30:00+01:00")
    fhir.guard.app.periods = {"measures.body-weight": DatePeriod(date(2026, 11, 1), None)}
    assert fhir.get(f"Observation/{identifier}").status_code == 200
    fhir.guard.app.periods = {"measures.body-weight": DatePeriod(date(2026, 11, 2), None)}
    assert fhir.get(f"Observation/{identifier}").status_code == 404


def test_the_measure_of_another_record_is_not_found(fhir: Fhir) -> None:
    identifier = fhir.add()
    fhir.guard.app = App(uuid4())
    assert fhir.get(f"Observation/{identifier}").status_code == 404


@pytest.mark.parametrize("identifier", ["x", "bmi-x", "00000000-0000-0000-0000-000000000000", "A" * 64])
def test_an_unknown_id_is_not_found(fhir: Fhir, identifier: str) -> None:
    assert fhir.get(f"Observation/{identifier}").status_code == 404


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.name != "bmi"], ids=lambda kind: kind.name)
def test_every_kind_is_written_and_found_by_its_code(fhir: Fhir, kind: Any) -> None:
    system, code = kind.coding
    extension = [FASTING] if kind.moment == "required" else [TWO_WEEKS] if kind.days == "required" else None
    resource = observation(fhir.guard.app, system=system, code=code, unit=kind.unit, value=42, extension=extension)
    if kind.components:
        resource = pressure(fhir.guard.app)
        resource.pop("valueQuantity")
    created = fhir.post("Observation", resource)
    assert created.status_code == 201, created.text
    assert [found["id"] for found in fhir.search(f"code={system}|{code}")] == [created.json["id"]]


REFUSALS: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "a BMI": ({"code": "39156-5", "unit": "kg/m2"}, 422, "not-supported", "Observation.code"),
    "a code that is no measure": ({"code": "1-8"}, 422, "not-supported", "Observation.code"),
    "no profile": ({"meta": {"source": "urn:oid:1.2.250.1.215.400"}}, 422, "invalid", "Observation.meta.profile"),
    "no meta": ({"meta": None}, 422, "invalid", "Observation.meta.profile"),
    "no value": ({"valueQuantity": None}, 422, "value", "Observation.valueQuantity"),
    "a value in words": (
        {"valueQuantity": None, "valueString": "lourd"},
        422,
        "value",
        "Observation.valueQuantity",
    ),
    "another unit": ({"unit": "[oz_av]"}, 422, "value", "Observation.valueQuantity.code"),
    "a value out of all proportion": ({"value": 10**12}, 422, "value", "Observation.valueQuantity.value"),
    "no subject": ({"subject": None}, 422, "invalid", "Observation.subject"),
    "no category": ({"category": None}, 422, "required", "Observation.category"),
    "no date": ({"effectiveDateTime": None}, 422, "required", "Observation.effectiveDateTime"),
    "no such day": ({"effectiveDateTime": "2026-02-30"}, 422, "value", "Observation.effectiveDateTime"),
    "no such year": (
        {"effectiveDateTime": "9999-12-31T23:59:59-12:00"},
        422,
        "value",
        "Observation.effectiveDateTime",
    ),
    "no zone": ({"effectiveDateTime": "2026-02-03T10:00:00"}, 422, "value", "Observation.effectiveDateTime"),
    "no status": ({"status": None}, 422, "required", "Observation.status"),
    "a status of its own": ({"status": "done"}, 422, "code-invalid", "Observation.status"),
    "a text for a number": ({"value": "72.5"}, 422, "value", "Observation.valueQuantity.value"),
    "an unknown element": ({"colour": "red"}, 422, "structure", "Observation.colour"),
    "an empty object": ({"bodySite": {}}, 422, "structure", "Observation.bodySite"),
    "a null": ({"note": [{"text": None}]}, 422, "structure", "Observation.note[0].text"),
    "two values": ({"valueString": "72"}, 422, "value", "Observation"),
    "the source of another": (
        {"meta": {"profile": ["urn:p"], "source": "urn:oid:1.2.250.1.215.4000"}},
        422,
        "value",
        "Observation.meta.source",
    ),
    "a glucose without its moment": (
        {"code": "2345-7", "unit": "mg/dL"},
        422,
        "incomplete",
        "Observation.extension",
    ),
    "a moment outside the value set": (
        {
            "code": "2345-7",
            "unit": "mg/dL",
            "extension": [coded_extension("mesures-moment-of-measurement", "nope")],
        },
        422,
        "invalid",
        "Observation.extension",
    ),
    "a glucose with a number of days": (
        {"code": "2345-7", "unit": "mg/dL", "extension": [FASTING, TWO_WEEKS]},
        422,
        "invalid",
        "Observation.extension",
    ),
    "an HbA1c with a moment": (
        {"code": "4548-4", "unit": "%", "extension": [FASTING]},
        422,
        "invalid",
        "Observation.extension",
    ),
    "a sensor mean without its days": (
        {"system": TAASIP, "code": "MED-969", "unit": "mg/dL"},
        422,
        "incomplete",
        "Observation.extension",
    ),
    "a management index with a moment": (
        {"system": TAASIP, "code": "MED-972", "unit": "%", "extension": [FASTING, TWO_WEEKS]},
        422,
        "invalid",
        "Observation.extension",
    ),
    "an unknown device": (
        {"device": {"reference": "Device/1b1f2a5e-0000-4000-8000-000000000000"}},
        422,
        "invalid",
        "Observation.device.reference",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_refused_is_said_by_path_and_nothing_is_stored(fhir: Fhir, owner: sa.Engine, case: str) -> None:
    changes, status, code, path = REFUSALS[case]
    answer = fhir.post("Observation", observation(fhir.guard.app, **changes))
    assert answer.status_code == status, answer.text
    assert answer.json["resourceType"] == "OperationOutcome"
    issues = [(issue["code"], issue.get("expression", [""])[0]) for issue in answer.json["issue"]]
    assert (code, path) in issues
    assert count_rows(owner) == 0


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/somebody-else"},
        {"identifier": {"system": "urn:oid:1.2.250.1.215.400", "value": "somebody-else"}},
        {"display": "Camille"},
    ],
    ids=["by reference", "by identifier", "by name only"],
)
def test_a_resource_that_names_another_patient_is_refused(fhir: Fhir, owner: sa.Engine, subject: Any) -> None:
    answer = fhir.post("Observation", observation(fhir.guard.app, subject=subject))
    assert answer.status_code == 403
    assert answer.json["issue"][0]["details"]["coding"][0]["code"] == "patient-mismatch"
    assert count_rows(owner) == 0


def test_a_pressure_needs_both_its_values(fhir: Fhir) -> None:
    resource = pressure(fhir.guard.app)
    resource.pop("valueQuantity")
    resource["component"] = resource["component"][:1]
    answer = fhir.post("Observation", resource)
    assert answer.status_code == 422
    assert answer.json["issue"][0]["expression"] == ["Observation.component"]


def test_the_patient_may_be_named_by_identifier(fhir: Fhir) -> None:
    app = fhir.guard.app
    subject = {"identifier": {"system": app.source, "value": app.patient_reference}}
    assert fhir.post("Observation", observation(app, subject=subject)).status_code == 201


def test_the_call_is_journaled_with_what_it_served(fhir: Fhir) -> None:
    identifier = fhir.add()
    fhir.get(f"Observation/{identifier}")
    assert fhir.guard.app.counts == [{"measures.body-weight": 1}, {"measures.body-weight": 1}]


def test_a_read_that_nothing_changed_since_is_answered_without_body(fhir: Fhir) -> None:
    identifier = fhir.add()
    again = fhir.get(f"Observation/{identifier}", If_None_Match='W/"1"')
    assert (again.status_code, again.data) == (304, b"")
    assert fhir.get(f"Observation/{identifier}", If_None_Match='W/"2"').status_code == 200


@pytest.mark.parametrize("text", ["1e400", "1e-99999", "0e99999", "1" * 41, "-", "01", "1.", "NaN"])
def test_a_number_that_is_none_is_refused(fhir: Fhir, text: str) -> None:
    body = orjson.dumps(observation(fhir.guard.app)).replace(b'"value":72.5', f'"value":{text}'.encode())
    assert fhir.post("Observation", body).status_code == 400


@pytest.mark.parametrize("at", ["0001-01-01", "1901-07-14T00:00:00+00:09", "9999-12-31"])
def test_a_date_at_the_ends_of_the_calendar_is_kept(fhir: Fhir, at: str) -> None:
    identifier = fhir.add(at=at)
    assert fhir.get(f"Observation/{identifier}").json["effectiveDateTime"] == at
    assert len(fhir.search("code=29463-7&date=le9999-12-31")) == 1


def test_numbers_read_keep_their_text() -> None:
    assert wire.write(wire.read(b'{"a":[72.40,-0,1e2,12345678901234567890]}')) == (
        '{"a":[72.40,-0,1e2,12345678901234567890]}'
    )


@pytest.mark.parametrize(
    ("code", "unit", "value", "expected"),
    [
        ("29463-7", "g", "3450", "3.45"),
        ("29463-7", "[lb_av]", "160.5", "72.801575"),
        ("8302-2", "m", "1.70", "170"),
        ("8302-2", "[in_i]", "67", "170.18"),
        ("8310-5", "[degF]", "98.6", "37"),
        ("8310-5", "Cel", "37.25", "37.25"),
    ],
)
def test_a_unit_that_the_profiles_allow_is_converted_and_given_back_as_written(
    fhir: Fhir, code: str, unit: str, value: str, expected: str
) -> None:
    resource = observation(fhir.guard.app, code=code, unit=unit, value=Decimal(value))
    measure = read_measure(resource)
    assert not isinstance(measure, list)
    assert measure.values == (Decimal(expected),)
    assert measure.is_plausible
    created = fhir.post("Observation", wire.write(resource))
    assert f'"value":{value},' in fhir.get(f"Observation/{created.json['id']}").text
