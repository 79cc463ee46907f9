"""FHIR mechanics that no core owns: routes, negotiation, metadata, conditional updates."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from platform_core import access
from platform_core.access import Actor, ActorKind
from platform_core.fhir import versions
from platform_core.fhir.registry import ResourceType, Stored, registry

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
VERSION = 3


class Call:
    actor = Actor(ActorKind.APPLICATION, uuid4(), "Balance+")
    patient_id = uuid4()
    patient_reference = "p"
    caller = "c"

    def served(self, counts: Any, ids: Any = ()) -> None:
        """Nothing is journaled here."""


def _stored(resource: dict[str, Any], version: int) -> Stored:
    return Stored("Flag", "f1", version, NOW, "", lambda: '{"resourceType":"Flag","id":"f1"}', created=False)


def _update(call: Any, identifier: str, resource: Any, wanted: int | None) -> Stored:
    versions.check_version(wanted, VERSION)
    return _stored(resource, VERSION + 1)


@pytest.fixture
def flags(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A client of a server that also keeps Flags, which nobody else does."""

    @contextmanager
    def guard(interaction: Any) -> Iterator[Call]:
        g.data_call_opened = True
        yield Call()

    monkeypatch.setattr(access, "_guard", guard)
    flag = ResourceType(name="Flag", update=_update, read=lambda call, identifier: _stored({}, VERSION))
    monkeypatch.setitem(registry.types, "Flag", flag)
    return client


def put(client: FlaskClient, **headers: str) -> Any:
    given = {"Content-Type": "application/fhir+json", **headers}
    return client.put("/fhir/Flag/f1", data=b'{"resourceType":"Flag"}', headers=given)


def test_an_update_insists_on_the_version_of_if_match(flags: FlaskClient) -> None:
    assert put(flags).headers["ETag"] == 'W/"4"'
    assert put(flags, **{"If-Match": 'W/"3"'}).status_code == 200
    refused = put(flags, **{"If-Match": 'W/"2"'})
    assert refused.status_code == 412
    assert refused.json["issue"][0]["details"]["coding"][0]["code"] == "version-mismatch"
    assert put(flags, **{"If-Match": "three"}).status_code == 400


def test_a_read_tells_version_and_date(flags: FlaskClient) -> None:
    found = flags.get("/fhir/Flag/f1")
    assert found.headers["ETag"] == 'W/"3"'
    assert found.headers["Last-Modified"] == "Sat, 21 Nov 2026 09:00:00 GMT"
    assert "no-store" in found.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/fhir/Flag", 405),
        ("POST", "/fhir/Flag", 405),
        ("PUT", "/fhir/Observation/1", 405),
        ("POST", "/fhir/Device", 405),
        ("GET", "/fhir/Nothing", 404),
        ("GET", "/fhir/Nothing/1", 404),
        ("DELETE", "/fhir/Flag/f1", 405),
    ],
)
def test_what_is_not_offered_is_an_operation_outcome(flags: FlaskClient, method: str, path: str, status: int) -> None:
    answer = flags.open(path, method=method, data=b"{}", headers={"Content-Type": "application/fhir+json"})
    assert answer.status_code == status
    assert (answer.mimetype, answer.json["resourceType"]) == ("application/fhir+json", "OperationOutcome")


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/fhir+json", 200),
        ("application/json", 200),
        ("*/*", 200),
        ("text/html, */*;q=0.1", 200),
        ("application/fhir+xml", 406),
        ("text/html", 406),
    ],
)
def test_a_caller_that_reads_no_json_is_told(flags: FlaskClient, accept: str, status: int) -> None:
    assert flags.get("/fhir/Flag/f1", headers={"Accept": accept}).status_code == status


@pytest.mark.parametrize("media_type", ["text/plain", "application/fhir+xml", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_type_is_refused(flags: FlaskClient, media_type: str) -> None:
    assert put(flags, **{"Content-Type": media_type}).status_code == 415


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"resourceType":"Flag","a":NaN}', 400),
        (b'{"resourceType":"Flag","a":"\\u0000"}', 400),
        (b'{"resourceType":"Flag","a":1e999}', 400),
        (b'{"resourceType":"Patient"}', 400),
        (b'"' + b"x" * (8 * 1024 * 1024) + b'"', 413),
    ],
    ids=["empty", "cut", "not UTF-8", "deep", "NaN", "NUL", "infinite", "another type", "too large"],
)
def test_a_body_that_cannot_be_read_is_refused(flags: FlaskClient, body: bytes, status: int) -> None:
    answer = flags.put("/fhir/Flag/f1", data=body, headers={"Content-Type": "application/fhir+json"})
    assert answer.status_code == status
    assert answer.json["resourceType"] == "OperationOutcome"


def test_metadata_lists_what_is_registered(client: FlaskClient) -> None:
    statement = client.get("/fhir/metadata").json
    assert (statement["fhirVersion"], statement["kind"]) == ("4.0.1", "instance")
    rest = statement["rest"][0]
    described = {resource["type"]: resource for resource in rest["resource"]}
    assert [i["code"] for i in described["Observation"]["interaction"]] == ["read", "search-type", "create"]
    assert {"name": "code", "type": "token"} in described["Observation"]["searchParam"]
    assert described["Observation"]["searchInclude"] == ["Observation:device"]
    uris = {found["url"]: found["valueUri"] for found in rest["security"]["extension"][0]["extension"]}
    assert uris["token"].endswith("/oauth/token")


def test_metadata_is_a_valid_resource(app: Flask) -> None:
    from fhir.resources.R4B import get_fhir_model_class

    statement = app.test_client().get("/fhir/metadata").json
    get_fhir_model_class("CapabilityStatement").model_validate(statement)


def test_nothing_is_answered_without_a_guard(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_guard", None)
    assert app.test_client().get("/fhir/Observation").status_code == 500
