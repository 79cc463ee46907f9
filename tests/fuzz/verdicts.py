"""What every answer owes, whatever was asked: its form, its silence, and a record that holds what it says."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.fuzz.world import Account, World, changes

_ROWS = """
SELECT (SELECT count(*) FROM dmp_measure) + (SELECT count(*) FROM dmp_device) + (SELECT count(*) FROM dmp_document)
     + (SELECT count(*) FROM dmp_entry WHERE document_id IS NULL)
"""
_ROWS_OF = """
SELECT (SELECT count(*) FROM dmp_measure WHERE patient_id = :patient)
     + (SELECT count(*) FROM dmp_device WHERE patient_id = :patient)
     + (SELECT count(*) FROM dmp_document WHERE patient_id = :patient)
     + (SELECT count(*) FROM dmp_entry WHERE patient_id = :patient)
"""
_STORED = frozenset(
    {
        "Observation",
        "Device",
        "DocumentReference",
        "Immunization",
        "AllergyIntolerance",
        "Condition",
        "MedicationStatement",
        "FamilyMemberHistory",
    }
)


@dataclass(frozen=True)
class Answer:
    """An answer of whatever client."""

    status: int
    media_type: str
    text: str
    headers: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def check_refusal_in_fhir(answer: Answer) -> None:
    """An OperationOutcome with a code of ours (CONTRACT §4)."""
    assert answer.media_type == "application/fhir+json", answer
    outcome = answer.json
    assert outcome["resourceType"] == "OperationOutcome"
    for issue in outcome["issue"]:
        assert issue["severity"] in {"error", "fatal"} and issue["code"]
    assert outcome["issue"][0]["details"]["coding"][0]["system"] == "urn:ens:error"


def check_refusal_in_problem(answer: Answer) -> None:
    """A problem of RFC 9457, with a code and the id of the request."""
    assert answer.media_type == "application/problem+json", answer
    problem = answer.json
    assert problem["status"] == answer.status and problem["code"] and problem["request_id"], problem


def check_refusal_in_oauth(answer: Answer) -> None:
    """An error of RFC 6749 §5.2: a word, and no character that the RFC forbids."""
    assert answer.media_type == "application/json", answer
    refused = answer.json
    assert refused["error"] and set(refused["error"]) <= set("abcdefghijklmnopqrstuvwxyz_-")
    described = refused.get("error_description", "")
    assert all(" " <= one <= "~" and one not in '"\\' for one in described), described


def check_silence(answer: Answer, secrets: Iterable[str]) -> None:
    """Nothing of what was confided comes back."""
    for secret in secrets:
        assert len(secret) < 8 or secret not in answer.text + answer.headers, "a secret came back"


@dataclass
class Books:
    """Holds each answer to a write against what was stored, and reads back what was acknowledged."""

    world: World
    seen: set[str] = field(default_factory=set)
    others: int = 0

    def __post_init__(self) -> None:
        self.others = self._rows_of_others()

    def open(self) -> tuple[Account, int]:
        return self.world.ledger.read(), self.world.ledger.count(_ROWS)

    def close(self, opened: tuple[Account, int], answer: Answer) -> None:
        before, rows = opened
        if not 200 <= answer.status < 300:
            assert changes(before, self.world.ledger.read()) == {}, answer
            return
        said = set(_acknowledged(answer))
        new = {reference for reference in said if reference.partition("/")[0] in _STORED} - self.seen
        created = {reference for reference, status in _statuses(answer) if reference in new and status == 201}
        self.seen |= said
        assert self.world.ledger.count(_ROWS) - rows == len(created), (answer, created)
        assert self._rows_of_others() == self.others
        for reference in sorted(said):
            self._read_back(reference, answer)

    def _read_back(self, reference: str, answer: Answer) -> None:
        if reference.startswith(("Binary/", "List/")):
            return
        found = self.world.call("GET", reference)
        assert found.status_code == 200, (reference, found.text)
        if answer.text and answer.json["resourceType"] != "Bundle":
            assert found.json == answer.json

    def _rows_of_others(self) -> int:
        return sum(self.world.ledger.count(_ROWS_OF, patient=one) for one in (self.world.other, self.world.third))


def _acknowledged(answer: Answer) -> Iterable[str]:
    return (reference for reference, status in _statuses(answer))


def _statuses(answer: Answer) -> Iterable[tuple[str, int]]:
    """The references that an answer says are stored, each with its status."""
    if answer.status == 204:
        return
    body = answer.json if answer.text else {}
    if body.get("resourceType") == "Bundle":
        for entry in body["entry"]:
            if "location" in entry["response"]:
                yield entry["response"]["location"], int(entry["response"]["status"][:3])
    elif body:
        yield f"{body['resourceType']}/{body['id']}", answer.status
    else:
        location = next(line for line in answer.headers.splitlines() if line.startswith("location: "))
        yield "/".join(location.split("/")[-2:]), answer.status
