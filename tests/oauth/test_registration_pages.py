"""The publisher's section on registration: a token made, shown once, used, closed."""

import re
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from oauth import queries
from platform_core.database import transaction
from tests.oauth.test_credentials import path_of
from tests.oauth.test_registration import metadata, register
from tests.signing_in import sign_in_agent, submit
from tests.store.conftest import People, bring_to


@pytest.fixture
def alice(client: FlaskClient, people: People) -> FlaskClient:
    sign_in_agent(client, agent_id=people.alice.id)
    return client


@pytest.fixture
def draft(people: People) -> UUID:
    return bring_to("draft", people)[0]


def ask(alice: FlaskClient, application_id: UUID, **changes: str) -> tuple[int, str]:
    form = {"uses": "2", "days": "7", **changes}
    path = path_of(application_id)
    answer = submit(alice, f"{path}/enregistrement", form, page=path)
    return answer.status_code, answer.text


@pytest.mark.requirement("A12")
def test_a_token_is_shown_once_then_registers_then_is_closed(alice: FlaskClient, draft: UUID) -> None:
    status, shown = ask(alice, draft)
    found = re.search(r"<code>([^<]+)</code>", shown)
    assert status == 201 and found
    page = alice.get(path_of(draft)).text
    assert "encore 2 enregistrements" in page
    assert found[1] not in page
    assert register(alice, found[1], metadata()).status_code == 201
    assert "encore 1 enregistrement," in alice.get(path_of(draft)).text
    with transaction():
        (opening,) = queries.list_openings(draft)
    closed = submit(alice, f"{path_of(draft)}/enregistrement/{opening.id}/fermer", page=path_of(draft))
    assert closed.status_code == 303
    assert register(alice, found[1], metadata()).status_code == 401


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"uses": "0"}, "de 1 à 100"),
        ({"uses": "101"}, "de 1 à 100"),
        ({"uses": "beaucoup"}, "de 1 à 100"),
        ({"days": "31"}, "de 1 à 30"),
        ({"registration_environment": "production"}, "attendent que l’application soit référencée"),
    ],
)
def test_a_token_beyond_the_limits_is_refused_in_words(
    alice: FlaskClient, draft: UUID, changes: dict[str, str], said: str
) -> None:
    status, page = ask(alice, draft, **changes)
    assert status == 422
    assert said in page


def test_the_application_of_another_publisher_is_not_there(client: FlaskClient, people: People, draft: UUID) -> None:
    sign_in_agent(client, agent_id=people.bruno.id)
    own = "/editeur/applications/nouvelle"
    answer = submit(client, f"{path_of(draft)}/enregistrement", {"uses": "1", "days": "1"}, page=own)
    assert answer.status_code == 404
    with transaction():
        assert queries.list_openings(draft) == []
