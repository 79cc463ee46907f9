"""The endpoints for programs: discovery, PAR, token, revocation, introspection, keys, userinfo, grants; credentials."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from flask import Blueprint, Response, jsonify, request

from oauth import queries, schemas, service
from oauth.errors import KeysNeeded
from oauth.rules import details, metadata, scopes
from oauth.rules.clients import Client
from oauth.rules.tokens import read_authorization
from oauth.server import server
from oauth.sessions import current_client, current_token, person_token_required, token_required
from platform_core import clock, config, rest, signing
from platform_core.callers import Scope
from platform_core.database import transaction
from platform_core.errors import Forbidden, Malformed, NotFound, TooLarge, Unauthenticated, UnsupportedType
from platform_core.publisher_api import current_caller, publisher_token_required
from platform_core.web import guard, public, rate_limit
from store.queries.applications import get_own_application

MOST_METADATA_BYTES = 64 * 1024
discovery = Blueprint("oauth_discovery", __name__)
endpoints = Blueprint("oauth", __name__, url_prefix="/oauth")
credentials = rest.blueprint("credentials", __name__, "The credentials of an application, for its publisher")


def _check_form() -> None:
    """RFC 6749 §4: parameters come in a form, and nowhere else. Raises `UnsupportedType`."""
    kind = request.mimetype
    if kind != "application/x-www-form-urlencoded" and (kind or request.content_length):
        raise UnsupportedType("Parameters are sent as application/x-www-form-urlencoded.")


_CLIENT = guard("public: the client authenticates in the body (RFC 6749 §2.3)", _check_form)
_REGISTRATION = public("the registration token is checked by the service (RFC 7592 §2)")
_DESCRIPTION = public("metadata are public")


def _document(body: dict[str, Any]) -> Response:
    response = jsonify(body)
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@discovery.get("/.well-known/oauth-authorization-server")
@_DESCRIPTION
def describe_server() -> Response:
    """RFC 8414 §3."""
    return _document(metadata.authorization_server(config.current().base_url, service.certificate_methods()))


@discovery.get("/.well-known/openid-configuration")
@_DESCRIPTION
def describe_provider() -> Response:
    """OpenID Connect Discovery 1.0 §4."""
    issuer, methods = config.current().base_url, service.certificate_methods()
    return _document(metadata.openid_provider(issuer, service.ALGORITHMS, methods))


@discovery.get("/fhir/.well-known/smart-configuration")
@_DESCRIPTION
def describe_smart() -> Response:
    """SMART App Launch 2.2: appended to the FHIR base, JSON whatever is accepted."""
    return _document(metadata.smart_configuration(config.current().base_url))


@discovery.get("/.well-known/oauth-protected-resource/fhir")
@_DESCRIPTION
def describe_resource() -> Response:
    """RFC 9728 §3."""
    return _document(metadata.protected_resource(config.current().base_url))


@discovery.get("/api/v1/schemas/authorization-details")
@_DESCRIPTION
def publish_schema() -> Response:
    """The JSON Schema of `authorization_details`."""
    response = _document(details.schema())
    response.mimetype = "application/schema+json"
    return response


@endpoints.get("/jwks")
@_DESCRIPTION
def publish_keys() -> Response:
    """The keys that verify id_tokens (RFC 7517 §5); made when there is none yet."""
    with transaction():
        for algorithm in sorted(set(service.ALGORITHMS.values())):
            signing.key(service.SIGNING_USE, algorithm)
        return _document(signing.public_jwks(service.SIGNING_USE))


@endpoints.post("/par")
@rate_limit("1000 per second")
@_CLIENT
def push_request() -> Response:
    """RFC 9126 §2."""
    return _answer(lambda: server.create_endpoint_response("pushed_authorization_request"))


@endpoints.post("/device_authorization")
@rate_limit("100 per second")
@_CLIENT
def authorize_device() -> Response:
    """RFC 8628 §3.1."""
    return _answer(lambda: server.create_endpoint_response("device_authorization"))


@endpoints.post("/token")
@rate_limit("1000 per second")
@_CLIENT
def issue_token() -> Response:
    """RFC 6749 §3.2."""
    return _answer(server.create_token_response)


@endpoints.post("/revoke")
@rate_limit("1000 per second")
@_CLIENT
def revoke_token() -> Response:
    """RFC 7009 §2."""
    return _answer(lambda: server.create_endpoint_response("revocation"))


@endpoints.post("/introspect")
@rate_limit("1000 per second")
@_CLIENT
def introspect_token() -> Response:
    """RFC 7662 §2."""
    return _answer(lambda: server.create_endpoint_response("introspection"))


def _answer(respond: Callable[[], Response]) -> Response:
    """Judge a request in one transaction, whose first statement finds the client. Keys that it publishes are fetched
    between two, then it is judged again."""
    try:
        with transaction(bind=False):
            return respond()
    except KeysNeeded as needed:
        client_pk, fetched = needed.client_pk, service.fetch_keyset(needed.jwks_uri)
    with transaction():
        service.keep_keyset(client_pk=client_pk, fetched=fetched, now=clock.now())
    with transaction(bind=False):
        return respond()


@endpoints.route("/userinfo", methods=["GET", "POST"])
@rate_limit("100 per second")
@person_token_required
def show_user() -> dict[str, Any]:
    """OpenID Connect Core §5.3: the pairwise subject of the person who granted, or of the professional."""
    token = current_token()
    if scopes.OPENID not in scopes.split(token.scope):
        raise Forbidden("The scope openid was not granted.", code="insufficient_scope")
    with transaction():
        return service.user_claims(client=current_client(), signed_in=token, scope=token.scope)


@endpoints.get("/grants/<uuid:grant_id>")
@rate_limit("100 per second")
@token_required
def show_grant(grant_id: UUID) -> dict[str, Any]:
    """The grant as it stands, to the app that holds it (Grant Management §6.3)."""
    _check_grant(grant_id, scopes.QUERY_GRANT)
    with transaction():
        grant = service.find_own_grant(client=current_client(), grant_id=grant_id)
        return {
            "grant_id": str(grant.id),
            "status": grant.status,
            "patient": grant.patient,
            "valid_until": grant.valid_until.isoformat(),
            "authorization_details": grant.details,
        }


@endpoints.delete("/grants/<uuid:grant_id>")
@rate_limit("100 per second")
@token_required
def end_grant(grant_id: UUID) -> tuple[str, int]:
    """The app gives the grant up (Grant Management §6.4); its tokens are worth nothing from then on."""
    _check_grant(grant_id, scopes.REVOKE_GRANT)
    with transaction():
        service.end_own_grant(client=current_client(), grant_id=grant_id)
    return "", 204


def _check_grant(grant_id: UUID, scope: str) -> None:
    """A grant's own token speaks of that grant alone; the app's of each, with `ens:app` or the scope of the act."""
    token = current_token()
    if token.grant_id is None and not {scopes.APP, scope} & set(scopes.split(token.scope)):
        raise Forbidden(f"The scope {scope} is expected.", code="insufficient_scope")
    if token.grant_id not in {None, grant_id}:
        raise NotFound("This grant does not exist.", code="invalid_grant_id")


@endpoints.post("/register")
@rate_limit("20 per minute")
@_REGISTRATION
def register_client() -> tuple[dict[str, Any], int]:
    """Register a client with an initial access token of the publisher's space (RFC 7591 §3)."""
    token, metadata = _bearer(), _metadata()
    with transaction():
        return service.register_client(token=token, metadata=metadata, now=clock.now()), 201


@endpoints.get("/register/<client_id>")
@rate_limit("60 per minute")
@_REGISTRATION
def show_registration(client_id: str) -> dict[str, Any]:
    """The registration of a client, to itself (RFC 7592 §2.1)."""
    with transaction():
        return service.show_registration(client_id=client_id, token=_bearer())


@endpoints.put("/register/<client_id>")
@rate_limit("20 per minute")
@_REGISTRATION
def update_registration(client_id: str) -> dict[str, Any]:
    """Replace the registration of a client, never beyond its listing (RFC 7592 §2.2)."""
    token, metadata = _bearer(), _metadata()
    with transaction():
        return service.update_registration(client_id=client_id, token=token, metadata=metadata)


@endpoints.delete("/register/<client_id>")
@rate_limit("20 per minute")
@_REGISTRATION
def end_registration(client_id: str) -> tuple[str, int]:
    """Close a client for good (RFC 7592 §2.3)."""
    with transaction():
        service.end_registration(client_id=client_id, token=_bearer())
    return "", 204


def _bearer() -> str:
    """The registration token of the request: RFC 7591 and 7592 know Bearer alone. Raises `Unauthenticated`."""
    presented = read_authorization(request.headers.get("Authorization"))
    if presented.is_bound:
        raise Unauthenticated("A registration token is presented as Bearer.")
    return presented.token


def _metadata() -> object:
    """The JSON body. Raises `UnsupportedType`, `TooLarge`, `Malformed`."""
    if request.mimetype != "application/json":
        raise UnsupportedType("Client metadata are sent as application/json.")
    if (request.content_length or 0) > MOST_METADATA_BYTES:
        raise TooLarge(f"Client metadata have {MOST_METADATA_BYTES} bytes at most.")
    try:
        body = request.get_data()
        found: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed("The body is not JSON.") from None
    if b"\\u0000" in body:
        raise Malformed("The body holds a NUL character.")
    return found


@credentials.get("/applications/<uuid:application_id>/credentials")
@publisher_token_required(Scope.CREDENTIALS_READ)
@credentials.response(200, schemas.Credentials)
def list_credentials(application_id: UUID) -> dict[str, Any]:
    """List the clients of an application: keys, addresses of return, last use. No secret is in it."""
    with transaction():
        application = get_own_application(application_id, by=current_caller().actor)
        return {"credentials": [_credential(client) for client in queries.list_clients(application.id)]}


@credentials.post("/applications/<uuid:application_id>/credentials/<client_id>/keys")
@rate_limit("20 per minute")
@publisher_token_required(Scope.CREDENTIALS_WRITE)
@credentials.arguments(schemas.NewKey)
@credentials.response(201, schemas.Credential)
def add_key(new: dict[str, Any], application_id: UUID, client_id: str) -> dict[str, Any]:
    """Register the next public key of a client; those before it end after the overlap. An app's own token rotates the
    keys of its own client only."""
    caller = current_caller()
    with transaction():
        client = _own_client(application_id, client_id)
        if caller.client_pk not in {None, client.pk}:
            raise NotFound("This client does not exist.")
        overlap = timedelta(days=new["overlap_days"])
        service.rotate_key(client_pk=client.pk, jwk=new["jwk"], by=caller.actor, overlap=overlap)
        return _credential(client)


@credentials.delete("/applications/<uuid:application_id>/credentials/<client_id>/keys/<thumbprint>")
@rate_limit("20 per minute")
@publisher_token_required(Scope.CREDENTIALS_WRITE)
@credentials.response(204)
def end_key(application_id: UUID, client_id: str, thumbprint: str) -> None:
    """End a key at once, never the last one. With a personal access token only."""
    with transaction():
        client = _own_client(application_id, client_id, by_person=True)
        service.end_key(client_pk=client.pk, thumbprint=thumbprint, by=current_caller().actor)


@credentials.put("/applications/<uuid:application_id>/credentials/<client_id>/redirect-uris")
@rate_limit("20 per minute")
@publisher_token_required(Scope.CREDENTIALS_WRITE)
@credentials.arguments(schemas.RedirectUris)
@credentials.response(200, schemas.Credential)
def replace_redirect_uris(body: dict[str, Any], application_id: UUID, client_id: str) -> dict[str, Any]:
    """Replace the addresses of return of a client. With a personal access token only: a stolen key of the app must
    not send people elsewhere."""
    uris = body["redirect_uris"]
    with transaction():
        client = _own_client(application_id, client_id, by_person=True)
        service.replace_redirect_uris(client_pk=client.pk, redirect_uris=uris, by=current_caller().actor)
        return _credential(client)


@credentials.put("/applications/<uuid:application_id>/credentials/<client_id>/logout-uris")
@rate_limit("20 per minute")
@publisher_token_required(Scope.CREDENTIALS_WRITE)
@credentials.arguments(schemas.LogoutUris)
@credentials.response(200, schemas.Credential)
def replace_logout_uris(body: dict[str, Any], application_id: UUID, client_id: str) -> dict[str, Any]:
    """Replace where a client has people sent after signing out, and where it is told. With a personal access token
    only."""
    with transaction():
        client = _own_client(application_id, client_id, by_person=True)
        service.register_logout(client_pk=client.pk, by=current_caller().actor, **body)
        return _credential(client)


def _own_client(application_id: UUID, client_id: str, *, by_person: bool = False) -> Client:
    caller = current_caller()
    if by_person and caller.client_pk is not None:
        raise Forbidden("A personal access token is expected.", code="insufficient_scope")
    application = get_own_application(application_id, by=caller.actor)
    return queries.get_client_of(application.id, client_id)


def _credential(client: Client) -> dict[str, Any]:
    present = queries.get_client(client.pk)
    shown = "client_id environment profile is_public redirect_uris post_logout_redirect_uris backchannel_logout_uri"
    shown += " jwks_uri last_used_at"
    return {**{name: getattr(present, name) for name in shown.split()}, "keys": queries.list_keys(client.pk)}
