"""Everything the SDK raises on purpose.

PartnerError
├── ConnectionFailed              no answer: network, TLS or time-out
├── AuthorizationRefused          the browser came back without an authorization, or not from this login
├── WebhookRejected               a notification whose signature does not hold
└── ApiError                      the platform answered with an error: code, status, request_id
    ├── Unauthorized              unknown or expired token, bad proof, bad client credentials
    │   └── ConsentEnded          the consent was revoked, has expired or was ended: ask the patient again
    ├── ConsentMissing            the consent does not cover this category, access or period
    ├── ConsentPaused             the patient paused the app: wait for `consent.resumed`
    ├── ConsentExhausted          a consent for one single synchronisation was used
    ├── FrequencyExceeded         no synchronisation left in this period: retry_at
    ├── ApplicationSuspended      the authority suspended the app
    ├── Invalid                   the request is wrong: faults
    ├── NotFound                  absent, masked, or not visible to this app
    ├── Conflict                  duplicate, or the version changed meanwhile
    ├── RateLimited               too many calls: retry_at
    └── ServerError               5xx: nothing that the app can mend
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


class PartnerError(Exception):
    """Root of the tree: `except PartnerError` catches whatever the SDK raises on purpose."""


class ConnectionFailed(PartnerError):
    """The platform did not answer; what was sent may or may not have been done."""


class AuthorizationRefused(PartnerError):
    """No authorization came back. `error` is the OAuth error (RFC 6749 §4.1.2.1), such as `access_denied`, or
    `state-mismatch`, `issuer-mismatch`, `malformed-callback` when the address is not an answer to this
    login."""

    def __init__(self, error: str, description: str | None = None) -> None:
        self.error = error
        self.description = description
        super().__init__(f"{error}: {description}" if description else error)


class WebhookRejected(PartnerError):
    """The notification must be answered with a 4xx and ignored."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a request: where (FHIRPath or name of the member, empty when unknown) and what."""

    path: str
    message: str


class ApiError(PartnerError):
    """The platform refused or failed.

    `code` is the stable kebab code of the platform (or the RFC 6749 error), `status` the HTTP status, `request_id`
    what to quote to the support. `retry_at` (aware UTC) is set when the answer says when to come back.
    """

    def __init__(
        self,
        code: str,
        *,
        status: int,
        message: str = "",
        request_id: str | None = None,
        retry_at: datetime | None = None,
        faults: tuple[Fault, ...] = (),
    ) -> None:
        self.code = code
        self.status = status
        self.message = message
        self.request_id = request_id
        self.retry_at = retry_at
        self.faults = faults
        super().__init__(code)

    def __str__(self) -> str:
        said = f"{self.code}: {self.message}" if self.message else self.code
        until = f", retry at {self.retry_at.isoformat()}" if self.retry_at else ""
        return f"{said} (HTTP {self.status}, request {self.request_id or 'unknown'}{until})"


class Unauthorized(ApiError):
    """The token, the proof of possession or the client's credentials were not accepted. With the code `invalid_grant`
    the tokens kept are dead, though the consent may live under newer ones."""


class ConsentEnded(Unauthorized):
    """The consent is over for good; only a new authorization by the patient brings data again."""


class ConsentMissing(ApiError):
    """No item of the consent covers this category, this access or this period of data."""


class ConsentPaused(ApiError):
    """The patient paused the app."""


class ConsentExhausted(ApiError):
    """The single synchronisation that was granted has been used."""


class FrequencyExceeded(ApiError):
    """The periodicity chosen by the patient leaves no synchronisation now; `retry_at` is the next possible one,
    None when the consent ends before."""


class ApplicationSuspended(ApiError):
    """The app is suspended or no longer listed."""


class Invalid(ApiError):
    """The request is wrong as it stands; `faults` says where."""


class NotFound(ApiError):
    """Absent, masked, or not visible to this app."""


class Conflict(ApiError):
    """A duplicate, or a version that changed meanwhile."""


class RateLimited(ApiError):
    """Too many calls, whatever the consent says."""


class ServerError(ApiError):
    """The platform failed."""
