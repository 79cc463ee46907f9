"""From an HTTP answer to a value or to the right error: OperationOutcome, RFC 9457 problems and RFC 6749
errors."""

from __future__ import annotations

import re
from typing import Any

import requests

from . import _json
from ._times import parse_retry_after
from .errors import (
    ApiError,
    ApplicationSuspended,
    Conflict,
    ConsentEnded,
    ConsentExhausted,
    ConsentMissing,
    ConsentPaused,
    Fault,
    FrequencyExceeded,
    Invalid,
    NotFound,
    PartnerError,
    RateLimited,
    ServerError,
    Unauthorized,
)

ERROR_SYSTEM = "urn:ens:error"
CONSENT_ENDED = "consent-ended"

# What a challenge says of the token (RFC 6750 §3.1, RFC 9449 §7.1) is more exact than a body of RFC 6749.
_TOKEN_ERRORS = ("invalid_token", "invalid_dpop_proof")

_BY_CODE: dict[str, type[ApiError]] = {
    "invalid-token": Unauthorized,
    "invalid-dpop-proof": Unauthorized,
    CONSENT_ENDED: ConsentEnded,
    "consent-not-given": ConsentMissing,
    "outside-data-period": ConsentMissing,
    "consent-paused": ConsentPaused,
    "consent-exhausted": ConsentExhausted,
    "consent-frequency-exceeded": FrequencyExceeded,
    "application-suspended": ApplicationSuspended,
    "patient-mismatch": Invalid,
    "not-found": NotFound,
    "conflict": Conflict,
    "duplicate": Conflict,
    "version-mismatch": Conflict,
    "too-large": Invalid,
    "unsupported-type": Invalid,
    "invalid-resource": Invalid,
    "rate-limited": RateLimited,
    "unavailable": ServerError,
    "invalid_grant": Unauthorized,
    "invalid_client": Unauthorized,
    "unauthorized_client": Unauthorized,
}
_BY_STATUS: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Unauthorized,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    412: Conflict,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    429: RateLimited,
}
_CHALLENGE_PARAMETER = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def read_json(response: requests.Response) -> Any:
    """The body of a successful answer, decimals kept. Raises PartnerError when it is not JSON."""
    try:
        return _json.loads(response.content)
    except ValueError:
        raise PartnerError(
            f"{_address(response)} did not answer with JSON: check the issuer given to PartnerClient."
        ) from None


def error_from(response: requests.Response) -> ApiError:
    """The error that an unsuccessful answer means."""
    body = _object_of(response)
    code, message, faults = _read_error(body)
    challenge = parse_challenge(response)
    if CONSENT_ENDED in (challenge.get("error_description"), body.get("error_description")):
        code = CONSENT_ENDED
    elif challenge.get("error") in _TOKEN_ERRORS or not code:
        code = challenge.get("error", f"http-{response.status_code}").replace("_", "-")
    return error_class(code, response.status_code)(
        code,
        status=response.status_code,
        message=message,
        request_id=response.headers.get("X-Request-Id") or body.get("request_id"),
        retry_at=parse_retry_after(response.headers.get("Retry-After")),
        faults=faults,
    )


def error_class(code: str, status: int) -> type[ApiError]:
    """The class of an error, by its code first, since several codes share one HTTP status."""
    by_status = ServerError if status >= 500 else _BY_STATUS.get(status, ApiError)
    return _BY_CODE.get(code, by_status)


def parse_challenge(response: requests.Response) -> dict[str, str]:
    """The parameters of WWW-Authenticate (RFC 9110 §11.6.1); those of several challenges are merged."""
    return dict(_CHALLENGE_PARAMETER.findall(response.headers.get("WWW-Authenticate", "")))


def read_outcome(outcome: dict[str, Any]) -> tuple[str, str, tuple[Fault, ...]]:
    """Code, sentence and faults of an OperationOutcome; the code is empty when the server gave none of its own."""
    issues = outcome.get("issue", [])
    codes = [
        coding["code"]
        for issue in issues
        for coding in issue.get("details", {}).get("coding", [])
        if coding.get("system") == ERROR_SYSTEM and "code" in coding
    ]
    faults = tuple(Fault(path=", ".join(issue.get("expression", [])), message=_sentence(issue)) for issue in issues)
    return codes[0] if codes else "", "; ".join(fault.message for fault in faults if fault.message), faults


def _read_error(body: dict[str, Any]) -> tuple[str, str, tuple[Fault, ...]]:
    if body.get("resourceType") == "OperationOutcome":
        return read_outcome(body)
    if isinstance(body.get("error"), str):
        return body["error"], body.get("error_description", ""), ()
    faults = tuple(_problem_fault(item) for item in body.get("errors", []))
    return body.get("code", ""), body.get("detail") or body.get("title") or "", faults


def _problem_fault(item: Any) -> Fault:
    if not isinstance(item, dict):
        return Fault(path="", message=str(item))
    path = item.get("field") or item.get("pointer") or item.get("path") or ""
    return Fault(path=str(path), message=str(item.get("message") or item.get("detail") or ""))


def _sentence(issue: dict[str, Any]) -> str:
    return issue.get("diagnostics") or issue.get("details", {}).get("text") or issue.get("code", "")


def _object_of(response: requests.Response) -> dict[str, Any]:
    try:
        body = _json.loads(response.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _address(response: requests.Response) -> str:
    return response.url.partition("?")[0]
