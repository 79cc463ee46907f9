"""Tokens renewed in time, and what the platform says of the consent."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import requests

from partner_sdk import (
    ConsentEnded,
    ConsentPaused,
    Grant,
    PartnerClient,
    Unauthorized,
)

from .conftest import Answer, FakePlatform, Request, outcome

CONSENT = {
    "grant_id": "g-1",
    "status": "paused",
    "purpose": "prevention",
    "valid_until": "2027-05-21",
    "items": [
        {
            "category": "measures.body-weight",
            "access": "read",
            "data_period": {"from": "2025-01-01", "to": None},
            "periodicity": {"max": 1, "per": "day"},
            "used": 1,
            "remaining": 0,
            "next_window_at": "2026-11-21T23:00:00Z",
        },
        {
            "category": "measures.body-weight",
            "access": "write",
            "data_period": None,
            "periodicity": {"continuous": True},
            "used": 0,
            "remaining": None,
            "next_window_at": None,
        },
    ],
}
INVALID_TOKEN: Answer = (
    401,
    outcome("invalid-token"),
    {"WWW-Authenticate": 'DPoP error="invalid_token", algs="ES256"'},
)
ENDED: Answer = (
    401,
    outcome("invalid-token"),
    {"WWW-Authenticate": 'DPoP error="invalid_token", error_description="consent-ended"'},
)


@pytest.fixture(autouse=True)
def _consent_route(platform: FakePlatform) -> None:
    platform.routes["/api/v1/consent"] = lambda _: (200, CONSENT)


def _expiring(grant: Grant, seconds: float) -> Grant:
    return replace(grant, expires_at=datetime.now(UTC) + timedelta(seconds=seconds))


def test_the_consent_is_read_with_its_items(ens: PartnerClient, grant: Grant) -> None:
    consent = ens.open(grant).consent()
    assert (consent.status, consent.valid_until) == ("paused", date(2027, 5, 21))
    read, write = consent.items
    assert (read.data_from, read.data_to) == (date(2025, 1, 1), None)
    assert (read.used, read.remaining) == (1, 0)
    assert read.next_window_at == datetime(2026, 11, 21, 23, tzinfo=UTC)
    assert (write.remaining, write.next_window_at) == (None, None)


def test_a_call_is_proved_for_its_token(ens: PartnerClient, grant: Grant, platform: FakePlatform) -> None:
    ens.open(grant).consent()
    request = platform.calls("/api/v1/consent")[0]
    assert request.headers["Authorization"] == "DPoP access-1"
    assert "ath" in request.proof().claims


def test_a_netrc_entry_does_not_replace_the_token(
    ens: PartnerClient, grant: Grant, platform: FakePlatform, tmp_path, monkeypatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine ens.example login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    ens.open(grant).consent()
    assert platform.calls("/api/v1/consent")[0].headers["Authorization"] == "DPoP access-1"


def test_the_resource_server_keeps_a_nonce_of_its_own(ens: PartnerClient, grant: Grant, platform: FakePlatform) -> None:
    demand = {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"', "DPoP-Nonce": "rs-1"}
    platform.script["/api/v1/consent"] = [(401, outcome("invalid-dpop-proof"), demand)]
    space = ens.open(_expiring(grant, 30))
    space.consent()
    space.consent()
    assert [call.proof().claims.get("nonce") for call in platform.calls("/api/v1/consent")] == [None, "rs-1", "rs-1"]
    assert "nonce" not in platform.calls("/oauth/token")[-1].proof().claims


def test_a_token_in_its_last_minute_is_renewed_before_the_call(
    ens: PartnerClient, grant: Grant, platform: FakePlatform
) -> None:
    saved: list[Grant] = []
    space = ens.open(_expiring(grant, 59), on_refresh=saved.append)
    space.consent()
    assert platform.calls("/api/v1/consent")[0].headers["Authorization"] == "DPoP access-2"
    assert [each.access_token for each in saved] == ["access-2"]
    assert saved[0] == space.grant()
    assert (saved[0].dpop_key, saved[0].refresh_token) == (grant.dpop_key, grant.refresh_token)


def test_a_token_that_still_lives_serves_while_none_can_be_had(
    ens: PartnerClient, grant: Grant, platform: FakePlatform
) -> None:
    platform.script["/oauth/token"] = [requests.ConnectionError()] * 3
    ens.open(_expiring(grant, 30)).consent()
    assert platform.calls("/api/v1/consent")[0].headers["Authorization"] == "DPoP access-1"


def test_a_token_refused_is_renewed_once(ens: PartnerClient, grant: Grant, platform: FakePlatform) -> None:
    platform.script["/api/v1/consent"] = [INVALID_TOKEN]
    assert ens.open(grant).consent().grant_id == "g-1"
    platform.script["/api/v1/consent"] = [INVALID_TOKEN, INVALID_TOKEN]
    with pytest.raises(Unauthorized):
        ens.open(grant).consent()
    assert platform.tokens_issued == 3


def test_threads_refused_together_renew_once(ens: PartnerClient, grant: Grant, platform: FakePlatform) -> None:
    together = threading.Barrier(5, timeout=10)

    def refuse_the_first_token(request: Request) -> Answer:
        if request.headers["Authorization"] == "DPoP access-1":
            together.wait()
            return INVALID_TOKEN
        return 200, CONSENT

    platform.routes["/api/v1/consent"] = refuse_the_first_token
    space = ens.open(grant)
    statuses: list[str] = []
    threads = [threading.Thread(target=lambda: statuses.append(space.consent().status)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == ["paused"] * 5
    assert platform.tokens_issued == 2


def test_a_consent_that_ended_asks_for_no_token(ens: PartnerClient, grant: Grant, platform: FakePlatform) -> None:
    platform.script["/api/v1/consent"] = [ENDED]
    with pytest.raises(ConsentEnded) as ended:
        ens.open(grant).consent()
    assert (ended.value.code, ended.value.status, ended.value.request_id) == ("consent-ended", 401, "req-1")
    assert platform.tokens_issued == 1


@pytest.mark.parametrize(("description", "kind"), [("consent-ended", ConsentEnded), ("revoked", Unauthorized)])
def test_a_refresh_token_refused_tells_whether_the_consent_ended(
    ens: PartnerClient, grant: Grant, platform: FakePlatform, description: str, kind: type[Unauthorized]
) -> None:
    platform.script["/oauth/token"] = [(400, {"error": "invalid_grant", "error_description": description})]
    with pytest.raises(Unauthorized) as refusal:
        ens.open(_expiring(grant, -1)).consent()
    assert type(refusal.value) is kind
    assert platform.calls("/api/v1/consent") == []


def test_a_token_refused_by_the_authorization_server_is_renewed_too(
    ens: PartnerClient, grant: Grant, platform: FakePlatform
) -> None:
    challenge = {"WWW-Authenticate": 'DPoP error="invalid_token", algs="ES256"'}
    platform.script["/oauth/grants/g-1"] = [(401, {"error": "invalid_client"}, challenge), (204, b"")]
    ens.open(grant).end()
    assert platform.calls("/oauth/grants/g-1")[1].headers["Authorization"] == "DPoP access-2"


def test_a_pause_is_told_apart_from_an_end(ens: PartnerClient, grant: Grant, platform: FakePlatform) -> None:
    platform.script["/api/v1/consent"] = [(403, outcome("consent-paused"))]
    with pytest.raises(ConsentPaused):
        ens.open(grant).consent()


@pytest.mark.parametrize("answer", [(204, b""), ENDED, (404, {"code": "not-found"})])
def test_an_app_ends_its_grant_and_done_already_is_done(
    ens: PartnerClient, grant: Grant, platform: FakePlatform, answer: Answer
) -> None:
    platform.script["/oauth/grants/g-1"] = [answer, answer]
    ens.open(grant).end()
    ens.revoke(grant)
    by_grant, by_app = platform.calls("/oauth/grants/g-1")
    assert (by_grant.method, by_app.method) == ("DELETE", "DELETE")
    assert by_grant.headers["Authorization"] == "DPoP access-1"
    assert by_app.headers["Authorization"] == "DPoP access-2"
    assert platform.calls("/oauth/token")[-1].form["scope"] == "ens:app"
