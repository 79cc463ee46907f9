"""A partner with a valid token who asks, sends or names what it may not: the record keeps its secrets and its shape."""

import json
import secrets
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from tests.journeys.test_attacks_on_tokens import asked, tokens, weight
from tests.oauth.conftest import insert_patient, other, partner, patient
from tests.oauth.partner import Partner
from tests.signing_in import sign_in_citizen

__all__ = ["other", "partner", "patient"]

OBSERVATION = "/fhir/Observation"
WEIGHT, PULSE, BMI, HEIGHT = "29463-7", "8867-4", "39156-5", "8302-2"


class Holder:
    """An app that holds a grant."""

    def __init__(self, partner: Partner, patient: UUID, *datatypes: str, **changes: Any) -> None:
        self.partner, self.patient = partner, patient
        self.granted = tokens(partner, patient, *datatypes, **changes)
        self.reference = self.granted["patient"]

    def get(self, path: str, **options: Any) -> TestResponse:
        return self._call("GET", path, **options)

    def post(self, path: str, body: Any, **headers: str) -> TestResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._call("POST", path, data=data, content_type="application/fhir+json", extra=headers)

    def add(self, value: str = "73.25", **changes: Any) -> dict[str, Any]:
        answer = self.post(OBSERVATION, {**weight(self.reference, value), **changes})
        assert answer.status_code == 201, answer.text
        return dict(answer.json)

    def _call(self, method: str, path: str, *, extra: dict[str, str] | None = None, **options: Any) -> TestResponse:
        token = self.granted["access_token"]
        proof = self.partner.proof(method, path.partition("?")[0], token=token)
        headers = [("Authorization", f"DPoP {token}"), ("DPoP", proof), *(extra or {}).items()]
        return self.partner.http.open(path, method=method, headers=headers, **options)


def code_of(answer: TestResponse) -> str:
    return str(answer.json["issue"][0]["details"]["coding"][0]["code"])


def stored(owner: sa.Engine) -> int:
    with owner.connect() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM dmp_measure")).scalar_one())


def transaction_of(observation: dict[str, Any], device: dict[str, Any], **request: str) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:8e9f7f2c-0d3b-4a53-9d8c-0f4a1f1a2b3c",
                "resource": device,
                "request": {"method": "POST", "url": "Device", **request},
            },
            {
                "resource": {**observation, "device": {"reference": "urn:uuid:8e9f7f2c-0d3b-4a53-9d8c-0f4a1f1a2b3c"}},
                "request": {"method": "POST", "url": "Observation"},
            },
        ],
    }


def device(value: str) -> dict[str, Any]:
    return {"resourceType": "Device", "identifier": [{"system": "urn:exemple:serie", "value": value}]}


@pytest.fixture
def holder(partner: Partner, patient: UUID) -> Holder:
    """An app granted the weight, read and write."""
    return Holder(partner, patient)


def test_a_search_over_one_granted_and_one_other_category_gives_nothing_at_all(holder):
    holder.add()
    answer = holder.get(f"{OBSERVATION}?code=http://loinc.org|{WEIGHT},http://loinc.org|{PULSE}&_total=accurate")
    assert (answer.status_code, code_of(answer)) == (403, "consent-not-given")


def test_a_search_over_the_class_counts_and_shows_only_what_was_granted(partner, other, patient):
    wide = Holder(partner, patient, "body-weight", "heart-rate")
    wide.add()
    pulse = {"value": 61, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"}
    code = {"coding": [{"system": "http://loinc.org", "code": PULSE}]}
    wide.add(code=code, valueQuantity=pulse)
    narrow = Holder(other, patient, "heart-rate", actions=["read"])
    for query in ("category=vital-signs", "_sort=_lastUpdated", "_include=Observation:device", ""):
        found = narrow.get(f"{OBSERVATION}?{query}&_total=accurate&_count=1").json
        assert found["total"] == 1
        assert [link["relation"] for link in found["link"]] == ["self"]
        assert found["entry"][0]["resource"]["code"] == code


def test_a_measure_that_was_not_granted_looks_like_one_that_does_not_exist(partner, other, patient):
    written = Holder(partner, patient).add()["id"]
    stranger = Holder(other, patient, "heart-rate")
    foreign, absent = stranger.get(f"{OBSERVATION}/{written}"), stranger.get(f"{OBSERVATION}/{patient}")
    assert foreign.status_code == absent.status_code == 404
    assert foreign.text.replace(written, "") == absent.text.replace(str(patient), "")
    assert set(foreign.headers.keys()) == set(absent.headers.keys())


def test_the_body_mass_index_is_not_read_with_a_grant_on_the_weight(partner, patient):
    holder = Holder(partner, patient, "body-weight", "body-height")
    identifier = holder.add()["id"]
    metre = {"value": 180, "unit": "cm", "system": "http://unitsofmeasure.org", "code": "cm"}
    code = {"coding": [{"system": "http://loinc.org", "code": HEIGHT}]}
    holder.add(code=code, valueQuantity=metre, effectiveDateTime="2026-10-01")
    assert holder.get(f"{OBSERVATION}/bmi-{identifier}").status_code == 404
    assert holder.get(f"{OBSERVATION}?code=http://loinc.org|{BMI}").status_code == 403
    found = holder.get(f"{OBSERVATION}?category=vital-signs&_total=accurate").json
    assert found["total"] == 2


@pytest.mark.parametrize("query", ["", "date=le2026-12-31", "_lastUpdated=ge2000-01-01", "_sort=_lastUpdated"])
def test_dates_of_the_data_bound_every_way_of_reading(partner, other, patient, query):
    writer = Holder(partner, patient)
    old, new = (
        writer.add(effectiveDateTime=day)["id"] for day in ("2026-01-31T23:30:00+01:00", "2026-02-01T00:30:00+01:00")
    )
    reader = Holder(other, patient, actions=["read"], data_period={"from": "2026-02-01", "to": None})
    found = reader.get(f"{OBSERVATION}?{query}&_total=accurate").json
    assert [entry["resource"]["id"] for entry in found["entry"]] == [new]
    assert found["total"] == 1
    assert reader.get(f"{OBSERVATION}/{old}").status_code == 404


def test_an_app_learns_no_id_of_another_app_from_what_it_reads(partner, other, patient):
    writer, reader = Holder(partner, patient), Holder(other, patient)
    note = [{"text": f"Patient/{writer.reference} s’est pesé"}]
    bundle = transaction_of({**weight(writer.reference), "note": note}, device("8F-01"))
    assert writer.post("/fhir", bundle).status_code == 200
    seen = reader.get(f"{OBSERVATION}?_include=Observation:device").text
    own = json.loads(writer.get(f"{OBSERVATION}?_include=Observation:device").text)
    for identifier in (
        writer.reference,
        str(patient),
        str(partner.client.pk),
        str(partner.client.pk.int),
        partner.client.client_id,
        next(e["resource"]["id"] for e in own["entry"] if e["resource"]["resourceType"] == "Device"),
    ):
        assert identifier not in seen
    assert f"Patient/{reader.reference} s’est pesé" in seen


def test_a_device_is_not_read_without_a_measure_that_it_took(partner, other, patient):
    writer = Holder(partner, patient)
    writer.post("/fhir", transaction_of(weight(writer.reference), device("8F-02")))
    own = writer.get(f"{OBSERVATION}?_include=Observation:device").json["entry"][1]["resource"]["id"]
    assert writer.get(f"/fhir/Device/{own}").status_code == 200
    blind = Holder(other, patient, "heart-rate")
    assert blind.get(f"/fhir/Device/{own}").status_code == 404


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/01900000-0000-7000-8000-000000000000"},
        {"identifier": {"system": "urn:oid:1.2.250.1.213.1.4.8", "value": "101000000000142"}},
        {"display": "Camille"},
    ],
)
def test_an_entry_about_somebody_else_is_refused_alone_and_nothing_of_it_is_kept(holder, owner, subject):
    wrong = {**weight(holder.reference), "subject": subject}
    both = {"reference": f"Patient/{holder.reference}", **subject}
    entries = [
        {"resource": resource, "request": {"method": "POST", "url": "Observation"}}
        for resource in (wrong, weight(holder.reference), {**wrong, "subject": both})
    ]
    answer = holder.post("/fhir", {"resourceType": "Bundle", "type": "batch", "entry": entries})
    statuses = [entry["response"]["status"][:3] for entry in answer.json["entry"]]
    assert statuses[:2] == ["403", "201"]
    assert stored(owner) == statuses.count("201")
    if "display" not in subject:
        assert statuses[2] == "403"
    assert holder.post(OBSERVATION, wrong).status_code == 403


@pytest.mark.parametrize("type_", ["Binary", "Bundle", "AuditEvent", "$everything", "..", "%2e%2e", "Obs%00"])
def test_types_that_are_not_served_are_not_found(holder, type_):
    assert holder.get(f"/fhir/{type_}").status_code in {400, 404, 405, 401, 308}
    assert holder.get(f"/fhir/{type_}/{holder.patient}").status_code in {400, 404, 405, 401}


def test_patients_are_for_the_software_of_professionals(holder):
    assert holder.get("/fhir/Patient").status_code == 403
    assert holder.get(f"/fhir/Patient/{holder.patient}").status_code == 403


_QUERIES = [
    "_count=-1",
    "_count=1e9",
    "_count=" + "9" * 5000,
    "_count=٣",
    "_offset=99999999999999999999",
    "_offset=100000",
    "_offset=-1",
    "_sort=" + ",".join(["date"] * 500),
    "_sort=value;DROP TABLE dmp_measure",
    "date=ge0001-01-01T00:00:00%2B14:00",
    "date=le9999-12-31T23:59:59-14:00",
    "date=gt9999-12-31",
    "date=lt0001-01-01",
    "date=0000-00-00",
    "date=2026-02-30",
    "date=2026-01-01T25:61:00Z",
    "date=2026T%00",
    "_lastUpdated=ge9999",
    "_lastUpdated=le0001",
    "code=%00",
    "code=http://loinc.org|29463-7%00",
    "code=" + ",".join(f"http://loinc.org|{n}" for n in range(3000)) + f",{WEIGHT}",
    "category='%20OR%201=1--",
    "patient=%00",
    "subject.identifier=%ff%fe",
    "_total=%00",
    "_include=" + "Observation:device," * 500,
    "_format=%00",
    "&" * 3000,
    "=".join(["a"] * 3000),
]


@pytest.mark.parametrize("query", _QUERIES, ids=[query[:24] for query in _QUERIES])
def test_a_mangled_search_is_answered_or_refused_never_a_fault(holder, query):
    assert holder.get(f"{OBSERVATION}?{query}").status_code < 500
    form = holder._call("POST", f"{OBSERVATION}/_search", data=query, content_type="application/x-www-form-urlencoded")
    assert form.status_code < 500


def _mangled(reference: str) -> dict[str, bytes]:
    good = json.dumps(weight(reference))

    def with_value(text: str) -> bytes:
        return good.replace("73.25", text).encode()

    def with_(**changes: Any) -> bytes:
        return json.dumps({**weight(reference), **changes}).encode()

    return {
        "infinite": with_value("1e999999"),
        "endless": with_value("9" * 5000),
        "tiny": with_value("1e-99999"),
        "huge exponent": with_value("1e99999999999999999999"),
        "not a number": with_value("NaN"),
        "negative zero exponent": with_value("-0e0"),
        "many decimals": with_value("7." + "1" * 39),
        "deep list": b"[" * 200_000 + b"]" * 200_000,
        "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "deep extension": good.replace(
            "{", '{"extension":' + '[{"extension":' * 800 + "[]" + "}]" * 800 + ",", 1
        ).encode(),
        "nul": with_(note=[{"text": "a\x00b"}]),
        "lone surrogate": good.replace("final", "final\\ud800").encode(),
        "lone surrogate in a note": with_(note=[{"text": "\ud800"}]),
        "not utf-8": good.replace("kg", "k\xe9").encode("latin-1"),
        "utf-16": good.encode("utf-16"),
        "bom": b"\xef\xbb\xbf" + good.encode(),
        "empty": b"",
        "a list": b"[]",
        "a string": b'"x"',
        "null": b"null",
        "two statuses": good.replace('"status"', '"status": "x", "status"', 1).replace("final", "nonsense").encode(),
        "year 1": with_(effectiveDateTime="0001-01-01T00:00:00+14:00"),
        "year 0": with_(effectiveDateTime="0000-01-01"),
        "year 9999": with_(effectiveDateTime="9999-12-31T23:59:59.999999999-14:00"),
        "leap second": with_(effectiveDateTime="2026-12-31T23:59:60Z"),
        "a date of words": with_(effectiveDateTime="hier"),
        "a list of dates": with_(effectiveDateTime=["2026-01-01"]),
        "subject as text": with_(subject="Patient/1"),
        "subject identifier as text": with_(subject={"identifier": "x"}),
        "subject reference as list": with_(subject={"reference": ["x"]}),
        "meta as list": with_(meta=[]),
        "source as number": with_(meta={"profile": ["x"], "source": 1}),
        "extension without url": with_(extension=[{"valueString": "x"}]),
        "extension url as number": with_(extension=[{"url": 1}]),
        "coding as text": with_(code={"coding": "x"}),
        "device reference as number": with_(device={"reference": 5}),
        "identifier as object": with_(identifier={"system": "a", "value": "b"}),
        "nulls": with_(code=None, subject=None, category=None),
        "proto": with_(__proto__={"x": 1}, **{"": "", "\u202e": "x"}),
        "contained": with_(contained=[{"resourceType": "Patient", "id": "x"}]),
        "another type": good.replace("Observation", "Patient", 1).encode(),
        "type as list": with_(resourceType=["Observation"]),
        "type as object": with_(resourceType={"a": 1}),
    }


@pytest.mark.parametrize("name", sorted(_mangled("x")))
def test_a_mangled_measure_is_refused_or_kept_as_it_is_never_a_fault(holder, owner, name):
    body = _mangled(holder.reference)[name]
    answer = holder.post(OBSERVATION, body)
    assert answer.status_code < 500, answer.text
    assert stored(owner) == (answer.status_code == 201)
    if body[:1] == b"{":
        entry = b'{"resource":' + body + b',"request":{"method":"POST","url":"Observation"}}'
        for kind in (b"batch", b"transaction"):
            bundle = b'{"resourceType":"Bundle","type":"' + kind + b'","entry":[' + entry + b"]}"
            assert holder.post("/fhir", bundle).status_code < 500
    if answer.status_code == 201:
        assert holder.get(f"{OBSERVATION}/{answer.json['id']}").status_code == 200


@pytest.mark.parametrize(
    "bundle",
    [
        {},
        {"type": "batch"},
        {"type": "batch", "entry": {}},
        {"type": "batch", "entry": [None, 1, "x", [], {}, {"request": 1}, {"resource": 1, "request": []}]},
        {"type": "batch", "entry": [{"resource": {"resourceType": []}, "request": {"method": "POST", "url": []}}]},
        {
            "type": "transaction",
            "entry": [{"resource": {"resourceType": {}}, "request": {"method": "POST", "url": {}}}],
        },
        {"type": "batch", "entry": [{"resource": {}, "request": {"method": "DELETE", "url": "Observation/1"}}]},
        {"type": "batch", "entry": [{"request": {"method": "GET", "url": "/oauth/grants"}}]},
        {"type": "history", "entry": [{}]},
        {"type": ["batch"], "entry": [{}]},
        {"type": "batch", "entry": [{}] * 1001},
    ],
    ids=str,
)
def test_a_mangled_bundle_is_refused_and_keeps_nothing(holder, owner, bundle):
    assert holder.post("/fhir", {"resourceType": "Bundle", **bundle}).status_code < 500
    assert stored(owner) == 0


@pytest.mark.parametrize(
    "criteria",
    [
        "identifier=a|%00",
        "identifier=urn:x|\u00e9",
        "identifier=" + "|" * 2000,
        "date=%00",
        "date=ge0001",
        "identifier=a|b&code=%00",
        "identifier=a|b' OR '1'='1",
        "_id=1",
        "?" * 3000,
        "identifier=a%7Cb&identifier=c%7Cd",
    ],
)
def test_criteria_of_a_conditional_create_find_or_refuse_never_a_fault(holder, criteria):
    mine = weight(holder.reference)
    assert holder.post(OBSERVATION, mine, **{"If-None-Exist": criteria}).status_code < 500
    if criteria.isascii():
        bundle = transaction_of(mine, device("x"), ifNoneExist=criteria)
        assert holder.post("/fhir", bundle).status_code < 500


def test_a_conditional_create_never_finds_what_another_app_wrote(partner, other, patient):
    identifier = [{"system": "urn:exemple", "value": "42"}]
    writer, guesser = Holder(partner, patient), Holder(other, patient)
    theirs = writer.add(identifier=identifier)["id"]
    mine = {**weight(guesser.reference, "80.5"), "identifier": identifier}
    answer = guesser.post(OBSERVATION, mine, **{"If-None-Exist": "identifier=urn:exemple|42"})
    assert answer.status_code == 201
    assert answer.json["id"] != theirs


@pytest.mark.parametrize("length", [3_000, 100_000])
def test_an_identifier_too_long_for_an_index_is_refused(holder, length):
    bundle = transaction_of(weight(holder.reference), device(secrets.token_hex(length)))
    assert holder.post("/fhir", bundle).status_code in {200, 413, 422}


def test_a_repeated_key_serves_neither_another_app_nor_another_grant(partner, other, patient, owner):
    writer, stranger = Holder(partner, patient), Holder(other, patient)
    key = {"Idempotency-Key": "cle-1"}
    first = writer.post(OBSERVATION, weight(writer.reference), **key)
    assert first.json["id"] == writer.post(OBSERVATION, weight(writer.reference), **key).json["id"]
    foreign = stranger.post(OBSERVATION, weight(stranger.reference), **key)
    assert foreign.status_code == 201
    assert foreign.json["id"] != first.json["id"]
    assert writer.post(OBSERVATION, weight(writer.reference, "74.5"), **key).status_code == 422
    grants = f"/oauth/grants/{writer.granted['grant_id']}"
    assert partner.call("DELETE", grants, partner.app_token()).status_code == 204
    again = Holder(partner, patient)
    assert again.granted["grant_id"] != writer.granted["grant_id"]
    assert again.post(OBSERVATION, weight(again.reference), **key).json["id"] != first.json["id"]
    assert stored(owner) == 3


def test_a_repeated_key_is_answered_only_while_the_consent_stands(partner, patient):
    writer = Holder(partner, patient)
    key = {"Idempotency-Key": "cle-2"}
    assert writer.post(OBSERVATION, weight(writer.reference), **key).status_code == 201
    partner.call("DELETE", f"/oauth/grants/{writer.granted['grant_id']}", partner.app_token())
    assert writer.post(OBSERVATION, weight(writer.reference), **key).status_code == 401


@pytest.mark.parametrize(
    "values",
    [
        ["0", "2.2e-16"],
        ["1e-300", "1e-299"],
        ["999999999", "-999999999"],
        ["999999999", "999999998.999999999999999999"],
        ["-0", "0.0000000000000000000000000000000001"],
    ],
    ids=str,
)
def test_values_without_measure_break_no_page_of_the_patient(app, partner, patient, values):
    holder = Holder(partner, patient, "body-weight", "body-height")
    height = {"code": {"coding": [{"system": "http://loinc.org", "code": HEIGHT}]}}
    for value, at in zip(values, ("0001-01-03T00:00:00Z", "9999-12-28T23:59:59Z"), strict=True):
        for code, unit in (({}, "kg"), (height, "cm")):
            resource = {**weight(holder.reference), **code, "effectiveDateTime": at}
            text = json.dumps(resource).replace("73.25", value).replace('"kg"', f'"{unit}"')
            answer = holder.post(OBSERVATION, text.encode())
            assert answer.status_code == 201, answer.text
    browser = app.test_client()
    sign_in_citizen(browser, person_id=patient, patient_id=patient)
    for page in ("", "/dossier", "/mesures/body-weight", "/mesures/body-height", "/mesures/bmi", "/journal"):
        assert browser.get(f"/espace{page}").status_code == 200, page
    assert holder.get(f"{OBSERVATION}?category=vital-signs&_total=accurate").json["total"] == 4


@pytest.mark.parametrize("member", ["component", "note", "extension"])
def test_a_measure_of_a_hundred_thousand_parts_is_refused_before_it_is_judged(holder, owner, member):
    """Judged part by part, one such body would hold a server for twenty seconds."""
    parts = [{"url": "urn:exemple", "valueString": "x"} if member == "extension" else {"text": "x"}] * 100_000
    heavy = {**weight(holder.reference), member: parts}
    assert holder.post(OBSERVATION, heavy).status_code == 413
    entry = {"resource": heavy, "request": {"method": "POST", "url": "Observation"}}
    assert holder.post("/fhir", {"resourceType": "Bundle", "type": "batch", "entry": [entry]}).status_code == 413
    assert stored(owner) == 0


def test_a_condition_made_of_spaces_does_not_hold_the_server(holder):
    identifier = holder.add()["id"]
    slow = " " * 60_000
    for name in ("If-None-Match", "If-Match"):
        answer = holder._call("GET", f"{OBSERVATION}/{identifier}", extra={name: f"x{slow}x"})
        assert answer.status_code == 200


def test_the_same_reference_of_a_patient_is_not_read_with_the_token_of_another(partner, patient, owner):
    mine = Holder(partner, patient)
    second = Holder(partner, insert_patient(owner, "Autre", synthetic=True))
    identifier = mine.add()["id"]
    assert second.get(f"{OBSERVATION}/{identifier}").status_code == 404
    assert second.get(f"{OBSERVATION}?patient={mine.reference}").status_code == 403
    assert second.get(f"{OBSERVATION}?patient={second.reference}&_total=accurate").json["total"] == 0


def test_details_beyond_what_may_be_asked_are_refused_at_the_door(partner):
    for change in (
        {"datatypes": ["measures.bmi"]},
        {"datatypes": ["measures.body-weight\u0000"]},
        {"datatypes": ["measures.*"]},
        {"periodicity": {"max": 5, "per": "hour"}},
        {"periodicity": {"max": 1, "per": ["day"]}},
        {"periodicity": {"continuous": True, "once": True}},
        {"valid_until": "2099-01-01"},
        {"valid_until": "2020-01-01"},
        {"purpose": "publicité"},
        {"data_period": {"from": "2026-02-01", "to": "2026-01-01"}},
        {"extra": 1},
    ):
        details = json.dumps([{**json.loads(asked())[0], **change}])
        answer = partner.push(authorization_details=details)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_authorization_details"), change
    for text in ("[" * 30_000, "{}", "null", "[]", "\x00", '[{"type":"x"}]', "9" * 9000):
        assert partner.push(authorization_details=text).status_code == 400
