"""What protects the pages and the APIs from outside: response headers, CSRF tokens, rate limits."""

import hashlib
import logging
import time
from collections import Counter
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request
from flask_wtf import CSRFProtect
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from redis import RedisError

from platform_core import clock
from platform_core.config import Config
from platform_core.errors import Malformed, TooManyRequests

DEFAULT_LIMIT = "600 per minute"
_log = logging.getLogger(__name__)
DATA_LIMIT = "500 per second"
UNLIMITED = "unlimited"
_TOO_MANY = "Too many calls: wait, then try again."
_UNCOUNTED = ("/health/", "/metrics", "/static/", "/bootstrap/")
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
_SHOW_TOKENS = ("/fhir", "/api/", "/oauth/")
_ADDRESS_WITH_SECRETS = ("/oauth/", "/connexion/", "/appareil")
_DATA_TYPES = frozenset({"application/json", "application/fhir+json", "application/problem+json"})
_CLOSED_FEATURES = "camera", "geolocation", "microphone", "payment", "usb"


def init_security(app: Flask, config: Config) -> None:
    """Add the headers, `app.extensions["csrf"]` and the rate limits. Called before the rooms register their views.

    A blueprint that no browser posts forms to exempts itself: `app.extensions["csrf"].exempt(blueprint)`.
    """
    # The token dies with its session. The strict check reads the Referer, which some pages do not send.
    app.config.update(WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    app.before_request(_refuse_nul)
    CSRFProtect(app)
    _limit_rates(app, config)
    always, on_pages = _headers_of_all(config), _headers_of_pages(config)

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.extend(always)
        if response.mimetype not in _DATA_TYPES:
            for name, value in on_pages.items():
                response.headers.setdefault(name, value)
            response.headers.setdefault("Referrer-Policy", _referrer_policy())
        response.headers.setdefault("Cache-Control", _cache_policy(response))
        return response


def _refuse_nul() -> None:
    """No address and no form holds a NUL, which is no text and which PostgreSQL does not keep. Raises `Malformed`."""
    found = "\0" in request.path or b"%00" in request.query_string
    if not found and request.mimetype in _FORMS:
        found = any("\0" in text for pair in request.form.items(multi=True) for text in pair)
    if found:
        raise Malformed("The request holds a NUL character.")


def _headers_of_all(config: Config) -> list[tuple[str, str]]:
    headers = [("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY")]
    if config.secure:
        headers.append(("Strict-Transport-Security", "max-age=63072000; includeSubDomains"))
    return headers


def _headers_of_pages(config: Config) -> dict[str, str]:
    """What only a document that a browser shows can use."""
    return {
        "Content-Security-Policy": content_security_policy(config),
        "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _CLOSED_FEATURES),
    }


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
    """Count calls per view and caller: in Redis, or in this process while Redis is away.

    Limits per second are always counted in the process: asking Redis would cost such a call as much again.
    """
    shared, seconds = _Shared(config.redis_url), _Seconds()

    @app.before_request
    def count_call() -> None:
        limit = _limit_of_view()
        if limit == UNLIMITED:
            return
        key = f"{request.endpoint} {_caller()}"
        item = _parsed(limit)
        if item.get_expiry() == 1:
            if seconds.count(key) > item.amount:
                raise TooManyRequests(_TOO_MANY, retry_at=clock.now() + timedelta(seconds=1))
        elif not shared.hit(item, key):
            raise TooManyRequests(_TOO_MANY, retry_at=clock.now() + timedelta(seconds=item.get_expiry()))


class _Shared:
    """Counts that every process shares through Redis. While it is away each process counts alone, and asks again
    after a while."""

    PAUSE_SECONDS = 5

    def __init__(self, url: str) -> None:
        waits: dict[str, Any] = {"socket_connect_timeout": 1, "socket_timeout": 1, "key_prefix": "ens"}
        self._shared = FixedWindowRateLimiter(storage_from_string(url, **waits))
        self._alone = FixedWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0

    def hit(self, limit: RateLimitItem, key: str) -> bool:
        """Count one call; whether it is within the limit."""
        if time.monotonic() >= self._away_until:
            try:
                return self._shared.hit(limit, key)
            except RedisError:
                self._away_until = time.monotonic() + self.PAUSE_SECONDS
                _log.warning("Redis is away: rate limits are counted in each process.")
        return self._alone.hit(limit, key)


class _Seconds:
    """Calls of the present second, by caller. Two threads may lose a count between them: the limit is a dam, not a
    balance."""

    def __init__(self) -> None:
        self._second = 0
        self._counts = Counter[str]()

    def count(self, key: str) -> int:
        second = int(clock.now().timestamp())
        if second != self._second:
            self._second, self._counts = second, Counter()
        self._counts[key] += 1
        return self._counts[key]


@lru_cache
def _parsed(limit: str) -> RateLimitItem:
    return parse(limit)


def _limit_of_view() -> str:
    """The limit that the view declares (`platform_core.web.rate_limit`), else that of its family."""
    if request.path.startswith(_UNCOUNTED):
        return UNLIMITED
    return _declared("__rate_limit__", DATA_LIMIT if request.path.startswith("/fhir") else DEFAULT_LIMIT)


def _declared(name: str, otherwise: str) -> str:
    """What a decorator wrote on the view that serves this request: a function, or the method of a class."""
    view = current_app.view_functions.get(request.endpoint or "")
    method = getattr(getattr(view, "view_class", None), request.method.lower(), view)
    found: str = getattr(method, name, otherwise)
    return found


def _caller() -> str:
    """Who calls: where tokens are shown, a token (by its hash, since a partner's one address serves many patients);
    elsewhere an address, lest a header that nobody reads give a new allowance each time."""
    token = request.headers.get("Authorization")
    if token and request.path.startswith(_SHOW_TOKENS) and not request.path.startswith("/oauth/authorize"):
        return hashlib.sha256(token.encode()).hexdigest()[:32]
    return request.remote_addr or "nobody"
