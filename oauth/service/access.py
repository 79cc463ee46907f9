"""Access tokens at the resources: the proof that comes with one, and the one itself."""

import hmac
from collections.abc import Sequence
from datetime import datetime

from oauth import queries
from oauth.errors import InvalidProof, OAuthRefusal
from oauth.queries import TokenView
from oauth.rules.certificates import read_certificate
from oauth.rules.proofs import Proof, read_proof
from oauth.rules.tokens import TokenKind, bad_proof, check_token, needs_proof, read_authorization, refused
from oauth.service import nonces, replays
from platform_core.errors import Unauthenticated


def check_proof(
    *, proofs: Sequence[str], method: str, url: str, access_token: str, expected_jkt: str, now: datetime
) -> None:
    """Check the proof that a bound token is presented with (RFC 9449 §7.1), once for each `jti`.

    `proofs` are all the DPoP headers of the request, `url` its public address. Raises `Unauthenticated`
    (`invalid-dpop-proof`; `use-dpop-nonce` where the settings ask for one, §9).
    """
    shown = examine_proof(proofs=proofs, method=method, url=url, access_token=access_token, now=now)
    proof = require_proof(shown, expected_jkt=expected_jkt, now=now)
    try:
        replays.use_up([seen_once(proof)])
    except OAuthRefusal:
        raise replayed_proof() from None


def examine_proof(
    *, proofs: Sequence[str], method: str, url: str, access_token: str, now: datetime
) -> Proof | InvalidProof:
    """The proof of a request whose token is not known yet, or what is wrong with it, to be said when it is."""
    try:
        return read_proof(proofs, method=method, url=url, now=now, access_token=access_token)
    except InvalidProof as error:
        return error


def require_proof(shown: Proof | InvalidProof, *, expected_jkt: str, now: datetime) -> Proof:
    """The proof, when it is one by the key of the token; its caller uses it up. Raises as `check_proof`."""
    if isinstance(shown, InvalidProof):
        raise bad_proof(str(shown)) from None
    if not hmac.compare_digest(shown.jkt, expected_jkt):
        raise bad_proof("the proof was made with another key than the token's")
    if nonces.at_resources() and not nonces.is_fresh(shown.nonce, now):
        raise bad_proof("the proof needs the nonce of the DPoP-Nonce header", code="use-dpop-nonce")
    return shown


def replayed_proof() -> Unauthenticated:
    """The refusal of a proof seen before."""
    return bad_proof("the proof was used before")


def seen_once(proof: Proof) -> replays.Once:
    """What is remembered of a proof."""
    return replays.Once(replays.PROOF, f"{proof.jkt} {proof.jti}", proof.expires_at)


def shown_certificate(header: str) -> str | None:
    """The thumbprint of the certificate in the header of a proxy (`platform_core.web.client_certificate`)."""
    found = read_certificate(header) if header else None
    return found.thumbprint if found else None


def verify_access(
    *, authorization: str | None, proofs: Sequence[str], method: str, url: str, now: datetime, certificate: str = ""
) -> TokenView:
    """The live access token of a request, its proof or the certificate of the connection checked.

    Raises `Unauthenticated`. What the token may do is for the caller to decide; data calls go through
    `platform_core.access.data_call` instead.
    """
    presented = read_authorization(authorization)
    token = queries.find_token(presented.token)
    if token is None or token.kind is not TokenKind.ACCESS:
        raise refused(presented, "The access token is not known.")
    check_token(
        presented,
        jkt=token.jkt,
        dead_at=token.revoked_at,
        expires_at=token.expires_at,
        now=now,
        certificate=shown_certificate(certificate),
    )
    if token.jkt and needs_proof(token.jkt):
        check_proof(
            proofs=proofs, method=method, url=url, access_token=presented.token, expected_jkt=token.jkt, now=now
        )
    return token
