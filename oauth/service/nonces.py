"""Nonces of DPoP proofs (RFC 9449 §8): nothing is stored, each is a keyed hash of the period it was given in."""

import hmac
from datetime import datetime, timedelta

from platform_core import config
from platform_core.crypto import base64url, lookup_hash

PERIOD = timedelta(minutes=10)
ACCEPTED = 3
"""Periods that count, the present one included: a nonce lives 20 to 30 minutes, longer than an access token, so that
an app at work never pays the exchange that fetches one."""


def issue_nonce(now: datetime) -> str:
    """The nonce of the present period."""
    return _nonce(_period(now))


def is_fresh(nonce: object, now: datetime) -> bool:
    """Whether it is a nonce of ours and recent."""
    if not isinstance(nonce, str):
        return False
    present = _period(now)
    accepted = [_nonce(present - age) for age in range(ACCEPTED)]
    return any(hmac.compare_digest(nonce.encode(), one.encode()) for one in accepted)


def at_token_endpoint() -> bool:
    """Whether the settings ask for nonces where tokens are given."""
    return config.current().dpop_nonce != "off"


def at_resources() -> bool:
    """Whether they ask for them at each call of a resource too."""
    return config.current().dpop_nonce == "everywhere"


def _period(now: datetime) -> int:
    return int(now.timestamp() // PERIOD.total_seconds())


def _nonce(period: int) -> str:
    return base64url(lookup_hash(f"dpop nonce {period}")[:18])
