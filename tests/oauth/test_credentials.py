"""The publisher's credentials pages."""

import json
import re
from datetime import timedelta
from html import unescape
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from identity_core import queries as identity
from oauth import queries
from oauth.rules.clients import Client
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from store.queries.applications import get_application
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


def alice_of(application_id: UUID) -> UUID:
    """The agent who made the application: a frozen clock needs a sign-in of its own time."""
    with transaction():
        organisation_id = get_application(application_id).organisation_id
        return identity.list_member_ids(organisation_id, ["publisher"])[0]


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


def test_an_address_is_added_and_removed_after_a_confirmation(alice: FlaskClient, draft: UUID) -> None:
    submit(alice, path_of(draft), GENERATE)
    (client,) = clients_of(draft)
    own, other = f"{path_of(draft)}/{client.pk}", "https://b.exemple.fr/"
    assert submit(alice, f"{own}/adresses", {"redirect_uri": f" {other} "}, page=path_of(draft)).status_code == 303
    assert clients_of(draft)[0].redirect_uris == (CALLBACK, other)
    assert submit(alice, f"{own}/adresses", {"redirect_uri": "x"}, page=path_of(draft)).status_code == 422
    asked = submit(alice, f"{own}/adresses/retrait", {"redirect_uri": CALLBACK}, page=path_of(draft))
    assert asked.status_code == 200 and CALLBACK in asked.text
    assert clients_of(draft)[0].redirect_uris == (CALLBACK, other)
    confirmed = {"redirect_uri": CALLBACK, "confirm": "yes"}
    assert submit(alice, f"{own}/adresses/retrait", confirmed, page=path_of(draft)).status_code == 303
    assert clients_of(draft)[0].redirect_uris == (other,)
    assert submit(alice, f"{own}/adresses/retrait", confirmed, page=path_of(draft)).status_code == 404
    last = {"redirect_uri": other, "confirm": "yes"}
    assert submit(alice, f"{own}/adresses/retrait", last, page=path_of(draft)).status_code == 422


def test_a_client_is_closed_after_a_confirmation(app: Flask, alice: FlaskClient, draft: UUID) -> None:
    key = shown_key(submit(alice, path_of(draft), GENERATE).text)
    (client,) = clients_of(draft)
    partner = Partner(app, Credentials(client, key))
    token, closing = partner.app_token(), f"{path_of(draft)}/{client.pk}/fermeture"
    assert "Fermer ces identifiants" in submit(alice, closing, {}, page=path_of(draft)).text
    assert len(clients_of(draft)) == 1
    assert submit(alice, closing, {"confirm": "yes"}, page=path_of(draft)).status_code == 303
    assert clients_of(draft) == []
    assert partner.call("GET", "/api/v1/sandbox/patients", token).status_code == 401


def test_the_old_key_ends_on_the_day_chosen_or_at_once(
    app: Flask, alice: FlaskClient, draft: UUID, clock: FrozenClock
) -> None:
    sign_in_agent(alice, agent_id=alice_of(draft))
    old = shown_key(submit(alice, path_of(draft), GENERATE).text)
    (client,) = clients_of(draft)
    own = f"{path_of(draft)}/{client.pk}"
    for days in ("31", "", "x", "-1"):
        wrong = {"key": "generate", "overlap": days}
        assert submit(alice, f"{own}/cle", wrong, page=path_of(draft)).status_code == 422
    new = shown_key(submit(alice, f"{own}/cle", {"key": "generate", "overlap": "1"}, page=path_of(draft)).text)
    third = shown_key(submit(alice, f"{own}/cle", {"key": "generate"}, page=path_of(draft)).text)
    first, second, last = (Partner(app, Credentials(client, key)) for key in (old, new, third))
    assert first.app_token() and second.app_token() and last.app_token()
    ending = f"{own}/cles/{new.thumbprint()}/fin"
    assert "Arrêter cette clé" in submit(alice, ending, {}, page=path_of(draft)).text
    assert second.app_token()
    assert submit(alice, ending, {"confirm": "yes"}, page=path_of(draft)).status_code == 303
    assert submit(alice, ending, {"confirm": "yes"}, page=path_of(draft)).status_code == 404
    grant = {"grant_type": "client_credentials", "scope": "ens:app"}
    assert second.post("/oauth/token", grant).status_code == 401
    clock.move(days=1)
    assert first.post("/oauth/token", grant).status_code == 401
    assert last.app_token()


def test_the_last_key_is_not_ended(alice: FlaskClient, draft: UUID) -> None:
    key = shown_key(submit(alice, path_of(draft), GENERATE).text)
    (client,) = clients_of(draft)
    ending = f"{path_of(draft)}/{client.pk}/cles/{key.thumbprint()}/fin"
    refused = submit(alice, ending, {"confirm": "yes"}, page=path_of(draft))
    assert refused.status_code == 422 and "dernière clé" in refused.text
    assert len(clients_of(draft)[0].keys) == 1


def test_keys_are_published_at_an_address(alice: FlaskClient, draft: UUID) -> None:
    address = "https://balance.exemple.fr/jwks"
    published = {**GENERATE, "key": "address", "jwks_uri": address}
    assert submit(alice, path_of(draft), published).status_code == 303
    (client,) = clients_of(draft)
    assert client.jwks_uri == address and address in alice.get(path_of(draft)).text
    own = f"{path_of(draft)}/{client.pk}"
    moved = submit(alice, f"{own}/cles/adresse", {"jwks_uri": f"{address}/2"}, page=path_of(draft))
    assert moved.status_code == 303
    assert clients_of(draft)[0].jwks_uri == f"{address}/2"
    wrong = submit(alice, f"{own}/cles/adresse", {"jwks_uri": "http://ailleurs.exemple.fr"}, page=path_of(draft))
    assert wrong.status_code == 422 and "Adresse des clés refusée" in wrong.text
    assert submit(alice, f"{own}/cle", {"key": "generate"}, page=path_of(draft)).status_code == 422


def test_the_last_use_is_kept_to_the_hour(app: Flask, alice: FlaskClient, draft: UUID, clock: FrozenClock) -> None:
    sign_in_agent(alice, agent_id=alice_of(draft))
    key = shown_key(submit(alice, path_of(draft), GENERATE).text)
    (client,) = clients_of(draft)
    assert client.last_used_at is None
    first = clock.instant
    for minutes, expected in ((0, first), (59, first), (2, first + timedelta(minutes=61))):
        clock.move(minutes=minutes)
        Partner(app, Credentials(client, key)).app_token()
        client = clients_of(draft)[0]
        assert client.last_used_at == expected


def test_every_change_of_a_client_is_audited(alice: FlaskClient, draft: UUID, owner: sa.Engine) -> None:
    submit(alice, path_of(draft), GENERATE)
    (client,) = clients_of(draft)
    own = f"{path_of(draft)}/{client.pk}"
    submit(alice, f"{own}/adresses", {"redirect_uri": "https://b.exemple.fr/"}, page=path_of(draft))
    submit(alice, f"{own}/cle", {"key": "generate"}, page=path_of(draft))
    submit(alice, f"{own}/cles/adresse", {"jwks_uri": "https://b.exemple.fr/k"}, page=path_of(draft))
    submit(alice, f"{own}/fermeture", {"confirm": "yes"}, page=path_of(draft))
    with owner.connect() as connection:
        acts = connection.scalars(
            sa.text("SELECT act FROM core_audit WHERE object_id = :id ORDER BY occurred_at, id"), {"id": str(client.pk)}
        ).all()
    assert sorted(acts) == [
        "oauth:client:disabled",
        "oauth:client:issued",
        "oauth:client:key-rotated",
        "oauth:client:keys-published",
        "oauth:client:redirected",
    ]


@pytest.mark.requirement("SM305")
def test_another_organisations_credentials_are_not_found(alice: FlaskClient, draft: UUID, people: People) -> None:
    submit(alice, path_of(draft), GENERATE)
    (client,) = clients_of(draft)
    bruno = alice
    sign_in_agent(bruno, agent_id=people.bruno.id)
    assert bruno.get(path_of(draft)).status_code == 404
    for action in ("", "/cle", "/cles/adresse", "/cles/x/fin", "/adresses", "/adresses/retrait", "/fermeture"):
        path = path_of(draft) + (f"/{client.pk}{action}" if action else "")
        form = {**GENERATE, "confirm": "yes"}
        answer = submit(bruno, path, form, page="/editeur/applications/nouvelle")
        assert answer.status_code == 404
    assert clients_of(draft)[0].redirect_uris == (CALLBACK,)


def test_a_client_is_reached_through_its_own_application_only(alice: FlaskClient, people: People, draft: UUID) -> None:
    submit(alice, path_of(draft), GENERATE)
    (client,) = clients_of(draft)
    elsewhere, _ = bring_to("draft", people, name="Autre")
    form = {"confirm": "yes"}
    answer = submit(alice, f"{path_of(elsewhere)}/{client.pk}/fermeture", form, page=path_of(draft))
    assert answer.status_code == 404
    assert len(clients_of(draft)) == 1


def test_the_application_page_shows_the_panel(alice: FlaskClient, draft: UUID) -> None:
    assert "Identifiants" in alice.get(f"/editeur/applications/{draft}").text


def test_without_its_token_a_form_changes_nothing(alice: FlaskClient, draft: UUID) -> None:
    assert alice.post(path_of(draft), data=GENERATE).status_code == 400
    assert clients_of(draft) == []


def test_a_publisher_says_where_people_go_after_signing_out_and_where_the_app_is_told(
    alice: FlaskClient, draft: UUID
) -> None:
    submit(alice, path_of(draft), {**GENERATE, "profile": "smart", "key": "public"})
    pk = clients_of(draft)[0].pk
    after, told = f"after-{pk}", f"told-{pk}"
    end, other, hook = (f"https://balance.exemple.fr/{name}" for name in ("fin", "autre", "prevenir"))

    def send(addresses: str, address: str) -> TestResponse:
        return submit(
            alice, f"{path_of(draft)}/{pk}/deconnexion", {after: addresses, told: address}, page=path_of(draft)
        )

    assert send(f" {end}\r\n{other} \r\n", "").status_code == 303
    assert clients_of(draft)[0].post_logout_redirect_uris == (end, other)
    assert send("", hook).status_code == 303
    wrong = "http://ailleurs.exemple.fr"
    for refused, field in ((send(wrong, ""), after), (send("", wrong), told)):
        assert refused.status_code == 422
        assert f'id="{field}-error"' in refused.text and wrong in refused.text
    client = clients_of(draft)[0]
    assert (client.post_logout_redirect_uris, client.backchannel_logout_uri) == ((), hook)
