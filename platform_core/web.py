"""What every entry point of the web needs: declared guards and the id of the request."""

import ipaddress
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import g, request

from platform_core import config
from platform_core.ids import opaque

View = TypeVar("View", bound=Callable[..., Any])
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")


def guard(name: str, check: Callable[[], None] | None = None) -> Callable[[View], View]:
    """Declare the guard of a view, and run `check` before it. `check` raises a domain error to refuse.

    A test lists the routes whose view carries no guard: there are none.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if check is not None:
                check()
            return view(*args, **kwargs)

        guarded.__guard__ = name  # type: ignore[attr-defined]
        guarded.__check__ = check  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def public(reason: str) -> Callable[[View], View]:
    """Declare that a view is open to everyone, and why."""
    return guard(f"public: {reason}")


def rate_limit(limit: str) -> Callable[[View], View]:
    """Declare how often one caller may call a view, e.g. `"20 per minute"`; the composition root counts."""

    def decorate(view: View) -> View:
        view.__rate_limit__ = limit  # type: ignore[attr-defined]
        return view

    return decorate


def data_guarded(view: View) -> View:
    """Declare that a view serves health data through `platform_core.access.data_call`.

    A view that answers without having opened a data call is a fault of the program: nothing is sent.
    """

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        g.data_call_opened = False
        response = view(*args, **kwargs)
        if not g.data_call_opened:
            raise RuntimeError(f"{request.endpoint} answered without a data call.")
        return response

    guarded.__guard__ = "data call"  # type: ignore[attr-defined]
    return guarded  # type: ignore[return-value]


def client_certificate() -> str:
    """What the proxy says of the client's certificate; empty when mutual TLS is off, or when a stranger says it."""
    settings = config.current().mtls
    if settings is None:
        return ""
    seen = request.environ.get("werkzeug.proxy_fix.orig", request.environ).get("REMOTE_ADDR") or ""
    try:
        peer = ipaddress.ip_address(seen)
    except ValueError:
        return ""
    believed = any(peer in network for network in settings.proxies)
    return request.headers.get(settings.header, "") if believed else ""


def request_id() -> str:
    """The id of the present request: the caller's `X-Request-Id` when it is well formed, else a new one."""
    if "request_id" not in g:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else opaque(128)
    value: str = g.request_id
    return value
