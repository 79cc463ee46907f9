"""Notifications from the platform: verify before reading."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import _json
from ._times import parse_instant
from .errors import WebhookRejected

__all__ = ["Event", "verify"]


@dataclass(frozen=True)
class Event:
    """A notification. Deliveries come at least once: an `id` already seen is to be ignored. `data` never holds
    health data."""

    id: str
    type: str
    created_at: datetime
    grant_id: str | None
    data: dict[str, Any]


def verify(body: bytes | str, signature_header: str, *, secrets: Iterable[str], tolerance: float = 300) -> Event:
    """The event of a notification whose `ENS-Signature` holds.

    `body` is the request body exactly as received; `secrets` those of the endpoint, the new and the old while
    one replaces the other; `tolerance` the age accepted, in seconds, either way. Raises WebhookRejected.
    """
    payload = body.encode() if isinstance(body, str) else body
    stamp, signatures = _parse(signature_header)
    expected = [_sign(stamp, payload, secret) for secret in _listed(secrets)]
    # Every pair is compared, so that the time taken tells nothing of which one holds.
    matches = [hmac.compare_digest(mine, theirs) for mine in expected for theirs in signatures]
    if not any(matches):
        raise WebhookRejected("The signature is not that of this body: check the secret and pass the body unparsed.")
    if abs(time.time() - int(stamp)) > tolerance:
        raise WebhookRejected("The notification is too old or too new: check the clock of this machine.")
    return _read(payload)


def _parse(header: str) -> tuple[str, list[bytes]]:
    parts = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    signatures = [value.encode() for name, _, value in parts if name == "v1"]
    if len(stamps) != 1 or not (stamps[0].isascii() and stamps[0].isdigit()) or not signatures:
        raise WebhookRejected("The ENS-Signature header is not of the form t=<unix>,v1=<hex>.")
    return stamps[0], signatures


def _listed(secrets: Iterable[str]) -> list[str]:
    given = [secrets] if isinstance(secrets, str) else list(secrets)
    if not given or not all(given):
        raise ValueError("Give verify() the endpoint's secret: secrets=[…], none of them empty.")
    return given


def _sign(stamp: str, payload: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), stamp.encode() + b"." + payload, hashlib.sha256).hexdigest().encode()


def _read(payload: bytes) -> Event:
    try:
        event = _json.loads(payload)
        return Event(
            id=event["id"],
            type=event["type"],
            created_at=parse_instant(event["created_at"]),
            grant_id=event.get("grant_id"),
            data=event.get("data") or {},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WebhookRejected("The body is signed but is not a notification.") from None
