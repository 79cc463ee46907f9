"""Where Authlib is lax, and the faults it has had: each closed here whatever version is installed."""

import base64
import json
import zlib
from typing import Any
from uuid import UUID

import pytest
from authlib.integrations.flask_oauth2 import AuthorizationServer as FlaskAuthorizationServer
from flask import Flask
from joserfc.jwk import ECKey

from consent.workflow import Answer
from oauth.server import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    Introspection,
    PushedRequestEndpoint,
    RefreshTokenGrant,
    RegisteredClient,
    Revocation,
    S256Challenge,
    server,
)
from tests.oauth.partner import Partner, answer_as, open_in, query_of

ENDPOINTS = (Introspection, PushedRequestEndpoint, Revocation)
GRANTS = (AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant)


@pytest.mark.requirement("authlib-1", "A2.1", "SM14", "SM15")
def test_plain_is_neither_the_default_nor_known() -> None:
    assert S256Challenge.DEFAULT_CODE_CHALLENGE_METHOD == "S256"
    assert S256Challenge.SUPPORTED_CODE_CHALLENGE_METHOD == ["S256"]
    assert set(S256Challenge.CODE_CHALLENGE_METHODS) == {"S256"}


@pytest.mark.requirement("authlib-2", "A2.2")
@pytest.mark.parametrize("profile", ["partner", "smart", "public"])
@pytest.mark.parametrize("changes", [{"code_challenge": None, "code_challenge_method": None}, {"code_challenge": ""}])
def test_no_client_of_any_kind_passes_without_a_challenge(
    request: pytest.FixtureRequest, profile: str, changes: dict[str, Any]
) -> None:
    partner: Partner = request.getfixturevalue(profile)
    assert partner.push(**changes).json["error"] == "invalid_request"


@pytest.mark.requirement("authlib-3")
@pytest.mark.parametrize("endpoint", ["token", "introspection", "revocation", "pushed_authorization_request", "x"])
def test_a_client_has_one_method_at_every_endpoint(partner: Partner, public: Partner, endpoint: str) -> None:
    methods = ["none", "private_key_jwt", "client_secret_basic", "client_secret_post", "tls_client_auth", "x"]
    for client, own in ((partner.client, "private_key_jwt"), (public.client, "none")):
        accepted = [m for m in methods if RegisteredClient(client).check_endpoint_auth_method(m, endpoint)]
        assert accepted == [own]


def test_no_endpoint_reads_a_shared_secret() -> None:
    read = {method for grant in GRANTS for method in grant.TOKEN_ENDPOINT_AUTH_METHODS}
    read |= {method for endpoint in ENDPOINTS for method in endpoint.CLIENT_AUTH_METHODS}
    assert read == {"private_key_jwt", "none", "tls_client_auth", "self_signed_tls_client_auth"}
    assert "none" not in {*Introspection.CLIENT_AUTH_METHODS, *ClientCredentialsGrant.TOKEN_ENDPOINT_AUTH_METHODS}


@pytest.mark.requirement("authlib-7")
def test_authlib_itself_logs_nothing_and_sends_no_signal(
    partner: Partner, patient: UUID, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(FlaskAuthorizationServer, "send_signal", lambda *_, **__: sent.append("signal"))
    caplog.set_level("DEBUG")
    partner.grant(patient)
    assert [record.name for record in caplog.records if record.name.startswith("authlib")] == []
    assert sent == []


@pytest.mark.requirement("authlib-9", "A4")
@pytest.mark.parametrize("name", ["request", "request_uri"])
def test_no_request_object_is_read_nor_fetched(public: Partner, partner: Partner, name: str) -> None:
    unsigned = "eyJhbGciOiJub25lIn0.e30."
    value = unsigned if name == "request" else "https://evil.exemple.fr/request.jwt"
    assert partner.push(**{name: value}).status_code == 400
    parameters = {k: v for k, v in public.request(**{name: value}).items() if v is not None}
    answer = public.http.get("/oauth/authorize", query_string=parameters)
    if name == "request":
        assert query_of(answer.headers["Location"])["error"] == "request_not_supported"
    else:
        assert (answer.status_code, "Location" in answer.headers) == (400, False)


@pytest.mark.requirement("authlib-10", "A8")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "id_token", "n’importe", ""])
def test_a_hint_that_is_wrong_or_unknown_is_ignored(partner: Partner, patient: UUID, hint: str) -> None:
    token = partner.grant(patient)["access_token"]
    assert partner.post("/oauth/introspect", {"token": token, "token_type_hint": hint}).json["active"] is True
    assert partner.post("/oauth/revoke", {"token": token, "token_type_hint": hint}).status_code == 200
    assert partner.post("/oauth/introspect", {"token": token}).json == {"active": False}


@pytest.mark.requirement("authlib-12")
@pytest.mark.parametrize("address", ["http://localhost:80@evil.exemple.fr/", "http://127.0.0.1:8001@evil.exemple.fr/"])
def test_an_address_that_only_begins_like_a_loopback_one_is_not_one(public: Partner, address: str) -> None:
    parameters = {k: v for k, v in public.request(redirect_uri=address).items() if v is not None}
    answer = public.http.get("/oauth/authorize", query_string=parameters)
    assert (answer.status_code, "Location" in answer.headers) == (400, False)


@pytest.mark.requirement("CVE-2026-27962")
def test_a_key_in_the_header_of_an_assertion_verifies_nothing(partner: Partner) -> None:
    evil = ECKey.generate_key("P-256")
    for header in ({"jwk": evil.as_dict(private=False)}, {"jwk": evil.as_dict(private=False), "kid": None}):
        forged = partner.assertion(key=evil, header=header)
        answer = partner.post("/oauth/token", {"grant_type": "client_credentials", "client_assertion": forged})
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


@pytest.mark.requirement("CVE-2026-41479", "CVE-2026-44681", "A1.4")
@pytest.mark.parametrize("response_type", ["token", "id_token", "code id_token", "code token", "none", "x", ""])
@pytest.mark.parametrize("scope", ["patient/OauthTest.rs", "openid", ""])
def test_no_response_type_and_no_missing_openid_redirects_to_a_stranger(
    public: Partner, response_type: str, scope: str
) -> None:
    asked = public.request(redirect_uri="https://evil.exemple.fr/", response_type=response_type, scope=scope)
    for method, name in (("GET", "query_string"), ("POST", "data")):
        given = {k: v for k, v in asked.items() if v is not None}
        answer = public.http.open("/oauth/authorize", method=method, **{name: given})
        assert (answer.status_code, "Location" in answer.headers) == (400, False)
        assert "evil.exemple.fr" not in answer.text


@pytest.mark.requirement("CVE-2026-41425")
def test_a_decision_comes_back_by_the_browser_that_asked_for_it(app: Flask, partner: Partner, patient: UUID) -> None:
    """The fault let another session finish a flow: ours is held by the session that opened it."""
    victim, attacker = app.test_client(), app.test_client()
    path = answer_as(patient, open_in(victim, partner), Answer.GRANT)
    stolen = attacker.get(path)
    assert (stolen.status_code, "Location" in stolen.headers) == (404, False)
    assert set(query_of(victim.get(path).headers["Location"])) == {"code", "state", "iss"}


@pytest.mark.requirement("CVE-2025-62706")
def test_a_compressed_or_encrypted_proof_is_never_inflated(partner: Partner) -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b"0" * 5_000_000)).rstrip(b"=").decode()
    head = base64.urlsafe_b64encode(json.dumps({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}).encode()).decode()
    for text in (f"{head.rstrip('=')}..{bomb}.x.y", f"{head.rstrip('=')}.{bomb}.x"):
        answer = partner.post("/oauth/token", {"grant_type": "client_credentials"}, proofs=[text])
        assert answer.json["error"] == "invalid_dpop_proof"
        refused = partner.post("/oauth/token", {"grant_type": "client_credentials", "client_assertion": text})
        assert refused.json["error"] == "invalid_client"


@pytest.mark.requirement("GHSA-9ggr")
def test_a_critical_header_that_nobody_knows_is_refused_in_an_assertion(partner: Partner) -> None:
    critical = partner.assertion(header={"crit": ["x"], "x": 1})
    answer = partner.post("/oauth/token", {"grant_type": "client_credentials", "client_assertion": critical})
    assert answer.json["error"] == "invalid_client"


@pytest.mark.requirement("GHSA-fg6f-75jq-6523", "A1.15")
def test_no_state_of_a_client_is_kept_that_another_could_take(
    app: Flask, partner: Partner, other: Partner, patient: UUID
) -> None:
    """The fault kept clients' states in a cache that all sessions shared: two apps with one state stay two flows."""
    answers = [p.decide(p.push(state="le même").json["request_uri"], patient).json for p in (partner, other)]
    codes = [query_of(answer["redirect_to"])["code"] for answer in answers]
    assert [query_of(answer["redirect_to"])["state"] for answer in answers] == ["le même", "le même"]
    assert other.exchange(codes[0]).json["error"] == "invalid_grant"
    assert partner.exchange(codes[0]).status_code == other.exchange(codes[1]).status_code == 200


def test_authlibs_own_authorization_endpoint_answers_to_no_response_type() -> None:
    assert {grant for grant, _ in server._token_grants} >= set(GRANTS)
    assert {response for grant, _ in server._authorization_grants for response in grant.RESPONSE_TYPES} == set()
