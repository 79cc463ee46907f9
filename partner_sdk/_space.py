"""The space of one patient, as far as the consent opens it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import requests

from ._answers import read_json
from ._authorization import AuthorizationServer
from ._keys import ProofKey, TokenCredentials
from ._login import grant_from
from ._measures import Measures
from ._models import Consent, Grant
from ._times import now
from ._transport import Call, Transport
from .errors import ConnectionFailed, ConsentEnded, NotFound, ServerError, Unauthorized

_EARLY = timedelta(seconds=60)


class Space:
    """Reads and writes under one grant; may be used by several threads.

    The access token is renewed 60 seconds before its end, and once when the platform says it is no longer
    valid; `on_refresh` then receives the new Grant, to be stored in the place of the old one.
    """

    def __init__(
        self,
        grant: Grant,
        *,
        server: AuthorizationServer,
        transport: Transport,
        on_refresh: Callable[[Grant], object] | None,
    ) -> None:
        self._grant = grant
        self._server = server
        self._transport = transport
        self._on_refresh = on_refresh
        self._key = ProofKey.from_jwk(grant.dpop_key) if grant.dpop_key else None
        self._lock = threading.RLock()
        self.measures = Measures(self._send, fhir_base=f"{server.issuer}/fhir", grant=self.grant)

    def grant(self) -> Grant:
        """The grant with its present tokens."""
        with self._lock:
            return self._grant

    def consent(self) -> Consent:
        """The consent as it stands: status, items, what is used and left. Costs no synchronisation, also while
        paused."""
        return Consent.from_api(read_json(self._send(Call("GET", f"{self._server.issuer}/api/v1/consent"))))

    def end(self) -> None:
        """End the consent on the app's side, for good. Done already is done."""
        address = f"{self._server.issuer}/oauth/grants/{self._grant.grant_id}"
        try:
            self._send(Call("DELETE", address))
        except (ConsentEnded, NotFound):
            return

    def _send(self, call: Call) -> requests.Response:
        grant = self._fresh_grant()
        try:
            return self._transport.send(call, self._credentials(grant))
        except Unauthorized as refusal:
            if isinstance(refusal, ConsentEnded) or refusal.code != "invalid-token" or not grant.refresh_token:
                raise
        return self._transport.send(call, self._credentials(self._renew(stale=grant)))

    def _credentials(self, grant: Grant) -> TokenCredentials:
        return TokenCredentials(grant.access_token, self._key)

    def _fresh_grant(self) -> Grant:
        grant = self.grant()
        left = grant.expires_at - now()
        if left > _EARLY or not grant.refresh_token:
            return grant
        try:
            return self._renew(stale=grant)
        except (ConnectionFailed, ServerError):
            if left > timedelta(0):
                return grant
            raise

    def _renew(self, *, stale: Grant) -> Grant:
        """The grant with new tokens, unless another thread has renewed it since `stale` was read."""
        with self._lock:
            if self._grant.access_token != stale.access_token or not stale.refresh_token:
                return self._grant
            parameters = {"grant_type": "refresh_token", "refresh_token": stale.refresh_token}
            # The refresh token of a public client rotates, and its reuse kills the family.
            repeatable = not self._server.is_public_client
            answer = self._server.token(parameters, self._key, repeatable=repeatable)
            self._grant = grant_from(answer, dpop_key=stale.dpop_key, previous=stale)
            if self._on_refresh is not None:
                self._on_refresh(self._grant)
            return self._grant
