"""Only what the platform signed is read."""

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime

import pytest

from partner_sdk import WebhookRejected, webhooks

BODY = json.dumps(
    {
        "id": "e-1",
        "type": "consent.paused",
        "created_at": "2026-11-21T10:00:00Z",
        "grant_id": "g-1",
        "data": {"by": "patient"},
    }
).encode()


def _sign(secret: str, *, body: bytes = BODY, at: float | None = None) -> tuple[str, str]:
    stamp = str(int(time.time() if at is None else at))
    return stamp, hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


def _header(secret: str, **signed) -> str:
    stamp, signature = _sign(secret, **signed)
    return f"t={stamp},v1={signature}"


@pytest.mark.parametrize("body", [BODY, BODY.decode()])
def test_a_signed_notification_is_read(body) -> None:
    event = webhooks.verify(body, _header("new"), secrets=["new", "old"])
    assert event == webhooks.Event(
        id="e-1",
        type="consent.paused",
        created_at=datetime(2026, 11, 21, 10, tzinfo=UTC),
        grant_id="g-1",
        data={"by": "patient"},
    )


def test_secrets_rotate_on_either_side() -> None:
    assert webhooks.verify(BODY, _header("old"), secrets=["new", "old"]).id == "e-1"
    stamp, signature = _sign("old")
    doubled = f"t={stamp}, v1={'0' * 64}, v1={signature}"
    assert webhooks.verify(BODY, doubled, secrets=["old"]).id == "e-1"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1,v1=",
        f"v1={'0' * 64}",
        f"t=abc,v1={'0' * 64}",
        f"t=١,v1={'0' * 64}",
        f"t=1,t=2,v1={'0' * 64}",
        _header("another"),
        _header("new", body=BODY + b" "),
        _header("new").replace("v1=", "v0="),
        _header("new").replace("v1=", "v1=é"),
        _header("new", at=time.time() - 400),
        _header("new", at=time.time() + 86_400),
    ],
    ids=[
        "nothing",
        "empty signature",
        "no time",
        "time in letters",
        "time in other digits",
        "two times",
        "another secret",
        "another body",
        "another scheme",
        "not hexadecimal",
        "too old",
        "too new",
    ],
)
def test_what_is_not_signed_now_by_the_platform_is_rejected(header: str) -> None:
    with pytest.raises(WebhookRejected):
        webhooks.verify(BODY, header, secrets=["new"])


def test_the_tolerance_is_the_endpoint_s_choice() -> None:
    assert webhooks.verify(BODY, _header("new", at=time.time() - 400), secrets=["new"], tolerance=600).id == "e-1"


@pytest.mark.parametrize("body", [b"{}", b"[]", b"text", b'"text"'])
def test_a_signed_body_of_another_kind_is_rejected(body: bytes) -> None:
    with pytest.raises(WebhookRejected, match="not a notification"):
        webhooks.verify(body, _header("new", body=body), secrets=["new"])


@pytest.mark.parametrize("secrets", [[], [""], ["new", ""], ""])
def test_an_empty_secret_verifies_nothing(secrets) -> None:
    with pytest.raises(ValueError, match="secret"):
        webhooks.verify(BODY, _header(""), secrets=secrets)
