"""Domain errors as each protocol says them: problem+json (RFC 9457), OAuth (RFC 6749 §5.2), FHIR OperationOutcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from math import ceil
from typing import Any

from platform_core import clock, errors

STATUS: Mapping[type[errors.DomainError], int] = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.VersionMismatch: 412,
    errors.TooLarge: 413,
    errors.UnsupportedType: 415,
    errors.Invalid: 422,
    errors.TooManyRequests: 429,
    errors.Unavailable: 503,
}
TITLES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    412: "Precondition failed",
    413: "Content too large",
    415: "Unsupported media type",
    422: "Unprocessable content",
    429: "Too many requests",
    500: "Internal server error",
    503: "Service unavailable",
}
_OAUTH = {
    400: "invalid_request",
    401: "invalid_client",
    403: "access_denied",
    429: "slow_down",
    503: "temporarily_unavailable",
}
_ISSUE_TYPES = {
    400: "structure",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    409: "conflict",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "invalid",
    429: "throttled",
    503: "transient",
}
_FHIR_ISSUE_CODES = frozenset(
    "invalid structure required value invariant not-supported duplicate not-found too-long code-invalid extension"
    " business-rule conflict incomplete processing multiple-matches".split()
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer ready to send: status, body as plain data, media type and headers."""

    status: int
    body: dict[str, Any]
    media_type: str
    headers: dict[str, str]


def status_of(error: errors.DomainError) -> int:
    """The HTTP status of a domain error: that of the nearest known class."""
    return next((STATUS[cls] for cls in type(error).__mro__ if cls in STATUS), 500)


def headers_of(error: errors.DomainError) -> dict[str, str]:
    """`WWW-Authenticate` (RFC 9110 §11.6.1) and `Retry-After` (§10.2.3), where the error carries them."""
    if isinstance(error, errors.Unauthenticated):
        parameters = {"error": error.code.replace("-", "_"), **error.challenge}
        text = ", ".join(f'{name}="{value}"' for name, value in parameters.items())
        return {"WWW-Authenticate": f"{error.scheme} {text}"}
    if isinstance(error, errors.TooManyRequests) and error.retry_at:
        seconds = ceil((error.retry_at - clock.now()).total_seconds())
        return {"Retry-After": str(max(seconds, 1))}
    if isinstance(error, errors.Unavailable):
        return {"Retry-After": str(error.retry_after)}
    return {}


def problem(error: errors.DomainError, request_id: str) -> Rendered:
    """RFC 9457 `application/problem+json` with `code`, `errors[]` and `request_id`."""
    status = status_of(error)
    body = problem_body(status, error.code, error.message, request_id)
    body["errors"] = [{"field": f.where, "code": f.code, "message": f.message} for f in error.faults]
    return Rendered(status, body, "application/problem+json", headers_of(error))


def problem_body(status: int, code: str, detail: str, request_id: str) -> dict[str, Any]:
    return {
        "type": f"urn:ens:error:{code}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "code": code,
        "errors": [],
        "request_id": request_id,
    }


def oauth_error(error: errors.DomainError) -> Rendered:
    """RFC 6749 §5.2. A code that is already an OAuth one (underscores, no hyphen) is kept; that of a 401 is the one of
    its challenge (RFC 6750 §3.1)."""
    status = status_of(error)
    if status in {409, 412, 413, 415, 422}:
        status = 400
    code = error.code.replace("-", "_") if status == 401 else error.code
    code = code if "_" in code else _OAUTH.get(status, "invalid_request")
    body = {"error": code, "error_description": error.message.replace('"', "'")}
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache", **headers_of(error)}
    return Rendered(status, body, "application/json", headers)


def operation_outcome(error: errors.DomainError) -> Rendered:
    """FHIR R4 OperationOutcome: one issue for each fault, its FHIRPath in `expression`."""
    status = status_of(error)
    faults = error.faults or (errors.Fault("", error.message, _ISSUE_TYPES.get(status, "processing")),)
    issues = [_issue(fault, error, status) for fault in faults]
    body = {"resourceType": "OperationOutcome", "issue": issues}
    return Rendered(status, body, "application/fhir+json", headers_of(error))


def _issue(fault: errors.Fault, error: errors.DomainError, status: int) -> dict[str, Any]:
    kind = fault.code if fault.code in _FHIR_ISSUE_CODES else _ISSUE_TYPES.get(status, "processing")
    issue: dict[str, Any] = {
        "severity": "error",
        "code": kind,
        "details": {"coding": [{"system": "urn:ens:error", "code": error.code}], "text": error.message},
        "diagnostics": fault.message,
    }
    if fault.where:
        issue["expression"] = [fault.where]
    return issue


def http_date(instant: Any) -> str:
    """An HTTP date (RFC 9110 §5.6.7)."""
    return format_datetime(instant, usegmt=True)
