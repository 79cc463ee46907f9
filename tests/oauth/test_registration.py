"""Clients that register themselves (RFC 7591) and manage their registration (RFC 7592)."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from oauth import queries, service
from oauth.rules import scopes
from oauth.rules.clients import Environment, Profile
from oauth.rules.details import whole_registry
from oauth.tasks import forget_expired
from platform_core import clock as clock_
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from tests.oauth.partner import CALLBACK, TESTER, WEIGHT, Credentials, Partner, digest
from tests.store.conftest import People, bring_to

PATH = "/oauth/register"
WITHIN = {"authorization_details": json.dumps([{**WEIGHT, "datatypes": ["storetest.weight"], "actions": ["read"]}])}
"""A request within the dossier of the tests."""


@pytest.fixture
def draft(people: People) -> UUID:
    return bring_to("draft", people)[0]


@pytest.fixture
def listed(people: People) -> UUID:
    return bring_to("listed", people)[0]


def opening(application_id: UUID, environment: Environment = Environment.SANDBOX, uses: int = 1, days: int = 1) -> str:
    with transaction():
        return service.open_registration(
            application_id=application_id,
            environment=environment,
            uses=uses,
            days=days,
            by=TESTER,
            now=clock_.now(),
        )


def metadata(key: ECKey | None = None, **changes: Any) -> dict[str, Any]:
    """Client metadata that hold; a member given as None is left out."""
    key = key or ECKey.generate_key("P-256")
    right: dict[str, Any] = {
        "redirect_uris": [CALLBACK],
        "jwks": {"keys": [key.as_dict(private=False)]},
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "client_name": "Un autre nom",
        "logo_uri": "https://ailleurs.exemple.fr/logo.png",
    }
    return {name: value for name, value in {**right, **changes}.items() if value is not None}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def register(client: FlaskClient, token: str, body: Any) -> TestResponse:
    return client.post(PATH, json=body, headers=bearer(token))


def as_partner(app: Flask, registered: dict[str, Any], key: ECKey | None) -> Partner:
    with transaction():
        client = queries.find_client(registered["client_id"])
    assert client
    return Partner(app, Credentials(client, key))


def path_of(registered: dict[str, Any]) -> str:
    return f"{PATH}/{registered['client_id']}"


def sent_back(registered: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The body of an update: what was told, without what the server gave."""
    given = {"registration_access_token", "registration_client_uri", "client_id_issued_at"}
    body = {**{name: value for name, value in registered.items() if name not in given}, **changes}
    return {name: value for name, value in body.items() if value is not None}


@pytest.mark.requirement("SM19", "A12")
def test_an_app_registers_and_goes_through_a_whole_flow(
    app: Flask, client: FlaskClient, draft: UUID, patient: UUID
) -> None:
    key = ECKey.generate_key("P-256")
    answer = register(client, opening(draft), metadata(key))
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store"), answer.text
    told = answer.json
    assert told["client_name"] == "Balance+"
    assert (told["token_endpoint_auth_method"], told["profile"]) == ("private_key_jwt", "fapi2")
    assert told["registration_client_uri"].endswith(path_of(told))
    assert "client_secret" not in told
    partner = as_partner(app, told, key)
    assert partner.client.is_sandbox and partner.client.application_id == draft
    granted = partner.grant(patient, **WITHIN)
    assert partner.refresh(granted["refresh_token"]).status_code == 200


@pytest.mark.requirement("A12")
def test_an_initial_token_serves_as_often_and_as_long_as_was_said(
    client: FlaskClient, draft: UUID, clock: FrozenClock
) -> None:
    token = opening(draft, uses=2)
    statuses = [register(client, token, metadata()).status_code for _ in range(3)]
    assert statuses == [201, 201, 401]
    late = opening(draft)
    clock.move(days=1)
    assert register(client, late, metadata()).status_code == 401


def test_a_refused_registration_costs_no_use(client: FlaskClient, draft: UUID) -> None:
    token = opening(draft)
    assert register(client, token, metadata(redirect_uris=[f"{CALLBACK}#x"])).status_code == 400
    assert register(client, token, metadata()).status_code == 201


@pytest.mark.requirement("A12")
@pytest.mark.parametrize(
    "headers", [{}, bearer("inconnu"), {"Authorization": "Basic YTpi"}, {"Authorization": "DPoP x"}]
)
@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE"])
def test_without_the_right_token_nothing_is_told(client: FlaskClient, headers: dict[str, str], method: str) -> None:
    path = PATH if method == "POST" else f"{PATH}/inconnu"
    answer = client.open(path, method=method, json={}, headers=headers)
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


PRIVATE = ECKey.generate_key("P-256").as_dict(private=True)
WEAK = {"kty": "RSA", "n": "A" * 171, "e": "AQAB"}


@pytest.mark.requirement("oidcc-redirect-uri-regfrag", "A12")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uris": [f"{CALLBACK}#fragment"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://balance.exemple.fr/retour"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://*.exemple.fr/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://a@exemple.fr/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"redirect_uris": CALLBACK}, "invalid_client_metadata"),
        ({"redirect_uris": [1]}, "invalid_client_metadata"),
        ({"jwks": None}, "invalid_client_metadata"),
        ({"jwks": {"keys": []}}, "invalid_client_metadata"),
        ({"jwks": {"keys": [PRIVATE]}}, "invalid_client_metadata"),
        ({"jwks": {"keys": [WEAK]}}, "invalid_client_metadata"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}}, "invalid_client_metadata"),
        ({"jwks": {"keys": ["x"]}}, "invalid_client_metadata"),
        ({"jwks": "x"}, "invalid_client_metadata"),
        ({"jwks_uri": "https://balance.exemple.fr/jwks"}, "invalid_client_metadata"),
        ({"jwks": None, "jwks_uri": "http://balance.exemple.fr/jwks"}, "invalid_client_metadata"),
        ({"jwks": None, "jwks_uri": "file:///etc/passwd"}, "invalid_client_metadata"),
        ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "client_secret_basic"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "none"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "none", "jwks": None, "profile": "fapi2"}, "invalid_client_metadata"),
        ({"profile": "fapi3"}, "invalid_client_metadata"),
        ({"profile": "fapi2", "dpop_bound_access_tokens": False}, "invalid_client_metadata"),
        ({"subject_type": "public"}, "invalid_client_metadata"),
        ({"scope": "patient/Inconnu.rs"}, "invalid_client_metadata"),
        ({"scope": 1}, "invalid_client_metadata"),
        ({"software_statement": "eyJhbGciOiJub25lIn0.e30."}, "unapproved_software_statement"),
    ],
)
def test_metadata_that_do_not_hold_are_refused(
    client: FlaskClient, draft: UUID, changes: dict[str, Any], error: str
) -> None:
    answer = register(client, opening(draft), metadata(**changes))
    assert (answer.status_code, answer.json["error"]) == (400, error), answer.text
    with transaction():
        assert queries.list_clients(draft) == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("[]", "application/json"),
        ("{", "application/json"),
        ('{"redirect_uris": ["https://a.exemple.fr/\\u0000"]}', "application/json"),
        ("redirect_uris=https://a.exemple.fr", "application/x-www-form-urlencoded"),
        ('{"x": "' + "a" * 70_000 + '"}', "application/json"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(client: FlaskClient, draft: UUID, body: str, kind: str) -> None:
    answer = client.post(PATH, data=body, content_type=kind, headers=bearer(opening(draft)))
    assert (answer.status_code, answer.mimetype) == (400, "application/json")


@pytest.mark.requirement("oidcc-registration-jwks-uri")
def test_a_public_app_registers_without_a_key(app: Flask, client: FlaskClient, draft: UUID) -> None:
    body = metadata(jwks=None, token_endpoint_auth_method="none", grant_types=["authorization_code"])
    told = register(client, opening(draft), body).json
    assert (told["profile"], told["dpop_bound_access_tokens"]) == ("smart", False)
    assert "jwks" not in told
    assert as_partner(app, told, None).client.is_public


def test_keys_may_be_published_at_an_address(client: FlaskClient, draft: UUID) -> None:
    address = "https://balance.exemple.fr/jwks"
    told = register(client, opening(draft), metadata(jwks=None, jwks_uri=address)).json
    assert told["jwks_uri"] == address
    moved = client.put(
        path_of(told),
        json=sent_back(told, jwks_uri="https://ailleurs.exemple.fr/jwks"),
        headers=bearer(told["registration_access_token"]),
    )
    assert (moved.status_code, moved.json["error"]) == (400, "invalid_client_metadata")


@pytest.mark.requirement("A12")
def test_production_needs_a_listing_and_keeps_its_profile(client: FlaskClient, draft: UUID) -> None:
    answer = register(client, opening(draft, Environment.PRODUCTION), metadata())
    assert answer.status_code == 400
    assert "listed" in answer.json["error_description"]


@pytest.mark.requirement("A12")
def test_a_listed_app_registers_for_production_within_its_listing(client: FlaskClient, listed: UUID) -> None:
    token = opening(listed, Environment.PRODUCTION)
    for changes in ({"profile": "smart"}, {"scope": "patient/OauthTest.rs"}):
        refused = register(client, token, metadata(**changes))
        assert (refused.status_code, refused.json["error"]) == (400, "invalid_client_metadata")
    told = register(client, token, metadata()).json
    with transaction():
        registered = queries.find_client(told["client_id"])
    assert registered and (registered.environment, registered.profile) == (Environment.PRODUCTION, Profile.FAPI2)
    assert not registered.is_sandbox


@pytest.mark.requirement("A12")
def test_a_client_reads_and_updates_its_registration_with_a_token_that_changes(
    app: Flask, client: FlaskClient, draft: UUID
) -> None:
    first, second = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
    told = register(client, opening(draft), metadata(first)).json
    token = told["registration_access_token"]
    assert client.get(path_of(told), headers=bearer(token)).json == told
    body = sent_back(
        told, jwks={"keys": [second.as_dict(private=False)]}, redirect_uris=["https://balance.exemple.fr/nouveau"]
    )
    answer = client.put(path_of(told), json=body, headers=bearer(token))
    assert answer.status_code == 200, answer.text
    assert answer.json["redirect_uris"] == ["https://balance.exemple.fr/nouveau"]
    assert client.get(path_of(told), headers=bearer(token)).status_code == 401
    renewed = answer.json["registration_access_token"]
    assert client.get(path_of(told), headers=bearer(renewed)).json == answer.json
    assert as_partner(app, told, second).app_token()
    with_old_key = as_partner(app, told, first)
    form = {"grant_type": "client_credentials"}
    assert with_old_key.post("/oauth/token", form).json["error"] == "invalid_client"


@pytest.mark.requirement("A12")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uris": ["https://ailleurs.exemple.fr/retour"]}, "invalid_redirect_uri"),
        ({"redirect_uris": [CALLBACK, "https://balance.exemple.fr:8443/retour"]}, "invalid_redirect_uri"),
        ({"jwks": None, "jwks_uri": "https://ailleurs.exemple.fr/jwks"}, "invalid_client_metadata"),
        ({"profile": "smart", "dpop_bound_access_tokens": False}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "none", "jwks": None}, "invalid_client_metadata"),
        ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
        ({"client_id": "autre"}, "invalid_client_metadata"),
        ({"client_id": None}, "invalid_client_metadata"),
        ({"registration_access_token": "x"}, "invalid_client_metadata"),
        ({"software_statement": "x"}, "unapproved_software_statement"),
    ],
)
def test_an_update_cannot_widen_a_client(client: FlaskClient, draft: UUID, changes: dict[str, Any], error: str) -> None:
    told = register(client, opening(draft), metadata()).json
    token = told["registration_access_token"]
    answer = client.put(path_of(told), json=sent_back(told, **changes), headers=bearer(token))
    assert (answer.status_code, answer.json["error"]) == (400, error), answer.text
    assert client.get(path_of(told), headers=bearer(token)).json == told


@pytest.mark.requirement("A12")
def test_an_update_cannot_reach_beyond_the_listing(client: FlaskClient, listed: UUID) -> None:
    told = register(client, opening(listed, Environment.PRODUCTION), metadata()).json
    body = sent_back(told, scope="patient/OauthTest.rs")
    answer = client.put(path_of(told), json=body, headers=bearer(told["registration_access_token"]))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client_metadata")


@pytest.mark.requirement("A12")
def test_what_was_not_registered_is_not_served(app: Flask, client: FlaskClient, draft: UUID, patient: UUID) -> None:
    key = ECKey.generate_key("P-256")
    grants = ["authorization_code", "client_credentials"]
    scope = "openid offline_access patient/Observation.rs"
    told = register(client, opening(draft), metadata(key, grant_types=grants, scope=scope)).json
    partner = as_partner(app, told, key)
    asked = "openid offline_access patient/Observation.crus"
    granted = partner.grant(patient, authorization_details=None, scope=asked)
    assert "refresh_token" not in granted
    assert "offline_access" not in granted["scope"]
    (detail,) = granted["authorization_details"]
    assert (detail["datatypes"], detail["actions"]) == (["storetest.weight"], ["read"])


def test_the_code_grant_alone_is_what_says_nothing(app: Flask, client: FlaskClient, draft: UUID) -> None:
    """RFC 7591 §2 makes it the default."""
    key = ECKey.generate_key("P-256")
    told = register(client, opening(draft), metadata(key, grant_types=None)).json
    assert told["grant_types"] == ["authorization_code"]
    refused = as_partner(app, told, key).post("/oauth/token", {"grant_type": "client_credentials"})
    assert refused.json["error"] == "unauthorized_client"


def test_the_registered_scope_bounds_every_later_request() -> None:
    weight, bmi = "code=http://loinc.org|29463-7", "code=http://loinc.org|39156-5"
    whole = whole_registry()

    def within(scope: str) -> set[tuple[str, str]]:
        return {(item.category, item.access) for item in scopes.bounded(whole, scope).items}

    assert within(f"openid patient/OauthTest.rs?{weight}") == {("oauthtest.weight", "read")}
    assert within(f"patient/OauthTest.cs?{weight} patient/OauthTest.r?{bmi}") == {
        ("oauthtest.weight", "read"),
        ("oauthtest.weight", "write"),
        ("oauthtest.bmi", "read"),
    }
    everything = {(item.category, item.access) for item in whole.items}
    assert within("openid ens:app") == everything
    assert within("patient/*.rs") == {pair for pair in everything if pair[1] == "read"}


def test_without_the_code_grant_nobody_is_asked_anything(app: Flask, client: FlaskClient, draft: UUID) -> None:
    key = ECKey.generate_key("P-256")
    told = register(client, opening(draft), metadata(key, grant_types=["client_credentials"])).json
    partner = as_partner(app, told, key)
    assert partner.app_token()
    assert partner.push().json["error"] == "unauthorized_client"


@pytest.mark.requirement("A12")
def test_after_its_end_everything_is_401_and_the_consent_stays_out_of_reach(
    app: Flask, client: FlaskClient, draft: UUID, patient: UUID, owner: sa.Engine
) -> None:
    key = ECKey.generate_key("P-256")
    told = register(client, opening(draft), metadata(key)).json
    partner = as_partner(app, told, key)
    granted = partner.grant(patient, **WITHIN)
    token = told["registration_access_token"]
    assert client.delete(path_of(told), headers=bearer(token)).status_code == 204
    for method in ("GET", "PUT", "DELETE"):
        again = client.open(path_of(told), method=method, json=sent_back(told), headers=bearer(token))
        assert again.status_code == 401, method
    calls: list[Callable[[], TestResponse]] = [
        lambda: partner.call("GET", "/api/v1/consent", granted["access_token"]),
        lambda: partner.call("GET", "/oauth/userinfo", granted["access_token"]),
        lambda: partner.refresh(granted["refresh_token"]),
        lambda: partner.push(),
    ]
    assert [call().status_code for call in calls] == [401, 401, 401, 401]
    with owner.connect() as connection:
        status = sa.text("SELECT status FROM consent_consent WHERE id = :id")
        assert connection.scalar(status, {"id": granted["grant_id"]}) == "active"


def test_every_act_is_audited_and_no_token_is_kept(client: FlaskClient, draft: UUID, owner: sa.Engine) -> None:
    initial = opening(draft)
    told = register(client, initial, metadata()).json
    first = told["registration_access_token"]
    told = client.put(path_of(told), json=sent_back(told), headers=bearer(first)).json
    client.delete(path_of(told), headers=bearer(told["registration_access_token"]))
    with owner.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT act, a::text FROM core_audit a WHERE act LIKE 'oauth:%' ORDER BY occurred_at, id")
        ).all()
        stored = (
            connection.execute(
                sa.text("SELECT c::text FROM oauth_client c UNION ALL SELECT t::text FROM oauth_initial_token t")
            )
            .scalars()
            .all()
        )
    acts = [row.act for row in rows]
    assert acts[:2] == ["oauth:registration:opened", "oauth:client:issued"]
    assert {"oauth:client:updated", "oauth:client:disabled"} <= set(acts)
    kept = "".join([row[1] for row in rows] + list(stored))
    assert not any(text in kept for text in (initial, first, told["registration_access_token"], digest(initial)))


def test_initial_tokens_are_forgotten_once_dead(draft: UUID, clock: FrozenClock, owner: sa.Engine) -> None:
    opening(draft, days=1)
    opening(draft, days=30)
    clock.move(days=3)
    forget_expired()
    with owner.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM oauth_initial_token")) == 1
