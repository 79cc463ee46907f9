"""The door of the SDK."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from types import TracebackType
from typing import Any, Literal
from urllib.parse import urlsplit

import requests

from . import _login
from ._authorization import AuthorizationServer
from ._keys import ClientKey, ProofKey, TokenCredentials
from ._models import Grant, Login
from ._sandbox import Sandbox
from ._space import Space
from ._times import now
from ._transport import Call, Transport
from .errors import ConsentEnded, NotFound

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class PartnerClient:
    """An app registered with the platform.

    `issuer` is the address of the platform; `private_key` a JWK (dict or JSON) or a PEM, None for a public
    client of the `smart` profile. `fapi2` binds each grant's tokens to a key of its own (DPoP); `smart` uses
    Bearer tokens. `timeout` and `max_wait` (the longest Retry-After to sit out) are in seconds. One client
    serves all threads; close it, or use `with`.
    """

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        private_key: dict[str, Any] | str | bytes | None = None,
        redirect_uri: str | None = None,
        profile: Literal["fapi2", "smart"] = "fapi2",
        timeout: float = 10,
        max_retries: int = 2,
        max_wait: float = 30,
        session: requests.Session | None = None,
    ) -> None:
        _check(issuer=issuer, client_id=client_id, private_key=private_key, profile=profile)
        self.issuer = issuer.rstrip("/")
        self._redirect_uri = redirect_uri
        self._profile = profile
        self._transport = Transport(session=session, timeout=timeout, max_retries=max_retries, max_wait=max_wait)
        key = None if private_key is None else ClientKey(private_key)
        self._server = AuthorizationServer(self._transport, issuer=self.issuer, client_id=client_id, key=key)
        self._lock = threading.Lock()
        self._app_key = self._new_proof_key()
        self._app_token: tuple[str, datetime] | None = None
        self.sandbox = Sandbox(self._send_as_app, api_base=f"{self.issuer}/api/v1")

    def __enter__(self) -> PartnerClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def start_authorization(
        self,
        *,
        datatypes: Iterable[str],
        actions: Iterable[str],
        purpose: str,
        periodicity: Mapping[str, Any] | None = None,
        data_period: tuple[date | str | None, date | str | None] | Mapping[str, Any] | None = None,
        valid_until: date | str | None = None,
        scope: str = "offline_access",
        redirect_uri: str | None = None,
    ) -> Login:
        """Ask for a consent: categories (`measures.body-weight`…), actions (`read`, `write`), purpose
        (prevention, diagnostic, soins, suivi), periodicity (`{"max": 1, "per": "day"}`, `{"once": True}`,
        `{"on_demand": True}`, `{"continuous": True}`).

        What is left out follows the app's listing. Send the browser to the `url` of the Login and keep the
        Login for finish_authorization. Raises Invalid when the platform finds the request wrong.
        """
        address = redirect_uri or self._redirect_uri
        if not address:
            raise ValueError("Give PartnerClient the redirect_uri registered with the app.")
        detail = _login.health_data_detail(
            datatypes=datatypes,
            actions=actions,
            purpose=purpose,
            periodicity=periodicity,
            data_period=data_period,
            valid_until=valid_until,
        )
        return _login.start(
            self._server,
            details=[detail],
            scope=scope,
            redirect_uri=address,
            # SMART App Launch 2.2: `aud` is the FHIR base, which the server compares.
            audience=f"{self.issuer}/fhir" if self._profile == "smart" else None,
            proof_key=self._new_proof_key(),
        )

    def finish_authorization(self, login: Login, callback_url: str) -> Grant:
        """Turn the address the browser came back to into a Grant.

        Raises AuthorizationRefused when the patient refused or the address does not answer this login.
        """
        return _login.finish(self._server, login, callback_url)

    def open(self, grant: Grant, on_refresh: Callable[[Grant], object] | None = None) -> Space:
        """The patient's space under a grant. `on_refresh` receives each renewed Grant: store it."""
        return Space(grant, server=self._server, transport=self._transport, on_refresh=on_refresh)

    def revoke(self, grant: Grant) -> None:
        """End a consent on the app's side, for good, even when its tokens are dead. Done already is done."""
        if self._server.is_public_client:
            self.open(grant).end()
            return
        try:
            self._send_as_app(Call("DELETE", f"{self.issuer}/oauth/grants/{grant.grant_id}"))
        except (ConsentEnded, NotFound):
            return

    def _new_proof_key(self) -> ProofKey | None:
        return ProofKey.generate() if self._profile == "fapi2" else None

    def _send_as_app(self, call: Call) -> requests.Response:
        return self._transport.send(call, TokenCredentials(self._fresh_app_token(), self._app_key))

    def _fresh_app_token(self) -> str:
        """The app's own token (client credentials, scope `ens:app`): it opens no patient's data."""
        if self._server.is_public_client:
            raise ValueError("A public client has no token of its own: give PartnerClient a private_key.")
        with self._lock:
            if self._app_token is None or self._app_token[1] - now() < timedelta(seconds=60):
                wanted = {"grant_type": "client_credentials", "scope": "ens:app"}
                answer = self._server.token(wanted, self._app_key, repeatable=True)
                lifetime = timedelta(seconds=int(answer["expires_in"]))
                self._app_token = (answer["access_token"], now() + lifetime)
            return self._app_token[0]


def _check(*, issuer: str, client_id: str, private_key: object, profile: str) -> None:
    address = urlsplit(issuer)
    if not address.netloc or (address.scheme != "https" and address.hostname not in _LOOPBACK):
        raise ValueError(f"issuer is {issuer!r}: give the https address of the platform (http on this machine only).")
    if not client_id:
        raise ValueError("client_id is empty: take it from the credentials page of your publisher's space.")
    if profile not in ("fapi2", "smart"):
        raise ValueError(f"profile is {profile!r}: give 'fapi2' or 'smart', as the client was registered.")
    if private_key is None and profile == "fapi2":
        raise ValueError(
            "private_key is missing: give the private half of the key registered with the app, as a JWK or a PEM. "
            "Only public clients of the smart profile have none."
        )
