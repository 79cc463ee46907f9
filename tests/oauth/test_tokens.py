"""The token endpoint: codes, refresh, revocation, introspection, and what two at once may not both get."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from consent.service import lifecycle
from consent.workflow import Answer
from oauth.tasks import TOMBSTONES, forget_expired
from platform_core.access import SYSTEM
from platform_core.clock import FrozenClock
from platform_core.database import run, transaction
from tests.oauth.partner import FAPI, Partner, answer_as, open_in, query_of


def both(act: Callable[[], TestResponse]) -> list[TestResponse]:
    """Do it twice at the same moment."""
    start = Barrier(2)

    def run(_: int) -> TestResponse:
        start.wait(timeout=30)
        return act()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, range(2)))


def is_active(partner: Partner, token: str) -> bool:
    return bool(partner.post("/oauth/introspect", {"token": token}, proofs=[]).json["active"])


@pytest.mark.requirement("A1.2")
@pytest.mark.parametrize("grant_type", ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", ""])
def test_other_grant_types_are_not_supported(partner: Partner, grant_type: str) -> None:
    answer = partner.post("/oauth/token", {"grant_type": grant_type, "username": "u", "password": "p"})
    assert (answer.status_code, answer.json["error"]) == (400, "unsupported_grant_type")


@pytest.mark.requirement("A1.5", FAPI + "attempt-reuse-authorization-code-after-one-second")
def test_a_code_used_twice_takes_back_what_it_gave(partner: Partner, patient: UUID) -> None:
    code = partner.code(patient)
    tokens = partner.exchange(code).json
    again = partner.exchange(code)
    assert (again.status_code, again.json["error"]) == (400, "invalid_grant")
    assert partner.call("GET", "/api/v1/consent", tokens["access_token"]).status_code == 401
    assert partner.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"


@pytest.mark.requirement("A1.5")
def test_of_two_parallel_uses_of_a_code_one_at_most_gets_tokens(partner: Partner, patient: UUID) -> None:
    code = partner.code(patient)
    answers = both(lambda: partner.exchange(code))
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    given = next(answer.json["access_token"] for answer in answers if answer.status_code == 200)
    assert not is_active(partner, given)


@pytest.mark.requirement("authlib-5", "A1.6", FAPI + "ensure-token-endpoint-fails-with-expired-auth-code")
@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (61, 400)])
def test_a_code_lives_a_minute(partner: Partner, patient: UUID, clock: FrozenClock, seconds: int, status: int) -> None:
    code = partner.code(patient)
    clock.move(seconds=seconds)
    assert partner.exchange(code).status_code == status


@pytest.mark.requirement("A1.7", FAPI + "ensure-authorization-code-is-bound-to-client")
def test_a_code_of_another_client_is_refused_and_stays_good(partner: Partner, other: Partner, patient: UUID) -> None:
    code = partner.code(patient)
    stolen = other.exchange(code, redirect_uri=partner.client.redirect_uris[0], code_verifier=partner.verifier)
    assert stolen.json["error"] == "invalid_grant"
    assert partner.exchange(code).status_code == 200


@pytest.mark.requirement(
    "A1.8", "A2.3", FAPI + "ensure-pkce-code-verifier-required", FAPI + "incorrect-pkce-code-verifier-rejected"
)
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": "a" * 43}, "invalid_grant"),
        ({"code_verifier": "trop court"}, "invalid_request"),
        ({"code_verifier": "a" * 129}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"redirect_uri": "https://balance.exemple.fr/autre"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"code": "inconnu"}, "invalid_grant"),
    ],
)
def test_a_wrong_exchange_is_refused(partner: Partner, patient: UUID, changes: dict[str, Any], error: str) -> None:
    form = {"code": partner.code(patient), **changes}
    answer = partner.exchange(**form)
    assert (answer.status_code, answer.json["error"]) == (400, error)


@pytest.mark.requirement("A15", FAPI + "refresh-token")
def test_a_bound_refresh_token_is_not_rotated_and_needs_its_key(partner: Partner, patient: UUID) -> None:
    tokens = partner.grant(patient)
    for _ in range(2):
        answer = partner.refresh(tokens["refresh_token"])
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json
        assert (answer.json["grant_id"], answer.json["patient"]) == (tokens["grant_id"], tokens["patient"])
    wrong = partner.proof("POST", "/oauth/token", key=ECKey.generate_key("P-256"))
    assert partner.refresh(tokens["refresh_token"], proofs=[wrong]).json["error"] == "invalid_grant"
    assert partner.refresh(tokens["refresh_token"], proofs=[]).json["error"] == "invalid_dpop_proof"


@pytest.mark.requirement("A1.9")
def test_a_public_client_rotates_and_a_replay_kills_the_family(
    public: Partner, patient: UUID, partner: Partner
) -> None:
    first = public_grant(public, patient)
    second = public.refresh(first["refresh_token"]).json
    assert second["refresh_token"] != first["refresh_token"]
    assert public.refresh(first["refresh_token"]).json["error"] == "invalid_grant"
    assert public.refresh(second["refresh_token"]).json["error"] == "invalid_grant"
    assert public.call("GET", "/api/v1/consent", second["access_token"]).status_code == 401


@pytest.mark.requirement("authlib-4", "A1.9")
def test_two_parallel_refreshes_of_a_public_client_cannot_both_rotate(public: Partner, patient: UUID) -> None:
    token = public_grant(public, patient)["refresh_token"]
    answers = both(lambda: public.refresh(token))
    assert sorted(answer.status_code for answer in answers) == [200, 400]


def public_grant(public: Partner, patient: UUID) -> dict[str, Any]:
    """The tokens of a public client, whose request the same code decides as in a browser."""
    browser = public.app.test_client()
    request_id = open_in(browser, public, authorization_details=None, scope="offline_access patient/OauthTest.rs")
    code = query_of(browser.get(answer_as(patient, request_id, Answer.GRANT)).headers["Location"])["code"]
    return dict(public.exchange(code).json)


@pytest.mark.requirement("A1.10")
def test_a_refresh_may_narrow_the_scope_and_never_widen_it(partner: Partner, patient: UUID) -> None:
    token = partner.grant(patient)["refresh_token"]
    assert partner.refresh(token, scope="openid").json["scope"] == "openid"
    assert partner.refresh(token, scope="openid fhirUser").json["error"] == "invalid_scope"
    assert partner.refresh(token).json["scope"] == "openid offline_access"


@pytest.mark.requirement("A8.3", "SM103")
def test_a_refresh_token_of_another_client_is_refused(partner: Partner, other: Partner, patient: UUID) -> None:
    token = partner.grant(patient)["refresh_token"]
    assert other.refresh(token).json["error"] == "invalid_grant"
    assert partner.refresh(token).status_code == 200


def test_a_paused_consent_still_refreshes_and_a_revoked_one_does_not(partner: Partner, patient: UUID) -> None:
    tokens = partner.grant(patient)
    grant_id = UUID(tokens["grant_id"])
    with transaction(patient_id=patient):
        lifecycle.pause_consent(patient_id=patient, grant_id=grant_id, by=SYSTEM)
    assert partner.refresh(tokens["refresh_token"]).status_code == 200
    assert is_active(partner, tokens["access_token"])
    with transaction(patient_id=patient):
        lifecycle.revoke_consent(patient_id=patient, grant_id=grant_id, by=SYSTEM)
    refused = partner.refresh(tokens["refresh_token"]).json
    assert (refused["error"], refused["error_description"]) == ("invalid_grant", "consent-ended")
    assert not is_active(partner, tokens["access_token"])


@pytest.mark.requirement("A8.2", "A8")
def test_revoking_a_refresh_token_takes_its_access_tokens_and_leaves_the_consent(
    partner: Partner, patient: UUID
) -> None:
    tokens = partner.grant(patient)
    for _ in range(2):
        gone = partner.post("/oauth/revoke", {"token": tokens["refresh_token"], "token_type_hint": "n'importe"})
        assert gone.status_code == 200
    assert partner.call("GET", "/api/v1/consent", tokens["access_token"]).status_code == 401
    grant = partner.call("GET", f"/oauth/grants/{tokens['grant_id']}", partner.app_token())
    assert grant.json["status"] == "active"


@pytest.mark.requirement("A8.1", "A8")
def test_an_unknown_token_is_revoked_silently_and_a_foreign_one_stays_alive(
    partner: Partner, other: Partner, patient: UUID
) -> None:
    tokens = partner.grant(patient)
    assert other.post("/oauth/revoke", {"token": "inconnu"}).status_code == 200
    assert other.post("/oauth/revoke", {"token": tokens["access_token"]}).status_code == 400
    assert other.post("/oauth/revoke", {}).json["error"] == "invalid_request"
    assert partner.call("GET", "/api/v1/consent", tokens["access_token"]).status_code == 200


@pytest.mark.requirement("A8.4", "A8.5", "A8")
def test_introspection_tells_the_owner_and_nobody_else(
    partner: Partner, other: Partner, public: Partner, patient: UUID, clock: FrozenClock
) -> None:
    tokens = partner.grant(patient)
    found = partner.post("/oauth/introspect", {"token": tokens["access_token"]}).json
    assert found["active"] is True
    assert found["cnf"] == {"jkt": partner.proof_key.thumbprint()}
    assert (found["grant_id"], found["patient"]) == (tokens["grant_id"], tokens["patient"])
    assert found["authorization_details"] == tokens["authorization_details"]
    assert found["exp"] - found["iat"] == 600
    assert other.post("/oauth/introspect", {"token": tokens["access_token"]}).json == {"active": False}
    assert other.post("/oauth/introspect", {"token": "inconnu"}).json == {"active": False}
    assert public.post("/oauth/introspect", {"token": tokens["access_token"]}).json["error"] == "invalid_client"
    clock.move(seconds=601)
    assert partner.post("/oauth/introspect", {"token": tokens["access_token"]}).json == {"active": False}


def test_the_apps_own_token_has_one_scope_and_no_refresh_token(partner: Partner) -> None:
    answer = partner.post("/oauth/token", {"grant_type": "client_credentials"})
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "scope"}
    wider = partner.post("/oauth/token", {"grant_type": "client_credentials", "scope": "ens:app patient/*.rs"})
    assert wider.json["error"] == "invalid_scope"


def test_the_apps_own_token_never_reaches_a_patient(partner: Partner) -> None:
    token = partner.app_token()
    for path in ("/api/v1/consent", "/oauth/userinfo"):
        assert partner.call("GET", path, token).status_code == 403


@pytest.mark.requirement("authlib-6")
def test_a_public_client_has_no_token_of_its_own(public: Partner) -> None:
    answer = public.post("/oauth/token", {"grant_type": "client_credentials", "scope": "ens:app"})
    assert answer.json["error"] == "invalid_client"


def test_codes_and_tokens_are_stored_as_hashes_only(partner: Partner, patient: UUID, owner: sa.Engine) -> None:
    code = partner.code(patient)
    tokens = partner.exchange(code).json
    with owner.connect() as connection:
        rows = [
            str(row)
            for table in ("oauth_code", "oauth_token", "oauth_authorization_request", "core_audit", "core_outbox")
            for row in connection.execute(sa.text(f"SELECT to_jsonb(t) FROM {table} t")).scalars()
        ]
    assert rows
    assert not any(secret in row for row in rows for secret in (code, tokens["access_token"], tokens["refresh_token"]))


@pytest.mark.parametrize(
    "change",
    [
        "oauth_token SET patient_id = gen_random_uuid()",
        "oauth_token SET scope = 'patient/*.cruds'",
        "oauth_token SET expires_at = 'infinity'",
        "oauth_token SET jkt = NULL",
        "oauth_token SET assurance = 'eidas3'",
        "oauth_code SET grant_id = gen_random_uuid()",
        "oauth_code SET expires_at = 'infinity'",
    ],
)
def test_what_a_token_or_a_code_stands_for_is_never_changed(app: Flask, change: str) -> None:
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), transaction():
        run(f"UPDATE {change}", {})


def test_a_dead_token_stays_as_a_tombstone(
    partner: Partner, patient: UUID, clock: FrozenClock, owner: sa.Engine
) -> None:
    partner.grant(patient)
    clock.move(days=1)
    forget_expired()
    count = sa.text("SELECT count(*) FROM oauth_token WHERE kind = 'access' AND grant_id IS NOT NULL")
    with owner.connect() as connection:
        assert connection.scalar(count) == 1
        clock.move(seconds=TOMBSTONES.total_seconds())
        forget_expired()
        assert connection.scalar(count) == 0
