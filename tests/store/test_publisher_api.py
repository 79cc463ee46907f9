"""The publisher's API: applications, dossiers, evidence and questions, with a personal access token."""

import io
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from identity_core.service import tokens
from platform_core.access import Actor
from platform_core.callers import Scope
from platform_core.database import transaction
from store.rules import grid
from store.service import dossiers, questions
from tests.store.conftest import People, answer_criteria, bring_to, complete_dossier

API = "/api/v1/applications"


def token_of(by: Actor, *scopes: str) -> str:
    with transaction():
        return tokens.create_token(name="Essai", scopes=scopes or list(Scope), days=1, by=by)


class Program:
    """A program of a publisher."""

    def __init__(self, http: FlaskClient, token: str) -> None:
        self.http, self.token = http, token

    def call(self, method: str, path: str = "", *, match: str = "", **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **({"If-Match": f'"{match}"'} if match else {})}
        return self.http.open(API + path, method=method, headers=headers, **options)


@pytest.fixture
def alice(client: FlaskClient, people: People) -> Program:
    return Program(client, token_of(people.alice))


@pytest.fixture
def bruno(client: FlaskClient, people: People) -> Program:
    return Program(client, token_of(people.bruno))


def test_a_dossier_is_filled_and_submitted_by_a_program(alice: Program) -> None:
    content = complete_dossier()
    made = alice.call("POST", json={"name": "Balance+", "orientation": content["orientation"]})
    assert made.status_code == 201, made.text
    path = f"/{made.json['id']}/submissions/{made.json['number']}"
    dossier = alice.call("GET", path)
    assert (dossier.status_code, dossier.json["state"]) == (200, "draft")
    used = grid.load(dossier.json["grid_version"])
    content["criteria"] = answer_criteria(used, content["orientation"])
    incomplete = alice.call("POST", f"{path}/submit")
    assert (incomplete.status_code, incomplete.json["code"]) == (422, "dossier-incomplete")
    assert incomplete.json["errors"]
    for section in dossier.json["sections"]:
        values = {"values": content.get(section["section"], {})}
        written = alice.call("PUT", f"{path}/sections/{section['section']}", match=section["version"], json=values)
        assert written.status_code == 200, (section, written.text)
        assert written.json["values"] == values["values"]
        assert written.headers["ETag"] == f'"{written.json["version"]}"'
    sent = alice.call("POST", f"{path}/submit")
    assert (sent.status_code, sent.json["state"]) == (200, "submitted"), sent.text
    (line,) = alice.call("GET").json["applications"]
    assert (line["name"], line["state"], line["listing_state"]) == ("Balance+", "submitted", None)
    refused = alice.call("POST", f"{path}/submit")
    assert (refused.status_code, refused.json["code"]) == (409, "transition-refused")


def section_of(program: Program, application_id: UUID, section: str) -> dict[str, Any]:
    return dict(program.call("GET", f"/{application_id}/submissions/1/sections/{section}").json)


def test_the_second_of_two_writers_learns_that_the_section_changed(alice: Program, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    read = section_of(alice, application_id, "contacts")
    path = f"/{application_id}/submissions/1/sections/contacts"
    change = {"values": {"security_phone": "02 40 00 00 01"}}
    first = alice.call("PATCH", path, match=read["version"], json=change)
    assert first.status_code == 200, first.text
    assert first.json["values"] == {**read["values"], "security_phone": "02 40 00 00 01"}
    late = alice.call("PATCH", path, match=read["version"], json=change)
    assert (late.status_code, late.json["code"]) == (412, "version-mismatch")
    for headers in ({}, {"If-Match": "*"}, {"If-Match": '"a", "b"'}):
        headers["Authorization"] = f"Bearer {alice.token}"
        blind = alice.http.patch(API + path, json=change, headers=headers)
        assert (blind.status_code, blind.json["code"]) == (400, "if-match-required")


@pytest.mark.parametrize(
    ("section", "values", "status"),
    [
        ("inconnue", {}, 404),
        ("contacts", {"security_phone": 12}, 422),
        ("contacts", {"inconnu": "x"}, 422),
        ("data", {"items": [{"category": "storetest.weight"}]}, 422),
        ("data", {"items": "x"}, 422),
        ("data", {"items": ["x"]}, 422),
    ],
)
def test_what_is_malformed_is_refused_and_changes_nothing(
    alice: Program, people: People, section: str, values: dict[str, Any], status: int
) -> None:
    application_id, _ = bring_to("draft", people)
    read = section_of(alice, application_id, section)
    path = f"/{application_id}/submissions/1/sections/{section}"
    for method in ("PUT", "PATCH"):
        answer = alice.call(method, path, match=read.get("version", "x"), json={"values": values})
        assert answer.status_code == status, answer.text
    assert section_of(alice, application_id, section).get("values") == read.get("values")


def test_a_closed_dossier_is_read_and_the_present_one_written(alice: Program, people: People) -> None:
    application_id, _ = bring_to("listed", people)
    opened = alice.call("POST", f"/{application_id}/submissions", json={"kind": "amendment"})
    assert (opened.status_code, opened.json["number"], opened.json["kind"]) == (201, 2, "amendment"), opened.text
    listed = alice.call("GET", f"/{application_id}/submissions").json["submissions"]
    assert [(one["number"], one["state"]) for one in listed] == [(2, "draft"), (1, "listed")]
    read = section_of(alice, application_id, "contacts")
    path = f"/{application_id}/submissions/1/sections/contacts"
    refused = alice.call("PUT", path, match=read["version"], json={"values": read["values"]})
    assert (refused.status_code, refused.json["code"]) == (409, "dossier-closed")
    again = alice.call("POST", f"/{application_id}/submissions", json={})
    assert (again.status_code, again.json["code"]) == (409, "transition-refused")


TEXT = "Le schéma des échanges, en toutes lettres.\n".encode()


def evidence_form(**changes: Any) -> dict[str, Any]:
    form = {
        "kind": "other",
        "title": "Schéma",
        "target_kind": "section",
        "target": "technical",
        "file": (io.BytesIO(TEXT), "schema.txt"),
    }
    return {**form, **changes}


def test_evidence_is_filed_and_backs_the_dossier(alice: Program, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    filed = alice.call("POST", f"/{application_id}/evidence", data=evidence_form())
    assert filed.status_code == 201, filed.text
    assert (filed.json["size"], filed.json["media_type"]) == (len(TEXT), "text/plain")
    (listed,) = alice.call("GET", f"/{application_id}/evidence").json["evidence"]
    assert listed == filed.json
    disguised = evidence_form(file=(io.BytesIO(b"MZ\x90\x00" + b"\0" * 200), "schema.pdf"))
    assert alice.call("POST", f"/{application_id}/evidence", data=disguised).status_code in {415, 422}
    assert alice.call("POST", f"/{application_id}/evidence", data=evidence_form(kind="inconnu")).status_code == 422
    assert alice.call("POST", f"/{application_id}/evidence", data={"kind": "other"}).status_code == 422
    assert len(alice.call("GET", f"/{application_id}/evidence").json["evidence"]) == 1


def test_a_question_is_read_and_answered_with_ones_own_evidence(alice: Program, bruno: Program, people: People) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    with transaction():
        asked = questions.ask(submission_id=submission_id, text="Où ?", section="hosting", by=people.ines)
    (question,) = alice.call("GET", f"/{application_id}/questions").json["questions"]
    assert (question["id"], question["state"], question["messages"][0]["text"]) == (str(asked), "open", "Où ?")
    with transaction():
        theirs = dossiers.create_application(name="Ailleurs", by=people.bruno)
    foreign = bruno.call("POST", f"/{theirs}/evidence", data=evidence_form()).json["id"]
    path = f"/{application_id}/questions/{asked}/answer"
    assert alice.call("POST", path, json={"text": "À Nantes.", "evidence_ids": [foreign]}).status_code == 404
    assert bruno.call("POST", path, json={"text": "À Nantes."}).status_code == 404
    assert bruno.call("POST", f"/{theirs}/questions/{asked}/answer", json={"text": "Ici."}).status_code == 404
    answered = alice.call("POST", path, json={"text": "À Nantes."})
    assert (answered.status_code, answered.json["state"]) == (200, "answered"), answered.text
    assert alice.call("POST", path, json={"text": "Encore."}).status_code == 409


CALLS = [
    ("GET", "", Scope.APPLICATIONS_READ),
    ("GET", "/submissions", Scope.APPLICATIONS_READ),
    ("POST", "/submissions", Scope.APPLICATIONS_WRITE),
    ("GET", "/submissions/1", Scope.APPLICATIONS_READ),
    ("GET", "/submissions/1/sections/contacts", Scope.APPLICATIONS_READ),
    ("PUT", "/submissions/1/sections/contacts", Scope.APPLICATIONS_WRITE),
    ("PATCH", "/submissions/1/sections/contacts", Scope.APPLICATIONS_WRITE),
    ("POST", "/submissions/1/submit", Scope.APPLICATIONS_WRITE),
    ("GET", "/evidence", Scope.EVIDENCE_READ),
    ("POST", "/evidence", Scope.EVIDENCE_WRITE),
    ("GET", "/questions", Scope.QUESTIONS_READ),
    ("POST", "/questions/01a20046-c30d-77ec-ba61-3f8b4982f8d0/answer", Scope.QUESTIONS_WRITE),
]


def options_of(method: str, path: str) -> dict[str, Any]:
    """A body that is well formed for the call."""
    if path == "/evidence" and method == "POST":
        return {"data": evidence_form()}
    bodies = {"PUT": {"values": {}}, "PATCH": {"values": {}}}
    return {"json": bodies.get(method, {"text": "x"} if path.endswith("answer") else {}), "match": "x"}


@pytest.fixture
def draft(people: People) -> UUID:
    return bring_to("draft", people)[0]


@pytest.mark.parametrize(("method", "path", "scope"), CALLS, ids=lambda value: str(value))
def test_a_foreign_application_is_not_told_from_an_unknown_one(
    bruno: Program, draft: UUID, method: str, path: str, scope: Scope
) -> None:
    options = options_of(method, path)
    foreign = bruno.call(method, f"/{draft}{path}", **options)
    unknown = bruno.call(method, f"/01a20046-c30d-77ec-ba61-3f8b4982f8d0{path}", **options_of(method, path))
    assert (foreign.status_code, unknown.status_code) == (404, 404), foreign.text
    bodies = [{**answer.json, "request_id": "", "instance": ""} for answer in (foreign, unknown)]
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize(("method", "path", "scope"), CALLS, ids=lambda value: str(value))
def test_a_call_needs_a_token_and_its_scope(
    client: FlaskClient, people: People, draft: UUID, method: str, path: str, scope: Scope
) -> None:
    others = [one for one in Scope if one.part != scope.part or (scope.writes and not one.writes)]
    program = Program(client, token_of(people.alice, *others))
    refused = program.call(method, f"/{draft}{path}", **options_of(method, path))
    assert (refused.status_code, refused.json["code"]) == (403, "insufficient_scope")
    nobody = client.open(f"{API}/{draft}{path}", method=method)
    assert (nobody.status_code, nobody.mimetype) == (401, "application/problem+json")
    program.token += "x"
    assert program.call(method, f"/{draft}{path}", **options_of(method, path)).status_code == 401


def test_the_openapi_document_describes_every_call(client: FlaskClient) -> None:
    paths = client.get("/api/v1/openapi.json").json["paths"]
    described = {(method.upper(), path) for path, item in paths.items() for method in item if path.startswith(API)}
    ours = {method + " " + path for method, path in described}
    for method, path, _ in CALLS:
        shape = path.replace("/1", "/{number}").replace("contacts", "{section}")
        shape = shape.replace("01a20046-c30d-77ec-ba61-3f8b4982f8d0", "{question_id}")
        assert f"{method} {API}/{{application_id}}{shape}" in ours
    for path, item in paths.items():
        if path.startswith(API):
            for method in set(item) - {"parameters"}:
                assert item[method]["summary"] and item[method]["tags"], (method, path)


def test_a_number_that_no_dossier_can_have_is_not_found(alice: Program) -> None:
    made = alice.call("POST", json={"name": "Balance+", "orientation": complete_dossier()["orientation"]}).json
    answer = alice.call("GET", f"/{made['id']}/submissions/{10**20}")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
