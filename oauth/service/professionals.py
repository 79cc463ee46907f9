"""Professionals' software: a professional lets it work for them, for the rest of a working day."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from oauth import queries
from oauth.errors import OAuthRefusal
from oauth.models import AuthorizationRequest
from oauth.queries import TokenView
from oauth.rules import scopes
from oauth.rules.clients import Client
from oauth.rules.requests import AuthorizationAnswer
from oauth.rules.tokens import ACCESS_LIFETIME, WORKING_DAY, TokenKind
from oauth.service import codes, identity, requests, tokens
from oauth.service.codes import RedeemedCode
from oauth.service.requests import OpenedRequest
from oauth.service.tokens import Basis
from platform_core import audit
from platform_core.access import Actor
from platform_core.crypto import hash_token


@dataclass(frozen=True, slots=True)
class Presence:
    """The sign-in in which a professional answers. `acr`, `amr`: how surely and by what means they proved who they are,
    at `proven_at`."""

    professional_id: UUID
    session_id: UUID | None
    acr: str
    amr: str
    proven_at: datetime


def give_to_browser(*, opened: OpenedRequest, browser_key: str, now: datetime) -> None:
    """Bind an opened request to the browser that opened it: no other one answers."""
    requests.waiting(opened.id, now).browser_hash = hash_token(browser_key)


def find_question(*, authorization_id: UUID, browser_key: str, now: datetime) -> tuple[OpenedRequest, Client]:
    """The request that a professional has to answer, and who asks. Raises `RequestGone`, also in another browser."""
    row = _asked_here(authorization_id, browser_key, now)
    return requests.opened_view(row), queries.get_client(row.client_pk)


def answer_question(
    *, authorization_id: UUID, browser_key: str, allowed: bool, presence: Presence, by: Actor, now: datetime
) -> AuthorizationAnswer:
    """Write the answer of a professional to the software, once: a refusal too of another than the one it demands.

    Raises `RequestGone`.
    """
    row = _asked_here(authorization_id, browser_key, now)
    client, opened = queries.get_client(row.client_pk), requests.opened_view(row)
    told = requests.find_mismatch(
        opened=opened, client=client, person_id=presence.professional_id, acr=presence.acr, now=now
    )
    if told:
        return told
    row.finished_at = now
    if not allowed:
        return requests.refusal(opened, OAuthRefusal("access_denied"))
    code = codes.issue_code(
        request=row,
        bearer=codes.Bearer(presence.acr, professional_id=presence.professional_id),
        signed_in_at=presence.proven_at,
        session_id=presence.session_id,
        amr=presence.amr,
        now=now,
    )
    audit.record("oauth:software:linked", by=by, object_type="client", object_id=client.pk)
    return requests.answer_with_code(row, code)


def issue_for_professional(*, client: Client, code: RedeemedCode, jkt: str | None, now: datetime) -> dict[str, Any]:
    """The token response of a professional's code: no patient, no grant. Raises `OAuthRefusal`: another key than that
    which the request was bound to, a structure that is suspended, a working day that is over."""
    tokens.check_key(code.jkt, jkt, "the code")
    basis = Basis(
        code.id,
        None,
        None,
        None,
        code.assurance,
        code.signed_in_at,
        jkt,
        professional_id=code.professional_id,
        session_id=code.session_id,
    )
    answer = _answer(client, basis, code.scope, now)
    if scopes.OFFLINE in scopes.split(code.scope):
        end = code.signed_in_at + WORKING_DAY
        answer["refresh_token"] = tokens.store(TokenKind.REFRESH, client, basis, code.scope, now, end)
    if scopes.OPENID in scopes.split(code.scope):
        answer["id_token"] = identity.sign_id_token(
            client=client,
            basis=basis,
            nonce=code.nonce,
            sid=tokens.sid_of(client, code, now),
            amr=code.amr.split(),
            scope=code.scope,
            access_token=answer["access_token"],
            now=now,
        )
    return answer


def refresh_for_professional(
    *, client: Client, token: TokenView, scope: str, jkt: str | None, now: datetime
) -> dict[str, Any]:
    """The token response of a refresh, until the working day is over. `scope` is what the request asks, empty for all.
    Raises `OAuthRefusal`."""
    tokens.check_key(token.jkt, jkt, "the refresh token")
    basis = Basis(
        token.family_id,
        None,
        None,
        None,
        token.assurance,
        token.signed_in_at,
        jkt,
        professional_id=token.professional_id,
        session_id=token.session_id,
    )
    return _answer(client, basis, scopes.narrowed(token.scope, scope), now)


def _answer(client: Client, basis: Basis, scope: str, now: datetime) -> dict[str, Any]:
    requests.check_in_service(client)
    expires = min(now + ACCESS_LIFETIME, (basis.signed_in_at or now) + WORKING_DAY)
    if expires <= now:
        raise OAuthRefusal("invalid_grant", "The working day is over: send the professional to sign in again.")
    text = tokens.store(TokenKind.ACCESS, client, basis, scope, now, expires)
    return {**tokens.bearer(text, basis.jkt), "expires_in": int((expires - now).total_seconds()), "scope": scope}


def _asked_here(authorization_id: UUID, browser_key: str, now: datetime) -> AuthorizationRequest:
    row = requests.waiting(authorization_id, now)
    if row.browser_hash is None or not hmac.compare_digest(row.browser_hash, hash_token(browser_key)):
        raise requests.gone()
    return row
