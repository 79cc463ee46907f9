"""Who the client of a request is (private_key_jwt), and which key its proof binds (DPoP)."""

from collections.abc import Sequence
from datetime import datetime

from oauth import queries
from oauth.errors import InvalidClient, InvalidProof, OAuthRefusal
from oauth.rules.assertions import claimed_client, read_assertion
from oauth.rules.clients import Client
from oauth.rules.proofs import read_proof
from oauth.service import replays
from platform_core import config


def endpoint(path: str) -> str:
    """The public address of an endpoint: what `htu` and `aud` are compared with, whatever proxy stands before us."""
    return config.current().base_url + path


def authenticate_client(*, assertion: str, client_id: str | None, now: datetime) -> Client:
    """The confidential client whose key signed the assertion; each assertion serves once.

    `client_id` is the parameter of that name, which may be absent but not another's. Raises `InvalidClient`.
    """
    claimed = claimed_client(assertion)
    client = queries.find_client(claimed)
    if client is None or client.is_public:
        raise InvalidClient("The client is not known.")
    if client_id not in {None, claimed}:
        raise InvalidClient("client_id is not the client of the assertion.")
    held = read_assertion(
        assertion,
        client=client,
        issuer=config.current().base_url,
        token_endpoint=endpoint("/oauth/token"),
        now=now,
    )
    if not replays.remember(replays.ASSERTION, f"{client.client_id} {held.jti}", held.expires_at):
        raise InvalidClient("The client assertion was used before.")
    return client


def read_binding(client: Client, *, proofs: Sequence[str], path: str, now: datetime, required: bool) -> str | None:
    """The thumbprint of the key that a request to one of our endpoints proves, if it proves one.

    A `smart` client holds Bearer tokens (SMART App Launch 2.2 §2.1): its proof is not read. Raises `OAuthRefusal`
    (`invalid_dpop_proof`, RFC 9449 §5).
    """
    if not client.binds_tokens or not (proofs or required):
        return None
    try:
        proof = read_proof(proofs, method="POST", url=endpoint(path), now=now)
    except InvalidProof as error:
        raise OAuthRefusal("invalid_dpop_proof", f"{error}.") from None
    if not replays.remember(replays.PROOF, f"{proof.jkt} {proof.jti}", proof.expires_at):
        raise OAuthRefusal("invalid_dpop_proof", "the proof was used before.")
    return proof.jkt
