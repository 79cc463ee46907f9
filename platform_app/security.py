"""What protects the pages and the APIs from outside: response headers, CSRF tokens, rate limits."""

import hashlib
import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter, RateLimitExceeded
from flask_wtf import CSRFProtect

from platform_core import clock
from platform_core.config import Config
from platform_core.errors import TooManyRequests

DEFAULT_LIMIT = "600 per minute"
DATA_CALLS_PER_SECOND = 500
_ADDRESS_WITH_SECRETS = ("/oauth/", "/connexion/", "/appareil")
_CLOSED_FEATURES = "camera", "geolocation", "microphone", "payment", "usb"


def init_security(app: Flask, config: Config) -> None:
    """Add the headers, `app.extensions["csrf"]` and the rate limits. Called before the rooms register their views.

    A blueprint that no browser posts forms to exempts itself: `app.extensions["csrf"].exempt(blueprint)`.
    """
    # The token dies with its session. The strict check reads the Referer, which some pages do not send.
    app.config.update(WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    CSRFProtect(app)
    _limit_rates(app, config)
    fixed = _fixed_headers(config)

    @app.after_request
    def protect(response: Response) -> Response:
        for name, value in fixed.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Referrer-Policy", _referrer_policy())
        response.headers.setdefault("Cache-Control", _cache_policy(response))
        return response


def _fixed_headers(config: Config) -> dict[str, str]:
    headers = {
        "Content-Security-Policy": content_security_policy(config),
        "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _CLOSED_FEATURES),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    if config.secure:
        headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    return headers


def content_security_policy(config: Config) -> str:
    """The policy of every page: own files only, no inline code or style, no frame.

    `form-action` also binds the redirections that follow a form (CSP 3 §6.4.1, and so does Chromium): the sign-in
    forms may end at the identity providers. The drawings inside Bootstrap's style sheet are `data:` images.
    """
    issuers = (config.citizen_idp.issuer, config.pro_idp.issuer, config.agent_idp.issuer)
    origins = sorted({f"{part.scheme}://{part.netloc}" for part in map(urlsplit, issuers)} - {config.base_url})
    return "; ".join(
        [
            "default-src 'self'",
            "img-src 'self' data:",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            " ".join(["form-action 'self'", *origins]),
        ]
    )


def _referrer_policy() -> str:
    """No address that holds a code or a state is told to the next page."""
    return "no-referrer" if request.path.startswith(_ADDRESS_WITH_SECRETS) else "same-origin"


def _cache_policy(response: Response) -> str:
    """Nothing is kept but the public pages, which a browser may keep and must ask about again."""
    public = _declared("__guard__", "").startswith("public:")
    page = request.method in {"GET", "HEAD"} and response.status_code == 200 and response.mimetype == "text/html"
    return "private, no-cache" if public and page else "no-store"


def _limit_rates(app: Flask, config: Config) -> None:
    """Count calls per view and caller in Redis, or in this process while Redis is away; data calls always here."""
    logging.getLogger("flask-limiter").setLevel(logging.WARNING)
    limiter = Limiter(
        _caller,
        app=app,
        default_limits=[_limit_of_view],
        default_limits_exempt_when=_is_data_call,
        storage_uri=config.redis_url,
        storage_options={"socket_connect_timeout": 1, "socket_timeout": 1},
        key_prefix="ens",
        in_memory_fallback_enabled=True,
        swallow_errors=True,
    )

    @app.errorhandler(RateLimitExceeded)
    def refuse(_: RateLimitExceeded) -> ResponseReturnValue:
        """Hand over to the renderer of domain errors, which knows the protocol of the path."""
        limit = limiter.current_limit
        retry_at = datetime.fromtimestamp(limit.reset_at, UTC) if limit else None
        error = TooManyRequests("Too many calls: wait, then try again.", retry_at=retry_at)
        return app.handle_user_exception(error)

    _limit_data_calls(app)


def _limit_data_calls(app: Flask) -> None:
    """Count the calls of one token in this process: a data call is cheap, asking Redis would cost as much again."""
    second, counts = 0, Counter[str]()

    @app.before_request
    def count_data_call() -> None:
        nonlocal second, counts
        if not _is_data_call():
            return
        present = clock.now()
        if int(present.timestamp()) != second:
            second, counts = int(present.timestamp()), Counter()
        counts[_caller()] += 1
        if counts[_caller()] > DATA_CALLS_PER_SECOND:
            raise TooManyRequests("Too many calls: wait, then try again.", retry_at=present + timedelta(seconds=1))


def _is_data_call() -> bool:
    return request.path.startswith("/fhir")


def _limit_of_view() -> str:
    """The limit that the view declares (`platform_core.web.rate_limit`), else the general one."""
    return _declared("__rate_limit__", DEFAULT_LIMIT)


def _declared(name: str, otherwise: str) -> str:
    """What a decorator wrote on the view that serves this request: a function, or the method of a class."""
    view = current_app.view_functions.get(request.endpoint or "")
    method = getattr(getattr(view, "view_class", None), request.method.lower(), view)
    found: str = getattr(method, name, otherwise)
    return found


def _caller() -> str:
    """Who calls: a token (by its hash, since a partner's one address serves many patients), else an address."""
    token = request.headers.get("Authorization")
    if token:
        return hashlib.sha256(token.encode()).hexdigest()[:32]
    return request.remote_addr or "nobody"
