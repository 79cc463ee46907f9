"""Every interaction of the FHIR API, with what its description allows and with what it does not: no fault, no half of a
write, nothing of anybody else."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.dmp_core import test_entries
from tests.dmp_core.conftest import observation
from tests.fuzz import described
from tests.fuzz.calling import MODES, SHORT, Cases, cases_of, sent
from tests.fuzz.verdicts import Books, check_refusal_in_fhir, check_silence
from tests.fuzz.world import World

pytestmark = pytest.mark.hypothesis
MARK = "Secret de Dominique"


@dataclass
class _Other:
    patient_reference: str


@pytest.fixture
def cases(world: World) -> Cases:
    """Requests of the FHIR API, where each of two people has resources."""
    known: dict[str, list[str]] = {"hostile": [str(uuid4()), str(world.other), world.other_reference, "..%2f", "1"]}
    for type_, bodies in described.samples(world).items():
        made = world.call("POST", type_, body=bodies[0])
        known[type_] = [made.json["id"]] if made.status_code == 201 else []
    other: Any = _Other(world.other_reference)
    foreign = [test_entries.resource(other, type_, note=[{"text": MARK}]) for type_ in test_entries.WRITTEN]
    for body in [*foreign, observation(other)]:
        made = world.call("POST", body["resourceType"], token=world.other_token, body=body)
        assert made.status_code == 201, made.text
        known["hostile"].append(made.json["id"])
    return cases_of(described.description(world, known), world.app)


@pytest.mark.parametrize("mode", MODES, ids=str)
@given(data=st.data())
@SHORT
def test_whatever_is_asked_is_served_or_refused_whole(
    world: World, cases: Cases, books: Books, mode: GenerationMode, data: st.DataObject
) -> None:
    case = data.draw(cases[mode])
    token = data.draw(st.sampled_from([world.token] * 8 + list(world.hostile.values())))
    writes = case.method != "GET" and not case.path.endswith("_search")
    opened = books.open() if writes else None
    answer = sent(case, world.environment(), Authorization=f"Bearer {token}")
    event(f"{case.method} {case.path} {answer.status}")
    assert answer.status < 500, answer
    assert token == world.token or answer.status >= 400
    if answer.status >= 400:
        check_refusal_in_fhir(answer)
    check_silence(answer, [token])
    assert MARK not in answer.text
    if opened:
        books.close(opened, answer)
