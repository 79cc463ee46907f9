"""Which pages of other sites may call us (SMART App Launch 2.2, cross-origin resource sharing).

Anybody's page may read the discovery documents; only those of registered public apps the token and data endpoints.
Cookies never come along: such calls are authorised by the token that they present.
"""

from flask import Flask, Response, request

from oauth import queries
from platform_core.database import transaction
from platform_core.errors import Unavailable

_DISCOVERY = frozenset(
    {
        "/fhir/metadata",
        "/fhir/.well-known/smart-configuration",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource/fhir",
        "/oauth/jwks",
    }
)
_CALLS = frozenset({"/oauth/par", "/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/api/v1/consent"})
_SENT = "Accept, Authorization, Content-Type, DPoP, Idempotency-Key, If-Match, If-None-Exist, Prefer, X-Request-Id"
_READ = "DPoP-Nonce, ENS-Sync-Remaining, ENS-Sync-Reset, ETag, Location, Retry-After, WWW-Authenticate, X-Request-Id"
_PREFLIGHT_SECONDS = "600"


def init_cors(app: Flask) -> None:
    """Add the headers that browsers ask for, to the answers and to the questions that come before the calls."""
    app.after_request(_share)


def _share(response: Response) -> Response:
    if request.path in _DISCOVERY:
        response.headers["Access-Control-Allow-Origin"] = "*"
    elif request.path in _CALLS or request.path.startswith("/fhir"):
        response.vary.add("Origin")
        if not _is_known(request.headers.get("Origin")):
            return response
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Access-Control-Expose-Headers"] = _READ
    if request.method == "OPTIONS" and "Access-Control-Allow-Origin" in response.headers:
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "")
        response.headers["Access-Control-Allow-Headers"] = _SENT
        response.headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
    return response


def _is_known(origin: str | None) -> bool:
    if not origin:
        return False
    try:
        with transaction():
            return queries.is_public_origin(origin)
    except Unavailable:
        return False
