"""Which error an answer means, and which are worth another try."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from partner_sdk import ApiError, ConnectionFailed, Grant, PartnerClient, PartnerError, errors

from .conftest import FakePlatform, outcome

CONSENT = "/api/v1/consent"

TREE = [
    (401, "invalid-token", errors.Unauthorized),
    (401, "invalid-dpop-proof", errors.Unauthorized),
    (403, "consent-not-given", errors.ConsentMissing),
    (403, "consent-paused", errors.ConsentPaused),
    (403, "consent-exhausted", errors.ConsentExhausted),
    (403, "application-suspended", errors.ApplicationSuspended),
    (403, "outside-data-period", errors.ConsentMissing),
    (403, "patient-mismatch", errors.Invalid),
    (404, "not-found", errors.NotFound),
    (409, "conflict", errors.Conflict),
    (409, "duplicate", errors.Conflict),
    (412, "version-mismatch", errors.Conflict),
    (413, "too-large", errors.Invalid),
    (415, "unsupported-type", errors.Invalid),
    (422, "invalid-resource", errors.Invalid),
    (429, "consent-frequency-exceeded", errors.FrequencyExceeded),
    (429, "rate-limited", errors.RateLimited),
    (503, "unavailable", errors.ServerError),
    (403, "some-code-to-come", errors.ApiError),
    (500, "some-code-to-come", errors.ServerError),
]


@pytest.mark.parametrize("body", [outcome, lambda code: {"code": code, "title": "Refus"}])
@pytest.mark.parametrize(("status", "code", "kind"), TREE)
def test_each_code_has_its_error_in_both_dialects(connect, grant, platform, status, code, kind, body) -> None:
    platform.script[CONSENT] = [(status, body(code))]
    with pytest.raises(ApiError) as refusal:
        connect(max_retries=0).open(_without_refresh(grant)).consent()
    assert type(refusal.value) is kind
    assert (refusal.value.code, refusal.value.status, refusal.value.request_id) == (code, status, "req-1")
    assert "req-1" in str(refusal.value)
    assert code in str(refusal.value)


def _without_refresh(grant: Grant) -> Grant:
    return Grant(**{**grant.__dict__, "refresh_token": None})


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (
            outcome("invalid-resource", "unité attendue : kg", "Observation.valueQuantity.code"),
            [("Observation.valueQuantity.code", "unité attendue : kg")],
        ),
        (
            {"code": "invalid", "errors": [{"field": "datatypes", "message": "inconnu"}]},
            [("datatypes", "inconnu")],
        ),
    ],
)
def test_an_invalid_request_tells_where(ens, grant, platform, body: dict[str, Any], faults: list[Any]) -> None:
    platform.script[CONSENT] = [(422, body)]
    with pytest.raises(errors.Invalid) as refusal:
        ens.open(grant).consent()
    assert [(fault.path, fault.message) for fault in refusal.value.faults] == faults


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"error": "invalid_client"}, errors.Unauthorized),
        (400, {"error": "invalid_authorization_details", "error_description": "datatypes"}, errors.Invalid),
        (400, {"error": "invalid_scope"}, errors.Invalid),
        (500, b"<html>oops</html>", errors.ServerError),
        (302, b"", errors.ApiError),
    ],
)
def test_the_errors_of_the_authorization_server_are_in_the_tree(ens, platform, status, body, kind) -> None:
    platform.script["/oauth/par"] = [(status, body)]
    with pytest.raises(ApiError) as refusal:
        ens.start_authorization(datatypes=["measures.steps"], actions=["read"], purpose="prevention")
    assert type(refusal.value) is kind


def test_a_spent_periodicity_is_raised_at_once_with_the_next_window(ens, grant, platform, waits) -> None:
    spent = (429, outcome("consent-frequency-exceeded"), {"Retry-After": "3600"})
    platform.script[CONSENT] = [spent]
    before = datetime.now(UTC)
    with pytest.raises(errors.FrequencyExceeded) as refusal:
        ens.open(grant).consent()
    assert refusal.value.retry_at is not None
    assert timedelta(seconds=3600) <= refusal.value.retry_at - before < timedelta(seconds=3660)
    assert waits == []
    assert len(platform.calls(CONSENT)) == 1


def test_a_next_window_may_be_a_date_or_nothing(ens, grant, platform) -> None:
    dated = {"Retry-After": "Sun, 22 Nov 2026 23:00:00 GMT"}
    platform.script[CONSENT] = [(429, outcome("consent-frequency-exceeded"), dated)]
    with pytest.raises(errors.FrequencyExceeded) as refusal:
        ens.open(grant).consent()
    assert refusal.value.retry_at == datetime(2026, 11, 22, 23, tzinfo=UTC)
    for unreadable in ({"Retry-After": "bientôt"}, {}):
        platform.script[CONSENT] = [(429, outcome("consent-frequency-exceeded"), unreadable)]
        with pytest.raises(errors.FrequencyExceeded) as refusal:
            ens.open(grant).consent()
        assert refusal.value.retry_at is None


@pytest.mark.parametrize(
    "passing",
    [(502, {}), (503, outcome("unavailable")), (504, {}), (429, outcome("rate-limited")), requests.ReadTimeout()],
)
def test_what_may_heal_is_tried_again(ens, grant, platform: FakePlatform, waits: list[float], passing) -> None:
    platform.routes[CONSENT] = lambda _: (204, b"")
    platform.script[CONSENT] = [passing, passing]
    with pytest.raises(PartnerError, match="JSON"):
        ens.open(grant).consent()
    first, second, third = platform.calls(CONSENT)
    assert len({call.proof().claims["jti"] for call in (first, second, third)}) == 3
    assert len(waits) == 2
    assert 0 <= waits[0] <= 0.5
    assert 0 <= waits[1] <= 1


@pytest.mark.parametrize("lasting", [(400, {}), (403, outcome("consent-paused")), (409, {}), (422, {}), (500, {})])
def test_what_cannot_heal_is_not(ens, grant, platform: FakePlatform, lasting) -> None:
    platform.script[CONSENT] = [lasting]
    with pytest.raises(ApiError):
        ens.open(grant).consent()
    assert len(platform.calls(CONSENT)) == 1


def test_tries_come_to_an_end(connect, grant, platform: FakePlatform) -> None:
    platform.script[CONSENT] = [requests.ConnectionError("https://ens.example/?secret=1")] * 9
    with pytest.raises(ConnectionFailed) as failure:
        connect(max_retries=3).open(grant).consent()
    assert len(platform.calls(CONSENT)) == 4
    assert "secret" not in str(failure.value)


def test_the_wait_the_server_asks_is_kept_unless_too_long(ens, grant, platform, waits: list[float]) -> None:
    platform.routes[CONSENT] = lambda _: (404, {})
    platform.script[CONSENT] = [(503, outcome("unavailable"), {"Retry-After": "20"})]
    with pytest.raises(errors.NotFound):
        ens.open(grant).consent()
    assert 19 <= waits[0] <= 21
    platform.script[CONSENT] = [(503, outcome("unavailable"), {"Retry-After": "3600"})]
    with pytest.raises(errors.ServerError) as refusal:
        ens.open(grant).consent()
    assert refusal.value.retry_at is not None
    assert len(waits) == 1


def test_every_error_is_drawn_in_the_tree() -> None:
    drawn = errors.__doc__ or ""
    named = [name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)]
    assert [name for name in named if name not in drawn] == []


def test_the_client_closes_with_its_block(platform: FakePlatform, connect) -> None:
    with connect() as ens:
        assert isinstance(ens, PartnerClient)
