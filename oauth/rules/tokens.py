"""How an access token is presented at a resource (RFC 6750, RFC 9449 §7) and whether it still counts."""

import hmac
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
WORKING_DAY = timedelta(hours=12)
"""How long after proving who they are a professional's software may work for them."""

_HEADER = re.compile(r"(?P<scheme>bearer|dpop) +(?P<token>[A-Za-z0-9\-._~+/]+=*) *", re.IGNORECASE)


class TokenKind(StrEnum):
    ACCESS = "access"
    REFRESH = "refresh"


_CERTIFICATE = "x5t#S256:"


def bound_to_certificate(thumbprint: str) -> str:
    """The binding of a token to a client certificate (RFC 8705 §3), where a DPoP key has its own thumbprint."""
    return _CERTIFICATE + thumbprint


def needs_proof(binding: str | None) -> bool:
    """Whether a token so bound is presented with a DPoP proof."""
    return binding is not None and not binding.startswith(_CERTIFICATE)


def confirmation(binding: str) -> dict[str, str]:
    """The `cnf` of a bound token (RFC 9449 §6.1, RFC 8705 §3.2)."""
    if needs_proof(binding):
        return {"jkt": binding}
    return {"x5t#S256": binding.removeprefix(_CERTIFICATE)}


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
    presented: Presented,
    *,
    jkt: str | None,
    dead_at: datetime | None,
    expires_at: datetime,
    now: datetime,
    certificate: str | None = None,
) -> None:
    """Whether a token found in the store may be used as it was presented.

    `jkt` is what it is bound to, `dead_at` when it was revoked, `certificate` the thumbprint of the connection's. A
    bound token shown as Bearer is refused, so that a stolen one is worth nothing; an unbound one shown with a proof
    is refused too. Raises `Unauthenticated`.
    """
    if dead_at is not None or expires_at <= now:
        raise refused(presented, "The access token is expired or revoked.")
    proven = needs_proof(jkt)
    if presented.is_bound != proven:
        raise Unauthenticated(
            "The access token is bound to a key: present it with DPoP."
            if proven
            else "The access token is not bound to a key: present it as Bearer.",
            scheme="DPoP" if proven else "Bearer",
            challenge=_algorithms() if proven else None,
        )
    if jkt and not proven and not hmac.compare_digest(jkt, bound_to_certificate(certificate or "")):
        raise Unauthenticated("The access token is bound to another client certificate.")


def refused(presented: Presented, message: str, *, code: str | None = None) -> Unauthenticated:
    """The 401 for a token, with the challenge of the scheme it came under."""
    if not presented.is_bound:
        return Unauthenticated(message, code=code)
    return Unauthenticated(message, code=code, scheme="DPoP", challenge=_algorithms())


def bad_proof(message: str, *, code: str = "invalid-dpop-proof") -> Unauthenticated:
    """The 401 of a resource for a proof that does not hold (RFC 9449 §7.1), or lacks a nonce (§9)."""
    return Unauthenticated(f"{message}.", code=code, scheme="DPoP", challenge=_algorithms())


def _algorithms() -> dict[str, str]:
    return {"algs": " ".join(PROOF_ALGORITHMS)}
