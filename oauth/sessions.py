"""The token of a request, in Flask: guards of the endpoints that are not data calls."""

from flask import Response, g, request

from identity_core.rules import Role
from oauth import queries, service
from oauth.queries import TokenView
from oauth.rules import scopes
from oauth.rules.clients import Client
from platform_core import clock, config
from platform_core.access import Actor, ActorKind
from platform_core.callers import Caller, Scope
from platform_core.database import transaction
from platform_core.errors import Forbidden, Malformed
from platform_core.web import client_certificate, guard


def offer_nonce(response: Response) -> Response:
    """Give the present nonce to whoever sends proofs (RFC 9449 §8.2), where the settings ask for nonces."""
    if service.uses_nonces() and "DPoP" in request.headers:
        response.headers["DPoP-Nonce"] = service.issue_nonce(clock.now())
    return response


def current_token() -> TokenView:
    """The live access token of the present request, as its guard found."""
    token: TokenView = g.access_token
    return token


def current_client() -> Client:
    """The client that the token was given to."""
    client: Client = g.access_client
    return client


def current_application() -> Actor:
    """The app that calls, as histories name it."""
    client = current_client()
    return Actor(ActorKind.APPLICATION, client.app_id, client.name)


def _require_token(authorization: str | None = None) -> None:
    with transaction():
        g.access_token = service.verify_access(
            authorization=authorization or request.headers.get("Authorization"),
            proofs=request.headers.getlist("DPoP"),
            method=request.method,
            url=config.current().base_url + request.path,
            now=clock.now(),
            certificate=client_certificate(),
        )
        g.access_client = queries.get_client(g.access_token.client_pk)


def _require_app() -> None:
    _require_token()
    if scopes.APP not in scopes.split(current_token().scope):
        raise Forbidden("A token of the scope ens:app is expected.", code="insufficient_scope")


def _require_sandbox() -> None:
    _require_app()
    if not current_client().is_sandbox:
        raise Forbidden("Only a sandbox client may call this.", code="sandbox-only")


def _require_grant() -> None:
    _require_token(_authorization_of_form())
    if current_token().grant_id is None:
        raise Forbidden("A token of a patient's grant is expected.", code="insufficient_scope")


def _require_person() -> None:
    _require_token(_authorization_of_form())
    if current_token().person_id is None and current_token().professional_id is None:
        raise Forbidden("A token of somebody who signed in is expected.", code="insufficient_scope")


def _authorization_of_form() -> str | None:
    """The token that a form holds instead of the header (RFC 6750 §2.2), which is Bearer for that reason: one that is
    bound to a key is then refused. Raises `Malformed` for a token given in two ways."""
    token = request.form.get("access_token") if request.method == "POST" else None
    if token is not None and "Authorization" in request.headers:
        raise Malformed("The access token is given in the header or in the form, not both.")
    return None if token is None else f"Bearer {token}"


def verify_publisher(authorization: str) -> Caller | None:
    """Who calls the publisher's API with the app's own token; None without a token. Raises `Unauthenticated`,
    `Forbidden` for the token of a grant, or of a sandbox client that belongs to no application.

    It acts as a publisher would, on its own application alone.
    """
    if not authorization:
        return None
    _require_app()
    client = current_client()
    if client.application_id is None or client.organisation_id is None:
        raise Forbidden("This client belongs to no application of the store.", code="no-application")
    actor = Actor(
        ActorKind.APPLICATION,
        client.application_id,
        client.name,
        organisation_id=client.organisation_id,
        roles=frozenset({Role.PUBLISHER}),
    )
    return Caller(actor, frozenset(Scope), client.application_id, client.pk)


token_required = guard("access token", _require_token)
"""Any live access token: the app's own or one of a grant."""

app_token_required = guard("app token", _require_app)
"""The app's own token (`ens:app`)."""

sandbox_token_required = guard("sandbox app token", _require_sandbox)
"""The app's own token, of a sandbox client."""

person_token_required = guard("token of a person", _require_person)
"""A token that stands for somebody who signed in: the person of a grant, or a professional."""

grant_token_required = guard("grant token", _require_grant)
"""A token of a patient's grant. Health data itself goes through the data guard instead."""
