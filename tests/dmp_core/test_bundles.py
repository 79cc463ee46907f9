"""Transactions of the API Mesures, batches of measures, and requests that are sent twice."""

import copy
import os
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from flask import Flask

from platform_core import clock
from platform_core.access import Access
from platform_core.clock import frozen_at
from platform_core.database import DatabaseRole, transaction
from platform_core.fhir import idempotency, wire
from tests.dmp_core.conftest import App, Fhir, observation, pressure

SYSTEM, VALUE = "urn:oid:1.2.840.10004.1.1.1.0.0.1.0.0.1.2680", "AA-00-BB-11-CC-22-DD-33"
CREATE = {"method": "POST", "url": "Observation"}


def device(**changes: Any) -> dict[str, Any]:
    resource = {
        "resourceType": "Device",
        "id": "balance",
        "meta": {"profile": ["http://hl7.org/fhir/uv/phd/StructureDefinition/PhdDevice"]},
        "identifier": [{"system": SYSTEM, "value": VALUE}],
        "modelNumber": "B-1",
        "type": {"coding": [{"system": "urn:iso:std:iso:11073:10101", "code": "65573"}]},
        **changes,
    }
    return {name: value for name, value in resource.items() if value is not None}


def pair(app: App, *, device_request: Any = None, **changes: Any) -> dict[str, Any]:
    """A transaction of a device and a weight that it took."""
    request = {"method": "POST", "url": "Device", **(device_request or {})}
    linked = observation(app, **{"device": {"reference": "Device/balance"}, **changes})
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": device(), "request": request},
            {"fullUrl": "urn:uuid:0c5ef9a4-6c4b-4f5a-8a54-4a7c3e4f5a00", "resource": linked, "request": dict(CREATE)},
        ],
    }


def batch(resources: list[Any]) -> dict[str, Any]:
    entries = [{"resource": resource, "request": dict(CREATE)} for resource in resources]
    return {"resourceType": "Bundle", "type": "batch", "entry": entries}


def statuses(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [entry["response"]["status"] for entry in answer.json["entry"]]


def count(owner: sa.Engine, table: str = "dmp_measure") -> int:
    with owner.connect() as connection:
        return int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_a_transaction_stores_a_measure_and_its_device(fhir: Fhir) -> None:
    answer = fhir.post("", pair(fhir.guard.app, device_request={"ifNoneExist": f"identifier={SYSTEM}|{VALUE}"}))
    assert statuses(answer) == ["201 Created", "201 Created"]
    assert answer.json["type"] == "transaction-response"
    device_at, measure_at = (entry["response"]["location"] for entry in answer.json["entry"])
    found = fhir.get("Observation?code=29463-7&_include=Observation:device").json["entry"]
    assert [entry["search"]["mode"] for entry in found] == ["match", "include"]
    measure, kept = (entry["resource"] for entry in found)
    assert (f"Observation/{measure['id']}", measure["device"]["reference"]) == (measure_at, device_at)
    own = {"id", "meta"}
    assert {k: v for k, v in kept.items() if k not in own} == {k: v for k, v in device().items() if k not in own}
    assert fhir.get(device_at).json == kept


@pytest.mark.parametrize("criteria", [{}, {"ifNoneExist": f"identifier={SYSTEM}|{VALUE}"}])
def test_a_device_is_kept_once_for_its_identifier(fhir: Fhir, owner: sa.Engine, criteria: dict[str, str]) -> None:
    first = fhir.post("", pair(fhir.guard.app))
    second = fhir.post("", pair(fhir.guard.app, device_request=criteria))
    assert statuses(second) == ["200 OK", "201 Created"]
    assert second.json["entry"][0]["response"]["location"] == first.json["entry"][0]["response"]["location"]
    assert (count(owner, "dmp_device"), count(owner)) == (1, 2)


def test_each_app_knows_a_device_by_another_id(fhir: Fhir) -> None:
    writer = fhir.guard.app
    fhir.post("", pair(writer))
    own = fhir.search("code=29463-7")[0]["device"]["reference"]
    fhir.guard.app = App(writer.patient_id)
    other = fhir.search("code=29463-7")[0]["device"]["reference"]
    assert own != other
    assert fhir.get(other).status_code == 200
    assert fhir.get(own).status_code == 404


def test_a_device_is_read_only_with_a_measure_that_it_took(fhir: Fhir) -> None:
    answer = fhir.post("", pair(fhir.guard.app))
    fhir.guard.app.refused = frozenset({("measures.body-weight", Access.READ)})
    assert fhir.get(answer.json["entry"][0]["response"]["location"]).status_code == 404


def test_a_later_measure_may_name_a_known_device(fhir: Fhir) -> None:
    fhir.post("", pair(fhir.guard.app))
    reference = fhir.search("code=29463-7")[0]["device"]["reference"]
    resource = observation(fhir.guard.app, device={"reference": reference, "display": "Ma balance"})
    assert statuses(fhir.post("", batch([resource]))) == ["201 Created"]
    assert {"reference": reference, "display": "Ma balance"} in [m["device"] for m in fhir.search("code=29463-7")]


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        (lambda b: b["entry"].pop(1), "invalid", "Bundle.entry"),
        (lambda b: b["entry"].append(copy.deepcopy(b["entry"][1])), "invalid", "Bundle.entry"),
        (lambda b: b["entry"].append(copy.deepcopy(b["entry"][0])), "invalid", "Bundle.entry"),
        (
            lambda b: b["entry"][1]["resource"].pop("device"),
            "invalid",
            "Bundle.entry[1].resource.device.reference",
        ),
        (
            lambda b: b["entry"][1]["resource"]["device"].update(reference="Device/other"),
            "invalid",
            "Bundle.entry[1].resource.device.reference",
        ),
        (
            lambda b: b["entry"][1]["resource"].pop("meta"),
            "invalid",
            "Bundle.entry[1].resource.meta.profile",
        ),
        (
            lambda b: b["entry"][0]["request"].update(ifNoneExist="serial=12"),
            "invalid",
            "Bundle.entry[0].request.ifNoneExist",
        ),
        (
            lambda b: b["entry"][0]["request"].update(ifNoneExist=f"identifier={SYSTEM}|other"),
            "invalid",
            "Bundle.entry[0].request.ifNoneExist",
        ),
        (
            lambda b: b["entry"][0]["request"].update(ifNoneExist=""),
            "invalid",
            "Bundle.entry[0].request.ifNoneExist",
        ),
        (
            lambda b: b["entry"][0]["resource"].pop("identifier"),
            "required",
            "Bundle.entry[0].resource.identifier",
        ),
        (
            lambda b: b["entry"][0].update(
                resource={"resourceType": "Basic", "code": {}}, request={"method": "POST", "url": "Basic"}
            ),
            "not-supported",
            "Bundle.entry[0].resource",
        ),
        (lambda b: b["entry"][1]["request"].update(method="PUT"), "not-supported", "Bundle.entry[1].request.method"),
        (lambda b: b["entry"][1]["request"].update(url="Device"), "invalid", "Bundle.entry[1].request.url"),
        (lambda b: b["entry"][1].pop("resource"), "required", "Bundle.entry[1].resource"),
    ],
)
def test_a_transaction_is_all_or_nothing(fhir: Fhir, owner: sa.Engine, change: Any, code: str, path: str) -> None:
    bundle = pair(fhir.guard.app)
    change(bundle)
    answer = fhir.post("", bundle)
    assert answer.status_code == 422, answer.text
    assert (code, path) in [(issue["code"], issue["expression"][0]) for issue in answer.json["issue"]]
    assert (count(owner), count(owner, "dmp_device")) == (0, 0)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"resourceType":"Observation"}', 400),
        (b'{"resourceType":"Bundle","type":"history"}', 400),
        (b'{"resourceType":"Bundle","type":"batch","entry":[]}', 400),
        (b'{"resourceType":"Bundle","type":"batch","entry":[' + b",".join([b"{}"] * 1001) + b"]}", 413),
    ],
)
def test_what_is_no_bundle_to_perform_is_refused(fhir: Fhir, body: bytes, status: int) -> None:
    assert fhir.post("", body).status_code == status


def test_a_batch_of_a_thousand_keeps_the_good_and_names_the_bad(fhir: Fhir, owner: sa.Engine) -> None:
    app = fhir.guard.app
    resources = [observation(app, value=60 + index / 100) for index in range(990)]
    resources += [observation(app, unit="[oz_av]")] * 3 + [observation(app, code="39156-5")] * 3
    resources += [observation(app, subject={"reference": "Patient/other"}), {"resourceType": "Device"}, "text", None]
    answer = fhir.post("", batch(resources))
    found = statuses(answer)
    assert found[:990] == ["201 Created"] * 990
    assert [status[:3] for status in found[990:]] == ["422"] * 6 + ["403"] + ["422"] * 3
    outcome = answer.json["entry"][990]["response"]["outcome"]
    assert outcome["issue"][0]["expression"] == ["Observation.valueQuantity.code"]
    assert count(owner) == 990
    assert app.counts == [{"measures.body-weight": 990}]


def test_a_batch_asks_all_its_categories_at_once(fhir: Fhir, owner: sa.Engine) -> None:
    app = fhir.guard.app
    app.refused = frozenset({("measures.blood-pressure", Access.WRITE)})
    tension = pressure(app)
    tension.pop("valueQuantity")
    answer = fhir.post("", batch([observation(app), tension]))
    assert answer.status_code == 403
    assert app.required[-1][0] == ("measures.blood-pressure", "measures.body-weight")
    assert count(owner) == 0


def test_a_batch_where_nothing_is_valid_opens_no_window(fhir: Fhir) -> None:
    assert statuses(fhir.post("", batch([observation(fhir.guard.app, unit="[oz_av]")]))) == [
        "422 Unprocessable content"
    ]
    assert fhir.guard.app.required == []


def test_an_implausible_value_is_kept_and_remarked(fhir: Fhir) -> None:
    answer = fhir.post("", batch([observation(fhir.guard.app, value=1200)]))
    assert statuses(answer) == ["201 Created"]
    issue = answer.json["entry"][0]["response"]["outcome"]["issue"][0]
    assert (issue["severity"], issue["code"]) == ("warning", "business-rule")


def test_the_same_key_gets_the_same_answer_and_stores_once(fhir: Fhir, owner: sa.Engine) -> None:
    resource = observation(fhir.guard.app)
    first = fhir.post("Observation", resource, Idempotency_Key="k1")
    again = fhir.post("Observation", resource, Idempotency_Key="k1")
    assert (again.status_code, again.data, again.headers["Location"], again.headers["ETag"]) == (
        201,
        first.data,
        first.headers["Location"],
        first.headers["ETag"],
    )
    assert count(owner) == 1
    assert fhir.guard.app.counts == [{"measures.body-weight": 1}, {}]


def test_a_repeated_batch_stores_once(fhir: Fhir, owner: sa.Engine) -> None:
    bundle = batch([observation(fhir.guard.app), observation(fhir.guard.app, unit="[oz_av]")])
    first, again = (fhir.post("", bundle, Idempotency_Key="k1") for _ in range(2))
    assert first.json == again.json
    assert count(owner) == 1


def test_a_repeated_request_passes_the_same_consent(fhir: Fhir) -> None:
    resource = observation(fhir.guard.app)
    fhir.post("Observation", resource, Idempotency_Key="k1")
    fhir.guard.app.refused = frozenset({("measures.body-weight", Access.WRITE)})
    assert fhir.post("Observation", resource, Idempotency_Key="k1").status_code == 403


def test_the_same_key_with_another_body_is_refused(fhir: Fhir, owner: sa.Engine) -> None:
    fhir.post("Observation", observation(fhir.guard.app), Idempotency_Key="k1")
    other = fhir.post("Observation", observation(fhir.guard.app, value=80), Idempotency_Key="k1")
    assert other.status_code == 422
    assert other.json["issue"][0]["details"]["coding"][0]["code"] == "invalid-resource"
    assert count(owner) == 1


def test_a_refused_request_leaves_its_key_free(fhir: Fhir) -> None:
    assert (
        fhir.post("Observation", observation(fhir.guard.app, unit="[oz_av]"), Idempotency_Key="k1").status_code == 422
    )
    assert fhir.post("Observation", observation(fhir.guard.app), Idempotency_Key="k1").status_code == 201


def test_keys_of_different_apps_do_not_meet(fhir: Fhir, owner: sa.Engine) -> None:
    fhir.post("Observation", observation(fhir.guard.app), Idempotency_Key="k1")
    fhir.guard.app = App(fhir.guard.app.patient_id)
    assert fhir.post("Observation", observation(fhir.guard.app), Idempotency_Key="k1").status_code == 201
    assert count(owner) == 2


def test_a_key_is_forgotten_after_a_day(fhir: Fhir, owner: sa.Engine) -> None:
    with frozen_at(clock.now()) as now:
        fhir.post("Observation", observation(fhir.guard.app), Idempotency_Key="k1")
        now.move(hours=24, seconds=1)
        assert fhir.post("Observation", observation(fhir.guard.app, value=1), Idempotency_Key="k1").status_code == 201
        now.move(hours=25)
        with transaction(role=DatabaseRole.BATCH):
            idempotency.purge()
    assert (count(owner), count(owner, "core_idempotency")) == (2, 0)


def test_twins_that_run_together_store_once(fhir: Fhir, app: Flask, owner: sa.Engine) -> None:
    resource = observation(fhir.guard.app)
    start = threading.Barrier(4)
    answers: list[Any] = []

    def send() -> None:
        start.wait()
        answers.append(Fhir(app, fhir.guard).post("Observation", resource, Idempotency_Key="k1"))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert count(owner) == 1


def test_a_conditional_create_finds_what_the_app_wrote(fhir: Fhir, owner: sa.Engine) -> None:
    resource = observation(fhir.guard.app, identifier=[{"system": "urn:scale", "value": "m-1"}])
    first, again = (fhir.post("Observation", resource, If_None_Exist="identifier=urn:scale|m-1") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json["id"] == again.json["id"]
    fhir.guard.app = App(fhir.guard.app.patient_id)
    other = fhir.post(
        "Observation",
        {**resource, "subject": {"reference": f"Patient/{fhir.guard.app.patient_reference}"}},
        If_None_Exist="identifier=urn:scale|m-1",
    )
    assert other.status_code == 201
    assert count(owner) == 2


def test_a_conditional_create_that_finds_several_is_refused(fhir: Fhir) -> None:
    for _ in range(2):
        fhir.add()
    answer = fhir.post("Observation", observation(fhir.guard.app), If_None_Exist="date=2026-11-01")
    assert answer.status_code == 409
    assert answer.json["issue"][0]["details"]["coding"][0]["code"] == "duplicate"


@pytest.mark.parametrize("criteria", ["status=final", "code=29463-7", "identifier=m-1", "identifier=|"])
def test_criteria_that_single_out_nothing_are_refused(fhir: Fhir, criteria: str) -> None:
    assert fhir.post("Observation", observation(fhir.guard.app), If_None_Exist=criteria).status_code == 400


SAMPLES = Path(os.environ.get("ENS_SAMPLES_DIR", "/nonexistent"))
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="ENS_SAMPLES_DIR names no folder of published samples")


def adapted(resource: Any, app: App) -> Any:
    """A published sample whose patient is the one of the test."""
    subject = {"identifier": {"system": app.source, "value": app.patient_reference}}
    return {**resource, "subject": subject} if resource["resourceType"] == "Observation" else resource


@needs_samples
@pytest.mark.parametrize("name", ["mes-api/02-Bundle-transaction.json", "mesures/Bundle-bundle-example.json"])
def test_a_published_transaction_comes_back_whole(fhir: Fhir, name: str) -> None:
    bundle = wire.read((SAMPLES / name).read_bytes())
    for entry in bundle["entry"]:
        entry["resource"] = adapted(entry["resource"], fhir.guard.app)
    assert statuses(fhir.post("", wire.write(bundle))) == ["201 Created", "201 Created"]
    found = fhir.get("Observation?code=29463-7&_include=Observation:device").json["entry"]
    sent = {entry["resource"]["resourceType"]: entry["resource"] for entry in bundle["entry"]}
    for entry in found:
        assert without_rewritten(entry["resource"]) == without_rewritten(sent[entry["resource"]["resourceType"]])


@needs_samples
def test_published_measures_come_back_whole(fhir: Fhir) -> None:
    for path in sorted((SAMPLES / "mesures").glob("Observation-*.json")):
        sent = adapted(orjson.loads(path.read_bytes()), fhir.guard.app)
        created = fhir.post("Observation", sent)
        assert created.status_code == 201, created.text
        assert without_rewritten(fhir.get(f"Observation/{created.json['id']}").json) == without_rewritten(sent)


@needs_samples
@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("BMI", "computed"),
        ("BP", ""),
        ("BodyHeight", ""),
        ("BodyTemperature", ""),
        ("BodyWeight", ""),
        ("HeadCircum", ""),
        ("HeartRate", ""),
    ],
)
def test_an_observation_of_fr_core_comes_back_whole_or_says_why_not(fhir: Fhir, name: str, outcome: str) -> None:
    path = SAMPLES / "fr-core" / f"Observation-FRCoreObservation{name}Example.json"
    sent = adapted(orjson.loads(path.read_bytes()), fhir.guard.app)
    created = fhir.post("Observation", sent)
    if outcome:
        assert (created.status_code, outcome in created.text) == (422, True), created.text
        return
    assert created.status_code == 201, created.text
    assert without_rewritten(fhir.get(f"Observation/{created.json['id']}").json) == without_rewritten(sent)


def without_rewritten(resource: Any) -> Any:
    """What the server does not rewrite: ids, subject, device reference, version and source apart."""
    kept = {name: value for name, value in resource.items() if name not in {"id", "subject", "device"}}
    meta = {name: value for name, value in resource["meta"].items() if name in {"profile", "tag", "security"}}
    return {**kept, "meta": meta}
