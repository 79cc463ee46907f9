"""Authlib's authorization server over our store: it parses, dispatches and phrases; the service decides and stores.

Where Authlib is lax it is overridden: S256 only, every client proves PKCE, codes and refresh tokens are consumed by
one statement, no token reaches its logs, every endpoint authenticates its client the same way.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer as FlaskAuthorizationServer
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Payload, FlaskOAuth2Request
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, OAuth2Request, TokenMixin
from authlib.oauth2.rfc6749 import grants as authlib_grants
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError, UnauthorizedClientError
from authlib.oauth2.rfc6749.token_endpoint import TokenEndpoint
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import Request, Response, g
from flask import request as flask_request

from oauth import queries, service
from oauth.errors import InvalidClient, KeysNeeded
from oauth.queries import TokenView
from oauth.rules.assertions import ASSERTION_TYPE
from oauth.rules.clients import DEVICE_CODE, Client
from oauth.rules.requests import given_once
from oauth.service import Once, RedeemedCode
from platform_core import clock, config, renderers
from platform_core.errors import DomainError
from platform_core.web import client_certificate

CONFIDENTIAL = ["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"]
AUTH_METHODS = [*CONFIDENTIAL, "none"]
_JSON = "application/json"
_INTROSPECTIONS = [_JSON, service.INTROSPECTION_JWT]
NO_STORE = [("Content-Type", _JSON), ("Cache-Control", "no-store"), ("Pragma", "no-cache")]

# Authlib writes issued tokens to its debug log.
logging.getLogger("authlib").setLevel(logging.WARNING)


class RegisteredClient(ClientMixin):
    """A client as Authlib asks about it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """One method for each client, the same at every endpoint."""
        return method == self.client.auth_method

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.client.grant_types


class _Code(AuthorizationCodeMixin):
    def __init__(self, code: RedeemedCode) -> None:
        self.code = code
        self.code_challenge = code.code_challenge
        self.code_challenge_method = "S256"

    def get_redirect_uri(self) -> str:
        return self.code.redirect_uri

    def get_scope(self) -> str:
        return self.code.scope


class _Token(TokenMixin):
    def __init__(self, token: TokenView) -> None:
        self.token = token

    def check_client(self, client: RegisteredClient) -> bool:
        return self.token.client_pk == client.client.pk

    def get_scope(self) -> str:
        return self.token.scope

    def is_expired(self) -> bool:
        return not self.token.is_live(clock.now())

    def is_revoked(self) -> bool:
        return self.token.revoked_at is not None


class _Payload(FlaskOAuth2Payload):
    """The parameters of the body alone: what an address holds ends up in logs (RFC 6749 §2.3.1)."""

    @property
    def data(self) -> Any:
        return self._request.form


class _Request(FlaskOAuth2Request):
    """A request under its public address, whatever proxy stands before us."""

    def __init__(self, request: Request) -> None:
        OAuth2Request.__init__(self, request.method, config.current().base_url + request.path, headers=request.headers)
        self._request = request
        self.payload = _Payload(request)


class S256Challenge(CodeChallenge):
    """PKCE (RFC 7636) with S256 only, verified for every client: Authlib accepts `plain` and makes it the default."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]
    CODE_CHALLENGE_METHODS = {"S256": CodeChallenge.CODE_CHALLENGE_METHODS["S256"]}


class AuthorizationCodeGrant(authlib_grants.AuthorizationCodeGrant):
    """The code grant at the token endpoint. The authorization endpoint is ours (`oauth.pages`)."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    RESPONSE_TYPES: set[str] = set()

    def query_authorization_code(self, code: str, client: RegisteredClient) -> _Code | None:
        # The proof is read first: one that does not hold must not cost the patient another consent.
        self.jkt = _binding(client.client)
        redeemed = service.redeem_code(code=code, client=client.client, now=clock.now())
        return _Code(redeemed) if redeemed else None

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        client = self.request.client.client
        code = self.request.authorization_code.code
        issue = service.issue_for_professional if code.professional_id else service.issue_for_code
        return 200, issue(client=client, code=code, jkt=self.jkt, now=clock.now()), NO_STORE


class RefreshTokenGrant(authlib_grants.RefreshTokenGrant):
    """Refresh: the row is locked before anything is decided, so that two parallel refreshes cannot both rotate it."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def _validate_request_token(self, client: RegisteredClient) -> _Token:
        text = self.request.form.get("refresh_token")
        if not text:
            raise InvalidRequestError("Missing 'refresh_token' in request.")
        self.jkt = _binding(client.client)
        token = service.find_refresh_token(text=text, client=client.client, now=clock.now())
        if token is None:
            raise InvalidGrantError("The refresh token is unknown, expired, revoked or another client's.")
        return _Token(token)

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        client, token = self.request.client.client, self.request.refresh_token.token
        refresh = service.refresh_for_professional if token.professional_id else service.refresh
        answer = refresh(
            client=client,
            token=token,
            scope=self.request.form.get("scope", ""),
            jkt=self.jkt,
            now=clock.now(),
        )
        return 200, answer, NO_STORE


class ClientCredentialsGrant(authlib_grants.ClientCredentialsGrant):
    """The app's own token (`ens:app`)."""

    TOKEN_ENDPOINT_AUTH_METHODS = CONFIDENTIAL

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        client = self.request.client.client
        jkt, proof = _read_binding(client)
        once = _take_unused(proof)
        scope = self.request.form.get("scope", "")
        answer = service.issue_for_app(client=client, scope=scope, jkt=jkt, once=once, now=clock.now())
        return 200, answer, NO_STORE


class DeviceCodeGrant(authlib_grants.BaseGrant, authlib_grants.TokenEndpointMixin):
    """A device polls (RFC 8628 §3.4): the row is locked before anything is decided. Authlib's own keeps no pace."""

    GRANT_TYPE = DEVICE_CODE
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def validate_token_request(self) -> None:
        client = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError("This client has no device.")
        if not self.request.form.get("device_code"):
            raise InvalidRequestError("Missing 'device_code' in request.")
        self.request.client = client

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        client = self.request.client.client
        jkt = _binding(client)
        code = self.request.form["device_code"]
        return 200, service.poll(client=client, device_code=code, jkt=jkt, now=clock.now()), NO_STORE


class DeviceEndpoint(TokenEndpoint):
    """Device authorization (RFC 8628 §3.1)."""

    ENDPOINT_NAME = "device_authorization"
    CLIENT_AUTH_METHODS = AUTH_METHODS

    def create_endpoint_response(self, request: OAuth2Request) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        client = self.authenticate_endpoint_client(request).client
        answer = service.start_device(
            client=client,
            parameters=given_once(request.form.lists()),
            jkt=_binding(client, required=False),
            address=flask_request.remote_addr or "",
            now=clock.now(),
        )
        return 200, answer, NO_STORE


class PushedRequestEndpoint(TokenEndpoint):
    """Pushed authorization requests (RFC 9126 §2), which Authlib lacks."""

    ENDPOINT_NAME = "pushed_authorization_request"
    CLIENT_AUTH_METHODS = AUTH_METHODS

    def create_endpoint_response(self, request: OAuth2Request) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        client = self.authenticate_endpoint_client(request).client
        uri, seconds = service.push_request(
            client=client,
            parameters=given_once(request.form.lists()),
            jkt=_binding(client, required=False),
            now=clock.now(),
        )
        return 201, {"request_uri": uri, "expires_in": seconds}, NO_STORE


class Revocation(RevocationEndpoint):
    """Revocation (RFC 7009). A wrong hint is ignored; a token of another client is left alone and refused."""

    CLIENT_AUTH_METHODS = AUTH_METHODS

    def check_params(self, request: OAuth2Request, client: RegisteredClient) -> None:
        _check_token_request(request, client)

    def query_token(self, token_string: str, token_type_hint: str | None) -> _Token | None:
        return _find(token_string)

    def revoke_token(self, token: _Token, request: OAuth2Request) -> None:
        service.revoke_token(token.token, now=clock.now())


class Introspection(TokenEndpoint):
    """Introspection (RFC 7662): a confidential client of its own tokens, a resource server of any access token.

    It answers JSON, or a signed JWT to who accepts one (RFC 9701 §4).
    """

    ENDPOINT_NAME = "introspection"
    CLIENT_AUTH_METHODS = CONFIDENTIAL

    def create_endpoint_response(self, request: OAuth2Request) -> tuple[int, Any, list[tuple[str, str]]]:
        caller, now = self._caller(request), clock.now()
        if not request.form.get("token"):
            raise InvalidRequestError("Missing 'token' in request.")
        claims = service.introspect(request.form["token"], caller=caller, now=now)
        if flask_request.accept_mimetypes.best_match(_INTROSPECTIONS, _JSON) == _JSON:
            return 200, claims, NO_STORE
        signed = service.sign_introspection(claims, caller=caller, now=now)
        return 200, signed, [("Content-Type", service.INTROSPECTION_JWT)]

    def _caller(self, request: OAuth2Request) -> Client:
        authorization = flask_request.headers.get("Authorization")
        if authorization and "client_assertion" not in request.form:
            return service.authorise_introspection(
                authorization=authorization,
                proofs=flask_request.headers.getlist("DPoP"),
                certificate=client_certificate(),
                now=clock.now(),
            )
        client: Client = self.authenticate_endpoint_client(request).client
        _binding(client, required=False)
        return client


class AuthorizationServer(FlaskAuthorizationServer):
    """The endpoints, with the domain's refusals told in RFC 6749's words.

    A refusal becomes the response instead of unwinding the transaction: the assertion, proof or code that it used up
    stays used. An assertion is used up with the proof beside it, by one statement; at the latest when the answer is
    ready, also where no proof was read.
    """

    def create_oauth2_request(self, request: Request | None) -> _Request:
        return _Request(flask_request)

    def create_token_response(self, request: Request | None = None) -> Response:
        return self._telling_refusals(lambda: super(AuthorizationServer, self).create_token_response(request))

    def create_endpoint_response(self, name: str, request: Request | None = None) -> Response:
        return self._telling_refusals(lambda: super(AuthorizationServer, self).create_endpoint_response(name, request))

    def _telling_refusals(self, respond: Callable[[], Response]) -> Response:
        try:
            given_once(flask_request.form.lists())
            response = respond()
            service.use_up(_take_unused())
            return response
        except KeysNeeded:
            raise
        except DomainError as error:
            with suppress(InvalidClient):
                service.use_up(_take_unused())
            told = renderers.oauth_error(error)
            return self.handle_response(told.status, told.body, list(told.headers.items()))

    def handle_response(self, status_code: int, payload: Any, headers: Any) -> Response:
        response: Response = super().handle_response(status_code, payload, headers)
        if response.mimetype != service.INTROSPECTION_JWT:
            response.headers["Content-Type"] = _JSON
        response.headers["Cache-Control"] = "no-store"
        response.headers["Pragma"] = "no-cache"
        return response

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens; Authlib's signals would hand tokens around."""


def _find_client(client_id: str) -> RegisteredClient | None:
    client = queries.find_client(client_id, first=True)
    return RegisteredClient(client) if client else None


def _authenticate_by_key(query_client: object, request: OAuth2Request) -> RegisteredClient | None:
    """private_key_jwt: None when the request holds no assertion. Raises `InvalidClient`."""
    form = request.form
    if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
        return None
    client, assertion = service.authenticate_client(
        assertion=form["client_assertion"], client_id=form.get("client_id"), now=clock.now()
    )
    g.unused_assertion = assertion
    return RegisteredClient(client)


def _authenticate_by_certificate(query_client: object, request: OAuth2Request) -> RegisteredClient | None:
    """tls_client_auth and self_signed_tls_client_auth (RFC 8705 §2): None for clients of another method."""
    header = client_certificate()
    client_id = request.form.get("client_id")
    if not client_id or (not header and config.current().mtls is None):
        return None
    client = service.authenticate_by_certificate(client_id=client_id, header=header, now=clock.now())
    return RegisteredClient(client) if client else None


def _take_unused(*also: Once | None) -> list[Once]:
    """The assertion of this request, which nobody has used up yet, and what came with it."""
    return [one for one in (g.pop("unused_assertion", None), *also) if one]


def _binding(client: Client, *, required: bool = True) -> str | None:
    jkt, proof = _read_binding(client, required=required)
    service.use_up(_take_unused(proof))
    return jkt


def _read_binding(client: Client, *, required: bool = True) -> tuple[str | None, Once | None]:
    return service.read_binding(
        client,
        proofs=flask_request.headers.getlist("DPoP"),
        path=flask_request.path,
        now=clock.now(),
        required=required,
        certificate=client_certificate(),
    )


def _check_token_request(request: OAuth2Request, client: RegisteredClient) -> None:
    """There is a token to speak of, and the proof holds if there is one: a client that sends it relies on it."""
    _binding(client.client, required=False)
    if not request.form.get("token"):
        raise InvalidRequestError("Missing 'token' in request.")


def _find(text: str) -> _Token | None:
    token = queries.find_token(text)
    return _Token(token) if token else None


def _build() -> AuthorizationServer:
    built = AuthorizationServer(query_client=_find_client)
    built.register_client_auth_method("private_key_jwt", _authenticate_by_key)
    built.register_client_auth_method("tls_client_auth", _authenticate_by_certificate)
    built.register_client_auth_method("self_signed_tls_client_auth", _authenticate_by_certificate)
    built.register_grant(AuthorizationCodeGrant, [S256Challenge(required=True)])
    built.register_grant(RefreshTokenGrant)
    built.register_grant(ClientCredentialsGrant)
    built.register_grant(DeviceCodeGrant)
    for endpoint in (PushedRequestEndpoint, DeviceEndpoint, Revocation, Introspection):
        built.register_endpoint(endpoint)
    return built


server = _build()
