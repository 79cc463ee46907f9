"""The guard of the publisher's part of `/api/v1`, which rooms at every level serve.

Two kinds of tokens open it: a personal access token, which `identity_core` verifies, and an app's own (`ens:app`),
which `oauth` verifies. Each plugs its verifier in; an endpoint asks for a scope and gets a caller.
"""

from collections.abc import Callable
from functools import partial

from flask import g, request

from platform_core.callers import Caller, Scope
from platform_core.errors import Forbidden, Unauthenticated
from platform_core.web import View, guard

Verifier = Callable[[str], Caller | None]
_verifiers: dict[str, Verifier] = {}


def plug_verifier(name: str, verifier: Verifier) -> None:
    """Have `verifier` look at the `Authorization` header of each call.

    It gives None for a token that is not of its kind, and raises `Unauthenticated` for one that does not hold.
    """
    _verifiers[name] = verifier


def current_caller() -> Caller:
    """Who performs the present call, as its guard found."""
    caller: Caller = g.publisher_caller
    return caller


def _require(scope: Scope) -> None:
    presented = request.headers.get("Authorization", "")
    found = (verify(presented) for verify in _verifiers.values())
    caller = next((one for one in found if one is not None), None)
    if caller is None:
        raise Unauthenticated("A personal access token, or the app's own token, is expected.")
    if not caller.may(scope):
        raise Forbidden(f"The token lacks the scope {scope}.", code="insufficient_scope")
    if "application_id" in (request.view_args or {}):
        caller.check_application(request.view_args["application_id"])  # type: ignore[index]
    g.publisher_caller = caller


def publisher_token_required(scope: Scope) -> Callable[[View], View]:
    """The endpoint is for the programs of publishers whose token has this scope."""
    return guard(f"publisher token: {scope}", partial(_require, scope))
