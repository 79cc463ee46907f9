"""Tokens: opaque, 256 random bits, stored as hashes. Issue, refresh, rotate, revoke."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from oauth import queries
from oauth.errors import OAuthRefusal
from oauth.models import AuthorizationRequest, Code, Login, Token
from oauth.queries import TokenView
from oauth.rules import scopes
from oauth.rules.clients import Client
from oauth.rules.tokens import ACCESS_LIFETIME, TokenKind, confirmation, needs_proof
from oauth.service import grants, identity, logout, replays
from oauth.service.codes import RedeemedCode
from oauth.service.grants import Grant
from platform_core.crypto import hash_token
from platform_core.database import db, run
from platform_core.ids import opaque, uuid7
from store.rules.interop import Behaviour
from store.service import interop


@dataclass(frozen=True, slots=True)
class Basis:
    """What new tokens inherit from the code or from the refresh token; the app's own have no patient."""

    family_id: UUID
    patient_id: UUID | None
    person_id: UUID | None
    grant_id: UUID | None
    assurance: str
    signed_in_at: datetime | None
    jkt: str | None
    professional_id: UUID | None = None
    session_id: UUID | None = None


def issue_for_code(*, client: Client, code: RedeemedCode, jkt: str | None, now: datetime) -> dict[str, Any]:
    """The token response of a redeemed code. Raises `OAuthRefusal`: see `issue_for_grant`."""
    answer = issue_for_grant(client=client, granted=code, jkt=jkt, now=now)
    if client.is_sandbox and client.application_id:
        # No code is redeemed without the verifier of its challenge.
        interop.observe(application_id=client.application_id, behaviour=Behaviour.PKCE)
    return answer


def issue_for_grant(*, client: Client, granted: RedeemedCode, jkt: str | None, now: datetime) -> dict[str, Any]:
    """The token response of what was granted (RFC 6749 §5.1, RFC 9396 §7). Earlier tokens of that grant are revoked.

    Raises `OAuthRefusal`: the key is not the one that the request was bound to, or the consent is over already.
    """
    check_key(granted.jkt, jkt, "the code")
    if granted.patient_id is None or granted.grant_id is None:
        raise OAuthRefusal("invalid_grant", "The code has no grant.")
    grant = grants.require_live_grant(client=client, patient_id=granted.patient_id, grant_id=granted.grant_id)
    earlier = sa.update(Token).where(
        Token.grant_id == granted.grant_id, Token.client_pk == client.pk, Token.revoked_at.is_(None)
    )
    db.session.execute(earlier.values(revoked_at=now))
    scope = scopes.granted_scope(scopes.within_grants(granted.scope, client.grant_types), grant.items)
    basis = Basis(
        granted.id,
        granted.patient_id,
        granted.person_id,
        granted.grant_id,
        granted.assurance,
        granted.signed_in_at,
        jkt,
    )
    answer = _answer(client, basis, grant, scope, now)
    if scopes.OFFLINE in scopes.split(scope):
        answer["refresh_token"] = store(TokenKind.REFRESH, client, basis, scope, now, grant.ends_at)
    if scopes.OPENID in scopes.split(scope):
        answer["id_token"] = identity.sign_id_token(
            client=client,
            basis=basis,
            nonce=granted.nonce,
            sid=sid_of(client, granted, now),
            amr=granted.amr.split(),
            scope=scope,
            access_token=answer["access_token"],
            now=now,
        )
    return answer


def sid_of(client: Client, granted: RedeemedCode, now: datetime) -> str | None:
    """The `sid` of the sign-in that a code was given in, as its client knows it; None when it is not known."""
    person_id = granted.professional_id or granted.person_id
    if granted.session_id is None or person_id is None:
        return None
    return logout.open_login(client=client, session_id=granted.session_id, person_id=person_id, now=now)


def issue_for_app(
    *, client: Client, scope: str, jkt: str | None, once: Sequence[replays.Once] = (), now: datetime
) -> dict[str, Any]:
    """The token of the app itself (`client_credentials`): never a patient's data. `once` is used up with it.

    Its scope is `ens:app`, or less (Grant Management §5), or `ens:introspect` for a resource server that was given
    that right. Raises `OAuthRefusal` (`invalid_scope`).
    """
    of_apps = scopes.OF_APPS if client.may_introspect else {scopes.APP}
    allowed = of_apps | {scopes.QUERY_GRANT, scopes.REVOKE_GRANT}
    asked = scopes.split(scope) or (scopes.APP,)
    if not set(asked) <= allowed:
        replays.use_up(once)
        raise OAuthRefusal("invalid_scope", f"The scope of client_credentials is {scopes.APP}.")
    basis = Basis(uuid7(), None, None, None, "", None, jkt)
    granted = " ".join(asked)
    text = store(TokenKind.ACCESS, client, basis, granted, now, now + ACCESS_LIFETIME, once=once)
    return {**bearer(text, jkt), "scope": granted}


def find_refresh_token(*, text: str, client: Client, now: datetime) -> TokenView | None:
    """The live refresh token of that text, its row held. One that was rotated before kills its whole family."""
    token = queries.find_token(text, lock=True)
    if token is None or token.kind is not TokenKind.REFRESH or token.client_pk != client.pk:
        return None
    if token.rotated_at is not None:
        revoke_family(token.family_id, now)
        return None
    return token if token.is_live(now) else None


def refresh(*, client: Client, token: TokenView, scope: str, jkt: str | None, now: datetime) -> dict[str, Any]:
    """The token response of a refresh (RFC 6749 §6). A public client gets another refresh token in exchange.

    `scope` is what the request asks, empty for all. Served while the consent is paused or the app suspended. Raises
    `OAuthRefusal`: `invalid_grant` (`consent-ended`), `invalid_scope`.
    """
    check_key(token.jkt, jkt, "the refresh token")
    if token.patient_id is None or token.grant_id is None:
        raise OAuthRefusal("invalid_grant", "The token has no grant.")
    grant = grants.require_live_grant(client=client, patient_id=token.patient_id, grant_id=token.grant_id)
    narrowed = scopes.narrowed(token.scope, scope)
    basis = Basis(
        token.family_id,
        token.patient_id,
        token.person_id,
        token.grant_id,
        token.assurance,
        token.signed_in_at,
        jkt,
    )
    answer = _answer(client, basis, grant, narrowed, now)
    if client.is_public:
        db.session.execute(sa.update(Token).where(Token.id == token.id).values(rotated_at=now))
        answer["refresh_token"] = store(TokenKind.REFRESH, client, basis, token.scope, now, token.expires_at)
    return answer


def revoke_token(token: TokenView, *, now: datetime) -> None:
    """Revoke a token (RFC 7009 §2.1): a refresh token takes its access tokens along. The consent stays."""
    if token.kind is TokenKind.REFRESH:
        revoke_family(token.family_id, now)
        return
    db.session.execute(sa.update(Token).where(Token.id == token.id, Token.revoked_at.is_(None)).values(revoked_at=now))


def revoke_family(family_id: UUID, now: datetime) -> None:
    db.session.execute(
        sa.update(Token).where(Token.family_id == family_id, Token.revoked_at.is_(None)).values(revoked_at=now)
    )


def describe_token(token: TokenView, *, client: Client, issuer: str) -> dict[str, Any]:
    """The introspection of a live token (RFC 7662 §2.2); `{"active": False}` once its consent is over."""
    claims: dict[str, Any] = {
        "active": True,
        "iss": issuer,
        "client_id": client.client_id,
        "token_type": token_type(token.jkt),
        "scope": token.scope,
        "iat": int(token.issued_at.timestamp()),
        "exp": int(token.expires_at.timestamp()),
    }
    if token.jkt:
        claims["cnf"] = confirmation(token.jkt)
    if token.professional_id:
        active = client.structure is not None and client.structure.is_active
        told = identity.user_claims(client=client, signed_in=token, scope=token.scope) | identity.proof_claims(token)
        return claims | told if active else {"active": False}
    if token.patient_id is None or token.grant_id is None:
        return claims
    grant = grants.get_grant(client=client, patient_id=token.patient_id, grant_id=token.grant_id)
    if not grant.is_live:
        return {"active": False}
    claims |= {"grant_id": str(grant.id), "patient": grant.patient}
    claims["authorization_details"] = grant.details_within(token.scope)
    if token.person_id:
        claims |= identity.user_claims(client=client, signed_in=token, scope=token.scope)
        claims |= identity.proof_claims(token)
    return claims


def forget_dead(*, tokens_before: datetime, codes_before: datetime) -> None:
    """Delete tombstones, codes and requests that ended before these instants."""
    db.session.execute(sa.delete(Token).where(Token.expires_at < tokens_before))
    db.session.execute(sa.delete(Login).where(Login.started_at < tokens_before))
    db.session.execute(sa.delete(Code).where(Code.expires_at < codes_before))
    db.session.execute(sa.delete(AuthorizationRequest).where(AuthorizationRequest.expires_at < codes_before))


def check_key(bound: str | None, proven: str | None, what: str) -> None:
    """RFC 9449 §5 and §10: what was bound to a key is only given to who proves that key. Raises `OAuthRefusal`."""
    if bound is None:
        return
    if proven is None or not hmac.compare_digest(bound, proven):
        raise OAuthRefusal("invalid_grant", f"The proof was made with another key than the one {what} is bound to.")


def _answer(client: Client, basis: Basis, grant: Grant, scope: str, now: datetime) -> dict[str, Any]:
    expires = min(now + ACCESS_LIFETIME, grant.ends_at)
    text = store(TokenKind.ACCESS, client, basis, scope, now, expires)
    return {
        **bearer(text, basis.jkt),
        "expires_in": int((expires - now).total_seconds()),
        "scope": scope,
        "authorization_details": grant.details_within(scope),
        "grant_id": str(grant.id),
        "patient": grant.patient,
    }


def bearer(text: str, jkt: str | None) -> dict[str, Any]:
    """What every token response says of an access token."""
    return {
        "access_token": text,
        "token_type": token_type(jkt),
        "expires_in": int(ACCESS_LIFETIME.total_seconds()),
    }


def token_type(binding: str | None) -> str:
    """How a token so bound is presented."""
    return "DPoP" if needs_proof(binding) else "Bearer"


def store(
    kind: TokenKind,
    client: Client,
    basis: Basis,
    scope: str,
    now: datetime,
    expires: datetime,
    *,
    once: Sequence[replays.Once] = (),
) -> str:
    """Store a new token, and use `once` up with it; its text."""
    text, written = opaque(), replays.places(once)
    if kind is TokenKind.ACCESS:
        _note_use(client, now)
    recorded = run(
        _INSERT_ONCE if once else _INSERT,
        {
            **written,
            "once": len(written["hashes"]),
            "id": uuid7(),
            "kind": kind,
            "token_hash": hash_token(text),
            "client_pk": client.pk,
            "patient_id": basis.patient_id,
            "person_id": basis.person_id,
            "grant_id": basis.grant_id,
            "professional_id": basis.professional_id,
            "session_id": basis.session_id,
            "scope": scope,
            "jkt": basis.jkt,
            "family_id": basis.family_id,
            "assurance": basis.assurance,
            "signed_in_at": basis.signed_in_at,
            "issued_at": now,
            "expires_at": expires,
        },
    )
    replays.require_new(once, written["hashes"], recorded)
    return text


def _note_use(client: Client, now: datetime) -> None:
    """Remember that the client is in use: one write an hour, however many tokens it gets."""
    if client.last_used_at is None or client.last_used_at < now - _USE_GRAIN:
        run(_USED, {"client_pk": client.pk, "now": now, "before": now - _USE_GRAIN})


_USE_GRAIN = timedelta(hours=1)
_USED = """
UPDATE oauth_client SET last_used_at = %(now)s
 WHERE id = %(client_pk)s AND (last_used_at IS NULL OR last_used_at < %(before)s)
"""
_INSERT = """
INSERT INTO oauth_token (id, kind, token_hash, client_pk, patient_id, person_id, grant_id, professional_id, session_id,
                         scope, jkt, family_id, assurance, signed_in_at, issued_at, expires_at)
SELECT %(id)s::uuid, %(kind)s, %(token_hash)s::bytea, %(client_pk)s::uuid, %(patient_id)s::uuid, %(person_id)s::uuid,
       %(grant_id)s::uuid, %(professional_id)s::uuid, %(session_id)s::uuid, %(scope)s, %(jkt)s::text,
       %(family_id)s::uuid, %(assurance)s, %(signed_in_at)s::timestamptz, %(issued_at)s::timestamptz,
       %(expires_at)s::timestamptz
"""
_INSERT_ONCE = f"""
WITH recorded AS ({replays.RECORD}),
     stored AS ({_INSERT} WHERE (SELECT count(*) FROM recorded) = %(once)s)
SELECT value_hash FROM recorded
"""  # noqa: S608 - two statements of ours
"""The token is stored when what may be seen once was new: one statement, for the apps that ask most often."""
