"""What the server says of itself, and that it does what it says."""

from typing import Any

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from oauth.cli import keys
from platform_core import config

DOCUMENTS = (
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/fhir/.well-known/smart-configuration",
    "/.well-known/oauth-protected-resource/fhir",
)


HTTPS_ONLY = {"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint"}
"""Authlib wants https in these; the address under test is a loopback one."""


@pytest.fixture
def server(client: FlaskClient) -> dict[str, Any]:
    return dict(client.get(DOCUMENTS[0]).json)


@pytest.mark.requirement("A9", "A3.7", "fapi2-security-profile-final-discovery-end-point-verification")
def test_the_metadata_are_those_of_an_authorization_server(server: dict[str, Any]) -> None:
    assert server["issuer"] == config.current().base_url
    found = AuthorizationServerMetadata(server)
    for name in found.REGISTRY_KEYS:
        if name not in HTTPS_ONLY:
            getattr(found, f"validate_{name}")()


@pytest.mark.requirement("A9", "oidcc-discovery-endpoint-verification")
def test_the_provider_signs_with_both_algorithms_and_pairwise_subjects(client: FlaskClient) -> None:
    document = client.get(DOCUMENTS[1]).json
    found = OpenIDProviderMetadata(document)
    found.validate_subject_types_supported()
    found.validate_id_token_signing_alg_values_supported()
    assert document["id_token_signing_alg_values_supported"] == ["ES256", "RS256"]
    assert document["subject_types_supported"] == ["pairwise"]


@pytest.mark.requirement("A11.5", "SM14")
@pytest.mark.requirement("SM15")
def test_plain_is_not_offered_and_iss_dpop_par_are(server: dict[str, Any]) -> None:
    assert server["code_challenge_methods_supported"] == ["S256"]
    assert server["authorization_response_iss_parameter_supported"] is True
    assert "RS256" not in server["dpop_signing_alg_values_supported"]
    assert server["pushed_authorization_request_endpoint"].endswith("/oauth/par")
    assert server["authorization_details_types_supported"] == ["urn:ens:health-data"]


@pytest.mark.requirement("SM438", "SM30")
@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_document_is_json_for_any_origin(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Accept": "application/fhir+xml", "Origin": "https://autre.exemple.fr"})
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_the_smart_configuration_says_what_smart_needs(client: FlaskClient) -> None:
    document = client.get(DOCUMENTS[2]).json
    needed = {
        "authorization_endpoint",
        "token_endpoint",
        "capabilities",
        "grant_types_supported",
        "code_challenge_methods_supported",
        "issuer",
        "jwks_uri",
    }
    assert needed <= set(document)
    assert all(document[name].startswith("http") for name in document if name.endswith(("endpoint", "uri")))


@pytest.mark.requirement("A11.5")
def test_each_endpoint_named_is_served(app: Flask, server: dict[str, Any]) -> None:
    routes = {rule.rule for rule in app.url_map.iter_rules()}
    named = {value.removeprefix(server["issuer"]) for name, value in server.items() if name.endswith("endpoint")}
    assert {path for path in named if path not in routes} <= {"/oauth/grants"}


def test_the_schema_of_details_is_published(client: FlaskClient) -> None:
    answer = client.get("/api/v1/schemas/authorization-details")
    assert answer.mimetype == "application/schema+json"
    assert answer.json["items"]["additionalProperties"] is False


def test_the_keys_are_public_and_stay_after_a_rotation(app: Flask, client: FlaskClient) -> None:
    before = client.get("/oauth/jwks").json["keys"]
    assert {key["alg"] for key in before} == {"ES256", "RS256"}
    assert not any({"d", "p", "q"} & set(key) for key in before)
    assert CliRunner().invoke(keys, ["rotate"], catch_exceptions=False).exit_code == 0
    after = client.get("/oauth/jwks").json["keys"]
    assert len(after) == 4
    assert {key["kid"] for key in before} < {key["kid"] for key in after}
