"""Refusals in the vocabulary of OAuth: the code is the one that RFC 6749 and its extensions register."""

import re
from uuid import UUID

from platform_core.errors import Invalid, Unauthenticated, Unavailable

_FORBIDDEN = re.compile(r"[^\x20-\x7e]|[\"\\]")


class OAuthRefusal(Invalid):
    """The request is refused; `code` is the `error`, `message` the `error_description` (RFC 6749 §5.2)."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(_FORBIDDEN.sub("'", message)[:400], code=code)


class InvalidClient(Unauthenticated):
    """Client authentication failed (RFC 6749 §5.2, `invalid_client`)."""

    def __init__(self, message: str) -> None:
        super().__init__(_FORBIDDEN.sub("'", message)[:400], code="invalid_client", scheme="private_key_jwt")


class UnknownRedirect(Invalid):
    """The client or its redirect URI is not known: nothing may be sent to that address (RFC 6749 §4.1.2.1)."""

    code = "unknown-redirect"


class RequestGone(Invalid):
    """The authorization request is unknown, was opened already, or is too old to go on."""

    code = "authorization-request-gone"


class InvalidProof(ValueError):
    """A DPoP proof does not hold (RFC 9449 §4.3). Each endpoint says so in its own protocol."""


class NonceNeeded(InvalidProof):
    """The proof lacks a nonce of ours, or holds one too old (RFC 9449 §8): the answer gives the present one."""


class KeysNeeded(Unavailable):
    """The keys that a client publishes are to be fetched, outside of any transaction, before it can be judged."""

    def __init__(self, client_pk: UUID, jwks_uri: str) -> None:
        super().__init__("The keys of the client are not here yet.")
        self.client_pk, self.jwks_uri = client_pk, jwks_uri
