"""The API of the platform, from its own OpenAPI document: no fault, problems of RFC 9457, and nothing half written."""

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from schemathesis import GenerationMode

from identity_core.service import tokens
from identity_core.service.seeding import Seeded
from platform_app import demo
from platform_core.callers import Scope
from platform_core.database import transaction
from tests.fuzz.calling import MODES, SHORT, Cases, cases_of, sent
from tests.fuzz.verdicts import check_refusal_in_problem, check_silence
from tests.fuzz.world import World, changes

pytestmark = pytest.mark.hypothesis


@pytest.fixture
def callers(world: World, people: Seeded) -> list[str]:
    """What opens doors here: the token of a publisher, that of its app, that of a grant; and what opens none."""
    with transaction():
        personal = tokens.create_token(
            name="Essai", scopes=[str(one) for one in Scope], days=90, by=demo.agents(people)["alice"]
        )
    return [personal, personal, world.app_token(), world.token, *world.hostile.values()]


@pytest.fixture
def cases(world: World) -> Cases:
    """Requests made of the published description, where the application of the path exists."""
    described: dict[str, Any] = world.http.get("/api/v1/openapi.json").json
    return cases_of(_with_known_ids(described, str(world.application_id)), world.app)


def _with_known_ids(value: Any, known: str) -> Any:
    if isinstance(value, list):
        return [_with_known_ids(child, known) for child in value]
    if not isinstance(value, dict):
        return value
    found = {name: _with_known_ids(child, known) for name, child in value.items()}
    if found.get("in") == "path" and found.get("name") == "application_id":
        found["schema"] = {"enum": [known, "0190a1b2-0000-7000-8000-000000000000"]}
    return found


@pytest.mark.parametrize("mode", MODES, ids=str)
@given(data=st.data())
@SHORT
def test_whatever_is_asked_is_served_or_refused_whole(
    world: World, cases: Cases, callers: list[str], mode: GenerationMode, data: st.DataObject
) -> None:
    case, token = data.draw(cases[mode]), data.draw(st.sampled_from(callers))
    before = world.ledger.read() if case.method != "GET" else None
    answer = sent(case, world.environment(), Authorization=f"Bearer {token}")
    event(f"{case.method} {case.path} {answer.status}")
    assert answer.status < 500, answer
    check_silence(answer, [token])
    if answer.status >= 400:
        check_refusal_in_problem(answer)
        assert before is None or changes(before, world.ledger.read()) == {}
