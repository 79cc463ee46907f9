"""The authorization server as the SDK uses it: discovery, pushed requests, tokens, client authentication."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from ._answers import read_json
from ._keys import ClientKey, ProofKey, ProofOnly
from ._transport import Anonymous, Call, Credentials, Transport
from .errors import PartnerError

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class AuthorizationServer:
    """One issuer seen by one client. Its metadata are fetched once (RFC 8414)."""

    def __init__(self, transport: Transport, *, issuer: str, client_id: str, key: ClientKey | None) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self._transport = transport
        self._key = key
        self._lock = threading.Lock()
        self._metadata: dict[str, Any] | None = None

    @property
    def is_public_client(self) -> bool:
        """A client without a key: it cannot authenticate, hence has no token of its own."""
        return self._key is None

    def metadata(self) -> dict[str, Any]:
        """The server's metadata. Raises PartnerError when they are those of another issuer (RFC 8414 §3.3)."""
        with self._lock:
            if self._metadata is None:
                self._metadata = self._discover()
            return self._metadata

    def push(self, parameters: Mapping[str, str], proof_key: ProofKey | None) -> str:
        """Push an authorization request (RFC 9126 §2) and return its `request_uri`."""
        answer = self._post("pushed_authorization_request_endpoint", parameters, proof_key, repeatable=True)
        return _member(answer, "request_uri")

    def token(self, parameters: Mapping[str, str], proof_key: ProofKey | None, *, repeatable: bool) -> dict[str, Any]:
        """Ask for tokens; the answer's type is the one asked for (RFC 9449 §5: a bound request may not end in
        Bearer)."""
        answer = self._post("token_endpoint", parameters, proof_key, repeatable=repeatable)
        expected = "bearer" if proof_key is None else "dpop"
        if str(answer.get("token_type")).lower() != expected:
            raise PartnerError(
                f"The server gave a {answer.get('token_type')} token where {expected} was asked: "
                "check that `profile` is the one the client was registered with."
            )
        return answer

    def _discover(self) -> dict[str, Any]:
        address = f"{self.issuer}/.well-known/oauth-authorization-server"
        metadata: dict[str, Any] = read_json(self._transport.send(Call("GET", address), Anonymous()))
        if metadata.get("issuer") != self.issuer:
            raise PartnerError(
                f"{address} describes the issuer {metadata.get('issuer')!r}: give PartnerClient exactly that one."
            )
        return metadata

    def _post(
        self, endpoint: str, parameters: Mapping[str, str], proof_key: ProofKey | None, *, repeatable: bool
    ) -> dict[str, Any]:
        credentials: Credentials = Anonymous() if proof_key is None else ProofOnly(proof_key)
        call = Call(
            "POST",
            _member(self.metadata(), endpoint),
            form=lambda: {**parameters, **self._authentication()},
            repeatable=repeatable,
        )
        answer: dict[str, Any] = read_json(self._transport.send(call, credentials))
        return answer

    def _authentication(self) -> dict[str, str]:
        if self._key is None:
            return {"client_id": self.client_id}
        supported = self.metadata().get("token_endpoint_auth_signing_alg_values_supported")
        assertion = self._key.assertion(client_id=self.client_id, audience=self.issuer, supported=supported)
        return {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": assertion}


def _member(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str):
        raise PartnerError(f"The authorization server gave no {name}.")
    return value
