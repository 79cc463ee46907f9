"""The publisher's credentials pages."""

import json
import re
from html import unescape
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import ECKey

from oauth import queries
from oauth.rules.clients import Client
from platform_core.database import transaction
from tests.oauth.partner import CALLBACK, Credentials, Partner
from tests.signing_in import sign_in_agent, submit
from tests.store.conftest import People, bring_to


@pytest.fixture
def alice(client: FlaskClient, people: People) -> FlaskClient:
    sign_in_agent(client, agent_id=people.alice.id)
    return client


@pytest.fixture
def draft(people: People) -> UUID:
    """An application of Alice's, not listed."""
    return bring_to("draft", people)[0]


def path_of(application_id: UUID) -> str:
    return f"/editeur/applications/{application_id}/identifiants"


def clients_of(application_id: UUID) -> list[Client]:
    with transaction():
        return list(queries.list_clients(application_id))


def shown_key(page: str) -> ECKey:
    """The key of the page, which stands there alone and in a configuration whole."""
    alone, configuration = (
        json.loads(unescape(code)) for code in re.findall(r"<code>(\{.*?\})</code>", page, re.DOTALL)
    )
    assert configuration["private_key"] == alone
    assert configuration["redirect_uri"] == CALLBACK
    return ECKey.import_key(alone)


GENERATE = {"environment": "sandbox", "profile": "fapi2", "key": "generate", "redirect_uris": CALLBACK}


def test_a_draft_has_a_sandbox_client_at_once_and_its_key_is_shown_once(
    app: Flask, alice: FlaskClient, draft: UUID
) -> None:
    assert "Aucun identifiant" in alice.get(path_of(draft)).text
    made = submit(alice, path_of(draft), GENERATE)
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    key = shown_key(made.text)
    (client,) = clients_of(draft)
    assert client.client_id in made.text
    assert Partner(app, Credentials(client, key)).app_token()
    later = alice.get(path_of(draft)).text
    assert client.client_id in later
    assert key.as_dict(private=True)["d"] not in later


def test_a_public_key_is_pasted_and_replaced(alice: FlaskClient, draft: UUID) -> None:
    key = ECKey.generate_key("P-256")
    pasted = {**GENERATE, "key": "paste", "jwk": json.dumps(key.as_dict(private=False))}
    assert submit(alice, path_of(draft), pasted).status_code == 303
    (client,) = clients_of(draft)
    rotated = submit(alice, f"{path_of(draft)}/{client.pk}/cle", {"key": "generate"}, page=path_of(draft))
    assert rotated.status_code == 201
    page = alice.get(path_of(draft)).text
    assert key.thumbprint() in page and "remplacée" in page
    assert len(clients_of(draft)[0].keys) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"redirect_uris": ""}, "Adresse de retour refusée"),
        ({"redirect_uris": "http://balance.exemple.fr"}, "Adresse de retour refusée"),
        ({"key": "paste", "jwk": "pas du JSON"}, "Collez un objet JSON"),
        ({"key": "paste", "jwk": json.dumps(ECKey.generate_key("P-256").as_dict(private=True))}, "Clé refusée"),
        ({"key": "public"}, "Clé refusée"),
        ({"key": ""}, "Choisissez comment la clé est fournie"),
        ({"profile": "autre"}, "Choisissez un profil"),
        ({"environment": "production"}, "attendent que l’application soit référencée"),
    ],
)
def test_a_mistake_is_explained_and_nothing_is_lost(
    alice: FlaskClient, draft: UUID, change: dict[str, str], said: str
) -> None:
    answer = submit(alice, path_of(draft), {**GENERATE, **change})
    assert answer.status_code == 422
    page = unescape(answer.text)
    assert said in page
    assert (change.get("redirect_uris") or CALLBACK) in page or not change.get("redirect_uris", CALLBACK)
    assert clients_of(draft) == []


def test_a_listed_application_gets_production_credentials(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("listed", people)
    assert "Production" in alice.get(path_of(application_id)).text
    assert submit(alice, path_of(application_id), {**GENERATE, "environment": "production"}).status_code == 201
    assert [client.environment for client in clients_of(application_id)] == ["production"]


def test_addresses_are_replaced_and_a_client_is_closed(alice: FlaskClient, draft: UUID) -> None:
    submit(alice, path_of(draft), GENERATE)
    (client,) = clients_of(draft)
    own = f"{path_of(draft)}/{client.pk}"
    changed = {"redirect_uris": "https://a.exemple.fr/\n\n https://b.exemple.fr/ "}
    assert submit(alice, f"{own}/adresses", changed, page=path_of(draft)).status_code == 303
    assert clients_of(draft)[0].redirect_uris == ("https://a.exemple.fr/", "https://b.exemple.fr/")
    assert submit(alice, f"{own}/adresses", {"redirect_uris": "x"}, page=path_of(draft)).status_code == 422
    assert submit(alice, f"{own}/fermeture", {}, page=path_of(draft)).status_code == 303
    assert clients_of(draft) == []


def test_another_organisations_credentials_are_not_found(alice: FlaskClient, draft: UUID, people: People) -> None:
    submit(alice, path_of(draft), GENERATE)
    (client,) = clients_of(draft)
    bruno = alice
    sign_in_agent(bruno, agent_id=people.bruno.id)
    assert bruno.get(path_of(draft)).status_code == 404
    for action in ("", f"/{client.pk}/cle", f"/{client.pk}/adresses", f"/{client.pk}/fermeture"):
        answer = submit(bruno, path_of(draft) + action, GENERATE, page="/editeur/applications/nouvelle")
        assert answer.status_code == 404
    assert clients_of(draft)[0].redirect_uris == (CALLBACK,)


def test_a_client_is_reached_through_its_own_application_only(alice: FlaskClient, people: People, draft: UUID) -> None:
    submit(alice, path_of(draft), GENERATE)
    (client,) = clients_of(draft)
    elsewhere, _ = bring_to("draft", people, name="Autre")
    answer = submit(alice, f"{path_of(elsewhere)}/{client.pk}/fermeture", {}, page=path_of(draft))
    assert answer.status_code == 404
    assert len(clients_of(draft)) == 1


def test_the_application_page_shows_the_panel(alice: FlaskClient, draft: UUID) -> None:
    assert "Identifiants" in alice.get(f"/editeur/applications/{draft}").text


def test_without_its_token_a_form_changes_nothing(alice: FlaskClient, draft: UUID) -> None:
    assert alice.post(path_of(draft), data=GENERATE).status_code == 400
    assert clients_of(draft) == []
