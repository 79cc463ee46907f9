"""How an access token is presented at a resource (RFC 6750, RFC 9449 §7) and whether it still counts."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from oauth.rules.keys import PROOF_ALGORITHMS
from platform_core.errors import Unauthenticated

ACCESS_LIFETIME = timedelta(seconds=600)
CODE_LIFETIME = timedelta(seconds=60)
PUSHED_LIFETIME = timedelta(seconds=90)
OPENED_LIFETIME = timedelta(minutes=30)
_HEADER = re.compile(r"(?P<scheme>bearer|dpop) +(?P<token>[A-Za-z0-9\-._~+/]+=*) *", re.IGNORECASE)


class TokenKind(StrEnum):
    ACCESS = "access"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class Presented:
    """A token as a request shows it, and whether it claims to be bound to a key."""

    token: str
    is_bound: bool


def read_authorization(header: str | None) -> Presented:
    """Read the Authorization header; the scheme's case does not count. Raises `Unauthenticated` (`invalid-token`)."""
    match = _HEADER.fullmatch(header or "")
    if match is None:
        raise Unauthenticated("An access token is expected in the Authorization header.")
    return Presented(match["token"], match["scheme"].lower() == "dpop")


def check_token(
    presented: Presented, *, jkt: str | None, dead_at: datetime | None, expires_at: datetime, now: datetime
) -> None:
    """Whether a token found in the store may be used as it was presented.

    `jkt` is the key it is bound to, `dead_at` when it was revoked. A bound token shown as Bearer is refused, so that a
    stolen one is worth nothing; an unbound one shown with a proof is refused too. Raises `Unauthenticated`.
    """
    if dead_at is not None or expires_at <= now:
        raise refused(presented, "The access token is expired or revoked.")
    if presented.is_bound != (jkt is not None):
        raise Unauthenticated(
            "The access token is bound to a key: present it with DPoP."
            if jkt
            else "The access token is not bound to a key: present it as Bearer.",
            scheme="DPoP" if jkt else "Bearer",
            challenge=_algorithms() if jkt else None,
        )


def refused(presented: Presented, message: str, *, code: str | None = None) -> Unauthenticated:
    """The 401 for a token, with the challenge of the scheme it came under."""
    if not presented.is_bound:
        return Unauthenticated(message, code=code)
    return Unauthenticated(message, code=code, scheme="DPoP", challenge=_algorithms())


def bad_proof(message: str) -> Unauthenticated:
    """The 401 of a resource for a proof that does not hold (RFC 9449 §7.1)."""
    return Unauthenticated(f"{message}.", code="invalid-dpop-proof", scheme="DPoP", challenge=_algorithms())


def _algorithms() -> dict[str, str]:
    return {"algs": " ".join(PROOF_ALGORITHMS)}
