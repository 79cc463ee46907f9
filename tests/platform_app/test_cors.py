"""Pages of other sites: discovery for all of them, tokens and data for those of registered public apps."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from oauth.rules.clients import Profile
from tests.oauth.partner import sandbox_client

ORIGIN = "https://mesures.exemple.fr"
CALLED = ["/oauth/token", "/oauth/par", "/oauth/revoke", "/oauth/userinfo", "/fhir/Observation", "/fhir/Observation/1"]


@pytest.fixture
def site(app: Flask) -> str:
    """The origin of a public app."""
    sandbox_client(Profile.SMART, public=True, callback=f"{ORIGIN}/retour")
    sandbox_client(Profile.SMART, callback="https://serveur.exemple.fr/retour")
    return ORIGIN


@pytest.mark.requirement("SM16")
@pytest.mark.parametrize(
    "path",
    [
        "/fhir/metadata",
        "/fhir/.well-known/smart-configuration",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource/fhir",
        "/oauth/jwks",
    ],
)
def test_anybody_reads_what_the_server_says_of_itself(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Origin": "https://inconnu.exemple.fr"})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")


@pytest.mark.requirement("SM17")
@pytest.mark.parametrize("path", CALLED)
def test_the_page_of_a_public_app_may_ask_and_read(client: FlaskClient, site: str, path: str) -> None:
    asked = client.options(path, headers={"Origin": site, "Access-Control-Request-Method": "POST"})
    assert asked.status_code == 200
    assert asked.headers["Access-Control-Allow-Origin"] == site
    assert {"Authorization", "Content-Type", "DPoP"} <= set(asked.headers["Access-Control-Allow-Headers"].split(", "))
    assert set(asked.headers["Access-Control-Allow-Methods"].split(", ")) & {"GET", "POST"}

    method = "GET" if path.startswith("/fhir") else "POST"
    answered = client.open(path, method=method, headers={"Origin": site})
    assert answered.headers["Access-Control-Allow-Origin"] == site
    assert "WWW-Authenticate" in answered.headers["Access-Control-Expose-Headers"]
    assert "Origin" in answered.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answered.headers


@pytest.mark.requirement("SM17")
@pytest.mark.parametrize("path", CALLED)
@pytest.mark.parametrize(
    "origin",
    [
        "https://inconnu.exemple.fr",
        "https://serveur.exemple.fr",
        "https://mesures.exemple.fr.attaque.fr",
        "https://mesures.exemple",
        "http://mesures.exemple.fr",
        "null",
        "https://%",
    ],
)
def test_no_other_page_may(client: FlaskClient, site: str, path: str, origin: str) -> None:
    for method in ("OPTIONS", "POST"):
        answer = client.open(path, method=method, headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("path", ["/", "/espace", "/oauth/authorize", "/oauth/introspect", "/api/v1/catalogue"])
def test_the_rest_is_not_for_pages_of_other_sites(client: FlaskClient, site: str, path: str) -> None:
    answer = client.get(path, headers={"Origin": site})
    assert "Access-Control-Allow-Origin" not in answer.headers
