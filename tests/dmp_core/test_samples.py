"""The published samples that other tests do not take in: each comes back with what it held, or is refused by name."""

import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from platform_core.fhir import wire
from tests.dmp_core.conftest import Fhir
from tests.dmp_core.test_bundles import adapted, statuses, without_rewritten

SAMPLES = Path(os.environ.get("ENS_SAMPLES_DIR", "/nonexistent"))
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="ENS_SAMPLES_DIR names no folder of published samples")

NO_DATA_OF_THE_RECORD = {
    "fr-core/Organization-FRCoreOrganizationExample.json": (404, "no resource of type Organization"),
    "fr-core/Patient-FRCorePatientExample.json": (405, "Patient has no create"),
    "fr-core/Practitioner-FRCorePractitionerExample.json": (404, "no resource of type Practitioner"),
    "fr-core/PractitionerRole-FRCorePractitionerRoleExample.json": (404, "no resource of type PractitionerRole"),
    "mes-api/00-Device.json": (405, "Device has no create"),
    "mes-api/03-Observation.json": (422, "Observation.code"),
    "mes-api/04-Bundle-transaction-response.json": (400, "Bundle.type"),
    "mes-api/05-Bundle-searchset.json": (400, "Bundle.type"),
    "mes-api/StructureDefinition-MESObservationBmi.json": (404, "no resource of type StructureDefinition"),
    "documents-pdsm/Bundle-example-annexe-fhir-document.json": (400, "Bundle.type"),
    "documents-pdsm/Bundle-example-annexe-searchset-documentreferences.json": (400, "Bundle.type"),
    "documents-pdsm/pdsm-Binary-6789.json": (405, "Binary has no create"),
    "documents-pdsm/pdsm-Bundle-a9c10f8a-882d-4000-a280-7150e0aeb478.json": (400, "Bundle.type"),
    "documents-pdsm/pdsm-List-ExampleFolder.json": (405, "List has no create"),
    "documents-pdsm/pdsm-List-ExampleSubmissionSet.json": (405, "List has no create"),
}
"""What the publishers give beside the data: answers of a server, fragments, people, and parts of a whole."""


def read(name: str) -> Any:
    return orjson.loads((SAMPLES / name).read_bytes())


@pytest.mark.parametrize("name", sorted(NO_DATA_OF_THE_RECORD))
def test_a_sample_that_is_no_data_of_the_record_is_refused_by_name(fhir: Fhir, name: str) -> None:
    sent = read(name)
    path = "" if sent["resourceType"] == "Bundle" else sent["resourceType"]
    answer = fhir.post(path, sent)
    status, said = NO_DATA_OF_THE_RECORD[name]
    assert (answer.status_code, said in answer.json["issue"][0]["details"]["text"]) == (status, True), answer.text


def test_the_measure_and_the_device_of_a_published_answer_come_back_as_such_an_answer(fhir: Fhir) -> None:
    sent = {
        one["resource"]["resourceType"]: one["resource"] for one in read("mes-api/05-Bundle-searchset.json")["entry"]
    }
    measure, device = adapted(sent["Observation"], fhir.guard.app), sent["Device"]
    created = fhir.post("", transaction(device, measure))
    assert statuses(created) == ["201 Created", "201 Created"]
    found = fhir.get("Observation?code=29463-7&date=2022-09-22&_include=Observation:device").json
    assert (found["type"], len(found["entry"])) == ("searchset", 2)
    for entry in found["entry"]:
        resource = entry["resource"]
        given = {"Observation": measure, "Device": device}[resource["resourceType"]]
        assert without_rewritten(resource) == without_rewritten(given)


def test_the_published_device_and_the_published_pressure_go_in_together(fhir: Fhir) -> None:
    """The pressure is a fragment: what every measure says is added to it."""
    device, fragment = read("mes-api/00-Device.json"), read("mes-api/03-Observation.json")
    said = adapted(read("mesures/Observation-ExampleMesFrObservationBP001.json"), fhir.guard.app)
    measure = {**said, **fragment, "device": {"reference": f"Device/{device['id']}"}}
    created = fhir.post("", transaction(device, measure))
    assert statuses(created) == ["201 Created", "201 Created"]
    (found,) = fhir.search("code=85354-9")
    assert found["component"] == fragment["component"]


def transaction(device: Any, measure: Any) -> bytes:
    entries = [
        {"fullUrl": f"urn:uuid:{device['id']}", "resource": device, "request": {"method": "POST", "url": "Device"}},
        {"resource": measure, "request": {"method": "POST", "url": "Observation"}},
    ]
    measure["device"] = {"reference": f"urn:uuid:{device['id']}"}
    return wire.write({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()
