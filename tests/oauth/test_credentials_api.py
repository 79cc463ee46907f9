"""The publisher's API of credentials and usage, with the app's own token and with a personal access token."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from identity_core.service import tokens
from oauth import queries, service
from oauth.rules.clients import Profile
from platform_core.access import Actor
from platform_core.callers import Scope
from platform_core.database import transaction
from tests.oauth.partner import CALLBACK, Credentials, Partner
from tests.store.conftest import People, bring_to


def partner_of(app: Flask, application_id: UUID, by: Actor) -> Partner:
    """A sandbox client of an application, with its key."""
    private = service.generate_key(Profile.FAPI2)
    with transaction():
        client = service.issue_sandbox_client(
            name="Balance+",
            profile=Profile.FAPI2,
            redirect_uris=[CALLBACK],
            jwk=service.public_half(private),
            by=by,
            application_id=application_id,
            organisation_id=by.organisation_id,
        )
    return Partner(app, Credentials(client, ECKey.import_key(private)))


@pytest.fixture
def draft(people: People) -> UUID:
    return bring_to("draft", people)[0]


@pytest.fixture
def own(app: Flask, people: People, draft: UUID) -> Partner:
    """The app of a draft of Alice's."""
    return partner_of(app, draft, people.alice)


def new_key() -> dict[str, Any]:
    return dict(ECKey.generate_key("P-256", auto_kid=True).as_dict(private=False))


def person(client: FlaskClient, by: Actor, method: str, path: str, *scopes: Scope, **options: Any) -> TestResponse:
    with transaction():
        token = tokens.create_token(name="Essai", scopes=scopes or list(Scope), days=1, by=by)
    return client.open(path, method=method, headers={"Authorization": f"Bearer {token}"}, **options)


def test_an_app_reads_its_own_application_and_no_other(people: People, own: Partner, draft: UUID) -> None:
    other, _ = bring_to("draft", people, name="Autre")
    token = own.app_token()
    listed = own.call("GET", "/api/v1/applications", token)
    assert [one["id"] for one in listed.json["applications"]] == [str(draft)]
    for part in ("", "/submissions", "/evidence", "/questions", "/credentials", "/usage"):
        assert own.call("GET", f"/api/v1/applications/{draft}{part}", token).status_code == 200, part
        assert own.call("GET", f"/api/v1/applications/{other}{part}", token).status_code == 404, part
    assert own.call("POST", "/api/v1/applications", token, json={"name": "Encore"}).status_code == 403


def test_a_token_of_a_grant_and_a_client_alone_are_refused(partner: Partner, patient: UUID, draft: UUID) -> None:
    grant = partner.grant(patient)["access_token"]
    refused = partner.call("GET", "/api/v1/applications", grant)
    assert (refused.status_code, refused.json["code"]) == (403, "insufficient_scope")
    alone = partner.call("GET", "/api/v1/applications", partner.app_token())
    assert (alone.status_code, alone.json["code"]) == (403, "no-application")


def test_a_stolen_token_without_its_key_opens_nothing(client: FlaskClient, own: Partner, draft: UUID) -> None:
    token = own.app_token()
    for scheme in ("Bearer", "DPoP"):
        answer = client.get("/api/v1/applications", headers={"Authorization": f"{scheme} {token}"})
        assert answer.status_code == 401


def test_an_app_rotates_its_own_key_and_nothing_else(app: Flask, people: People, own: Partner, draft: UUID) -> None:
    sibling = partner_of(app, draft, people.alice)
    path, token = f"/api/v1/applications/{draft}/credentials", own.app_token()
    added = own.call("POST", f"{path}/{own.client.client_id}/keys", token, json={"jwk": new_key(), "overlap_days": 1})
    assert (added.status_code, len(added.json["keys"])) == (201, 2), added.text
    assert [key["expires_at"] is None for key in added.json["keys"]] == [True, False]
    assert all("d" not in key for key in added.json["keys"])
    other = f"{path}/{sibling.client.client_id}/keys"
    assert own.call("POST", other, token, json={"jwk": new_key()}).status_code == 404
    thumbprint = added.json["keys"][0]["thumbprint"]
    assert own.call("DELETE", f"{path}/{own.client.client_id}/keys/{thumbprint}", token).status_code == 403
    addresses = f"{path}/{own.client.client_id}/redirect-uris"
    moved = own.call("PUT", addresses, token, json={"redirect_uris": ["https://voleur.exemple.fr/"]})
    assert (moved.status_code, own.reload().redirect_uris) == (403, (CALLBACK,))


def test_a_person_manages_keys_and_addresses(client: FlaskClient, people: People, own: Partner, draft: UUID) -> None:
    path = f"/api/v1/applications/{draft}/credentials"
    (one,) = person(client, people.alice, "GET", path).json["credentials"]
    assert (one["client_id"], one["environment"], one["redirect_uris"]) == (
        own.client.client_id,
        "sandbox",
        [CALLBACK],
    )
    mine = f"{path}/{own.client.client_id}"
    assert person(client, people.alice, "POST", f"{mine}/keys", json={"jwk": new_key()}).status_code == 201
    old = one["keys"][0]["thumbprint"]
    assert person(client, people.alice, "DELETE", f"{mine}/keys/{old}").status_code == 204
    assert own.post("/oauth/token", {"grant_type": "client_credentials", "scope": "ens:app"}).status_code == 401
    (left,) = person(client, people.alice, "GET", path).json["credentials"][0]["keys"]
    last = person(client, people.alice, "DELETE", f"{mine}/keys/{left['thumbprint']}")
    assert (last.status_code, last.json["code"]) == (409, "last-key")
    uris = ["https://a.exemple.fr/", "https://b.exemple.fr/"]
    moved = person(client, people.alice, "PUT", f"{mine}/redirect-uris", json={"redirect_uris": uris})
    assert (moved.status_code, moved.json["redirect_uris"]) == (200, uris)
    assert own.reload().redirect_uris == tuple(uris)


@pytest.mark.parametrize(
    ("path", "method", "body"),
    [
        ("keys", "POST", {"jwk": {"kty": "oct", "k": "AA"}}),
        ("keys", "POST", {"jwk": new_key(), "overlap_days": 31}),
        ("keys", "POST", {}),
        ("redirect-uris", "PUT", {"redirect_uris": []}),
        ("redirect-uris", "PUT", {"redirect_uris": ["http://ailleurs.exemple.fr"]}),
    ],
    ids=["symmetric", "long-overlap", "no-key", "no-address", "http"],
)
def test_what_is_malformed_is_refused(
    client: FlaskClient, people: People, own: Partner, draft: UUID, path: str, method: str, body: dict[str, Any]
) -> None:
    mine = f"/api/v1/applications/{draft}/credentials/{own.client.client_id}/{path}"
    assert person(client, people.alice, method, mine, json=body).status_code == 422
    with transaction():
        assert len(queries.list_keys(own.client.pk)) == 1


CALLS = [
    ("GET", "/credentials", Scope.CREDENTIALS_READ, {}),
    ("POST", "/credentials/{client}/keys", Scope.CREDENTIALS_WRITE, {"json": {"jwk": {"kty": "EC"}}}),
    ("DELETE", "/credentials/{client}/keys/x", Scope.CREDENTIALS_WRITE, {}),
    ("PUT", "/credentials/{client}/redirect-uris", Scope.CREDENTIALS_WRITE, {"json": {"redirect_uris": [CALLBACK]}}),
    ("GET", "/usage", Scope.USAGE_READ, {}),
    ("GET", "/usage?client_id={client}", Scope.USAGE_READ, {}),
]


@pytest.mark.parametrize(("method", "path", "scope", "options"), CALLS, ids=lambda value: str(value)[:40])
def test_another_organisation_and_a_lesser_scope_are_refused(
    client: FlaskClient,
    people: People,
    own: Partner,
    draft: UUID,
    method: str,
    path: str,
    scope: Scope,
    options: dict[str, Any],
) -> None:
    address = f"/api/v1/applications/{draft}{path.format(client=own.client.client_id)}"
    assert person(client, people.bruno, method, address, **options).status_code == 404
    others = [one for one in Scope if one.part != scope.part]
    assert person(client, people.alice, method, address, *others, **options).status_code == 403
    assert client.open(address, method=method).status_code == 401


def test_usage_is_told_day_by_day(client: FlaskClient, people: People, own: Partner, draft: UUID) -> None:
    path = f"/api/v1/applications/{draft}/usage"
    body = person(client, people.alice, "GET", f"{path}?days=7&client_id={own.client.client_id}").json
    assert [line["served"] for line in body["days"]] == [0] * 7
    assert body["consents"]["active"] == 0 and body["counted_at"] is None
    for wrong in ("days=0", "days=367", "days=x"):
        assert person(client, people.alice, "GET", f"{path}?{wrong}").status_code == 422
    assert person(client, people.alice, "GET", f"{path}?client_id=inconnu").status_code == 404
