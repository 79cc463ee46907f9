"""Introspection: who may ask about which token, in JSON or as a signed JWT."""

from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from flask import Flask
from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from oauth.cli import clients
from oauth.rules.clients import Profile
from platform_core.errors import NotFound
from tests.oauth.partner import Partner, sandbox_client

PATH = "/oauth/introspect"
SIGNED = "application/token-introspection+jwt"


def allow(partner: Partner, option: str = "--allow") -> None:
    arguments = ["introspection", partner.client.client_id, option]
    assert CliRunner().invoke(clients, arguments, catch_exceptions=False).exit_code == 0


def token_of(server: Partner) -> str:
    answer = server.post("/oauth/token", {"grant_type": "client_credentials", "scope": "ens:introspect"})
    assert (answer.status_code, answer.json["scope"]) == (200, "ens:introspect"), answer.text
    return str(answer.json["access_token"])


def ask(server: Partner, own: str, about: str, **headers: str) -> TestResponse:
    scheme = "DPoP" if server.client.binds_tokens else "Bearer"
    proof = {"DPoP": server.proof("POST", PATH, token=own)} if server.client.binds_tokens else {}
    return server.http.post(
        PATH, data={"token": about}, headers={"Authorization": f"{scheme} {own}", **proof, **headers}
    )


@pytest.fixture
def resource_server(other: Partner) -> Partner:
    """A client that the operator let introspect."""
    allow(other)
    return other


@pytest.mark.requirement("A8.5", "A8.6", "A8", "SM282", "SM283")
def test_a_resource_server_learns_of_the_tokens_of_others(
    partner: Partner, resource_server: Partner, patient: UUID
) -> None:
    granted = partner.grant(patient)
    by_token = ask(resource_server, token_of(resource_server), granted["access_token"])
    by_key = resource_server.post(PATH, {"token": granted["access_token"]})
    assert by_token.json == by_key.json
    assert by_key.json["active"] is True
    assert by_key.json["client_id"] == partner.client.client_id
    assert (by_key.json["grant_id"], by_key.json["patient"]) == (granted["grant_id"], granted["patient"])
    refresh_token = {"token": granted["refresh_token"]}
    assert resource_server.post(PATH, refresh_token).json == {"active": False}


@pytest.mark.requirement("A8.5", "A8.5", "authlib-11", "A8")
def test_without_the_right_neither_the_scope_nor_the_tokens_of_others(
    partner: Partner, other: Partner, patient: UUID
) -> None:
    token = partner.grant(patient)["access_token"]
    refused = other.post("/oauth/token", {"grant_type": "client_credentials", "scope": "ens:introspect"})
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_scope")
    assert other.post(PATH, {"token": token}).json == {"active": False}
    own = other.app_token()
    told = ask(other, own, token)
    assert (told.status_code, told.json["error"]) == (403, "insufficient_scope")


@pytest.mark.requirement("A8.5")
def test_the_right_that_was_taken_back_ends_with_it(partner: Partner, resource_server: Partner, patient: UUID) -> None:
    token, own = partner.grant(patient)["access_token"], token_of(resource_server)
    allow(resource_server, "--refuse")
    assert ask(resource_server, own, token).status_code == 403
    assert resource_server.post(PATH, {"token": token}).json == {"active": False}


def test_the_right_does_not_cross_environments(partner: Partner, resource_server: Partner, owner: Any) -> None:
    token = partner.app_token()
    assert resource_server.post(PATH, {"token": token}).json["active"] is True
    with owner.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE oauth_client SET environment = 'production', application_id = id WHERE client_id = %s",
            (partner.client.client_id,),
        )
    assert resource_server.post(PATH, {"token": token}).json == {"active": False}


def test_a_token_to_introspect_with_opens_nothing_else(resource_server: Partner) -> None:
    own = token_of(resource_server)
    for path in ("/api/v1/sandbox/patients", "/fhir/Observation", "/oauth/userinfo"):
        assert resource_server.call("GET", path, own).status_code in {401, 403}, path


@pytest.mark.requirement("A8.5", "A8")
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer inconnu"}, {"Authorization": "Basic YTpi"}])
def test_an_unknown_caller_is_refused(partner: Partner, headers: dict[str, str]) -> None:
    answer = partner.http.post(PATH, data={"token": "x"}, headers=headers)
    assert answer.status_code in {400, 401}
    assert answer.json["error"] in {"invalid_client", "invalid_token"}
    assert "active" not in answer.json


@pytest.mark.requirement("A8.6")
@pytest.mark.parametrize(("profile", "algorithm"), [(Profile.FAPI2, "ES256"), (Profile.SMART, "RS256")])
def test_the_answer_comes_signed_to_who_asks_for_it(
    app: Flask, partner: Partner, patient: UUID, profile: Profile, algorithm: str
) -> None:
    server = Partner(app, sandbox_client(profile, callback="https://ressource.exemple.fr/"))
    allow(server)
    granted = partner.grant(patient)
    answer = ask(server, token_of(server), granted["access_token"], Accept=SIGNED)
    assert (answer.status_code, answer.content_type) == (200, SIGNED)
    assert answer.headers["Cache-Control"] == "no-store"
    keys = KeySet.import_key_set(server.http.get("/oauth/jwks").json)
    read = jwt.decode(answer.text, keys, algorithms=[algorithm])
    assert read.header["typ"] == "token-introspection+jwt"
    assert set(read.claims) == {"iss", "aud", "iat", "token_introspection"}
    assert (read.claims["iss"], read.claims["aud"]) == (server.issuer, server.client.client_id)
    assert read.claims["token_introspection"] == server.post(PATH, {"token": granted["access_token"]}).json
    unknown = ask(server, token_of(server), "inconnu", Accept=SIGNED)
    assert jwt.decode(unknown.text, keys, algorithms=[algorithm]).claims["token_introspection"] == {"active": False}


@pytest.mark.parametrize("accepted", ["*/*", "application/json", f"application/json, {SIGNED};q=0.5"])
def test_the_answer_is_json_unless_the_jwt_is_preferred(partner: Partner, accepted: str) -> None:
    answer = partner.http.post(
        PATH,
        data={
            "token": "inconnu",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": partner.assertion(),
        },
        headers={"Accept": accepted},
    )
    assert (answer.mimetype, answer.json) == ("application/json", {"active": False})


def test_an_unknown_client_is_named_to_the_operator(app: Flask) -> None:
    with pytest.raises(NotFound, match="inconnu"):
        CliRunner().invoke(clients, ["introspection", "inconnu", "--allow"], catch_exceptions=False)
