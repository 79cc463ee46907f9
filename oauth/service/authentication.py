"""Who the client of a request is (private_key_jwt, certificates), and what its tokens are bound to (DPoP, or the
certificate)."""

from collections.abc import Sequence
from datetime import datetime

from oauth import queries
from oauth.errors import InvalidClient, InvalidProof, KeysNeeded, NonceNeeded, OAuthRefusal
from oauth.rules import certificates
from oauth.rules.assertions import claimed_client, key_name, read_assertion
from oauth.rules.certificates import Certificate
from oauth.rules.clients import AuthMethod, Client
from oauth.rules.keysets import must_fetch
from oauth.rules.proofs import read_proof
from oauth.rules.tokens import bound_to_certificate
from oauth.service import nonces, replays
from oauth.service.access import seen_once
from oauth.service.replays import Once
from platform_core import config

_BY_CERTIFICATE = {AuthMethod.TLS, AuthMethod.SELF_SIGNED_TLS}


def endpoint(path: str) -> str:
    """The public address of an endpoint: what `htu` and `aud` are compared with, whatever proxy stands before us."""
    return config.current().base_url + path


def authenticate_client(*, assertion: str, client_id: str | None, now: datetime) -> tuple[Client, Once]:
    """The confidential client whose key signed the assertion, and the assertion, which its caller has to use up.

    `client_id` is the parameter of that name, which may be absent but not another's. Raises `InvalidClient`,
    `KeysNeeded`.
    """
    claimed = claimed_client(assertion)
    client = queries.find_client(claimed, first=True)
    if client is None or client.auth_method is not AuthMethod.PRIVATE_KEY_JWT:
        raise InvalidClient("The client is not known.")
    if client_id not in {None, claimed}:
        raise InvalidClient("client_id is not the client of the assertion.")
    _require_keys(client, key_name(assertion), now)
    held = read_assertion(
        assertion,
        client=client,
        issuer=config.current().base_url,
        token_endpoint=endpoint("/oauth/token"),
        now=now,
    )
    return client, Once(replays.ASSERTION, f"{client.client_id} {held.jti}", held.expires_at)


def _require_keys(client: Client, kid: object, now: datetime) -> None:
    if client.jwks_uri and must_fetch(client, kid, now):
        raise KeysNeeded(client.pk, client.jwks_uri)
    if client.keyset and client.keyset.fault and not client.keys:
        raise InvalidClient(f"The keys at jwks_uri cannot be read: {client.keyset.fault}.")


def authenticate_by_certificate(*, client_id: str, header: str, now: datetime) -> Client | None:
    """The client whose certificate the proxy saw (RFC 8705 §2); `header` is what the proxy says of it.

    None when the client does not authenticate in this way. Raises `InvalidClient`, `KeysNeeded`.
    """
    client = queries.find_client(client_id, first=True)
    if client is None or client.auth_method not in _BY_CERTIFICATE:
        return None
    certificate = certificates.read_certificate(header)
    if certificate is None:
        raise InvalidClient("The client certificate did not come with the request.")
    if client.auth_method is AuthMethod.SELF_SIGNED_TLS:
        _require_keys(client, None, now)
        is_theirs = certificates.is_registered(certificate, client.keys)
    else:
        is_theirs = _is_certified(client, certificate, now)
    if not is_theirs:
        raise InvalidClient("The certificate is not one of this client.")
    return client


def certificate_methods() -> tuple[str, ...]:
    """The methods of RFC 8705 that the settings allow."""
    settings = config.current().mtls
    if settings is None:
        return ()
    by_authority = (AuthMethod.TLS,) if settings.authorities else ()
    return (*by_authority, AuthMethod.SELF_SIGNED_TLS)


def _is_certified(client: Client, certificate: Certificate, now: datetime) -> bool:
    settings = config.current().mtls
    if settings is None or settings.authorities is None or client.tls_subject is None:
        return False
    signed = certificates.is_issued_by(certificate, settings.authorities.read_bytes(), now)
    return signed and certificates.names(certificate, client.tls_subject)


def read_binding(
    client: Client, *, proofs: Sequence[str], path: str, now: datetime, required: bool, certificate: str = ""
) -> tuple[str | None, Once | None]:
    """What a request to one of our endpoints proves to hold: the thumbprint of a DPoP key, or the certificate that a
    client of RFC 8705 authenticated with (`certificate` is the header of the proxy). With it the proof, which the
    caller has to use up.

    A `smart` client holds Bearer tokens (SMART App Launch 2.2 §2.1): its proof is not read. Raises `OAuthRefusal`
    (`invalid_dpop_proof`, RFC 9449 §5; `use_dpop_nonce`, §8).
    """
    if not client.binds_tokens:
        return None, None
    if not proofs and client.auth_method in _BY_CERTIFICATE:
        shown = certificates.read_certificate(certificate)
        return bound_to_certificate(shown.thumbprint) if shown and required else None, None
    if not (proofs or required):
        return None, None
    try:
        proof = read_proof(proofs, method="POST", url=endpoint(path), now=now)
        if required and nonces.at_token_endpoint() and not nonces.is_fresh(proof.nonce, now):
            raise NonceNeeded("the proof needs the nonce of the DPoP-Nonce header")
    except InvalidProof as error:
        code = "use_dpop_nonce" if isinstance(error, NonceNeeded) else "invalid_dpop_proof"
        raise OAuthRefusal(code, f"{error}.") from None
    return proof.jkt, seen_once(proof)
