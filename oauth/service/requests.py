"""The way of an authorization request: pushed or come through the browser, opened once, decided, answered."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from consent.service import requests as consent
from consent.workflow import RequestStatus
from oauth import queries
from oauth.errors import OAuthRefusal, RequestGone, UnknownRedirect
from oauth.models import AuthorizationRequest
from oauth.rules.clients import Client
from oauth.rules.demands import Demand
from oauth.rules.details import Asked
from oauth.rules.grants import GrantAction, GrantChange
from oauth.rules.requests import (
    AuthorizationAnswer,
    ResponseMode,
    ValidRequest,
    answer,
    read_request,
    redirect_uri_of,
    response_mode_of,
)
from oauth.rules.tokens import OPENED_LIFETIME, PUSHED_LIFETIME
from oauth.service import ceilings, codes, grants, identity, logout
from platform_core import clock, config
from platform_core.access import Actor
from platform_core.crypto import hash_token
from platform_core.database import db
from platform_core.ids import opaque

URN = "urn:ietf:params:oauth:request_uri:"


@dataclass(frozen=True, slots=True)
class OpenedRequest:
    """A request in the hands of the browser: where its answer goes, and the consent that it waits for. Without `asked`
    it waits for a professional, not for a patient."""

    id: UUID
    client_pk: UUID
    redirect_uri: str
    state: str | None
    response_mode: ResponseMode
    change: GrantChange
    demand: Demand
    opened_at: datetime
    scope: str
    asked: Asked | None
    consent_request_id: UUID | None

    def is_met(self, client: Client, *, person_id: UUID, acr: str, proven_at: datetime, now: datetime) -> bool:
        """Whether that sign-in of a person is what the app demands."""
        subject = identity.subject(client, person_id)
        opened_at = self.opened_at
        return self.demand.is_met(acr=acr, subject=subject, proven_at=proven_at, opened_at=opened_at, now=now)


def push_request(*, client: Client, parameters: Mapping[str, str], jkt: str | None, now: datetime) -> tuple[str, int]:
    """Store a request sent by the client itself (RFC 9126 §2). Returns its `request_uri` and its life in seconds.

    `jkt` is the key of the proof that came with it; both it and `dpop_jkt` bind the code (RFC 9449 §10). Raises
    `OAuthRefusal`.
    """
    if "request_uri" in parameters:
        raise OAuthRefusal("invalid_request", "A pushed request holds no request_uri.")
    try:
        valid = _read(client, parameters)
    except UnknownRedirect as error:
        raise OAuthRefusal("invalid_request", error.message) from None
    if jkt and valid.dpop_jkt and jkt != valid.dpop_jkt:
        raise OAuthRefusal("invalid_dpop_proof", "dpop_jkt is not the key of the proof.")
    return _store(client, valid, jkt=jkt or valid.dpop_jkt, now=now), int(PUSHED_LIFETIME.total_seconds())


def store_direct_request(*, client: Client, parameters: Mapping[str, str], now: datetime) -> str:
    """Store a request whose parameters came through the browser, which only `smart` clients may send.

    Returns a `request_uri` to open like a pushed one. Raises `UnknownRedirect`, then `OAuthRefusal`, which may be told
    to the redirect URI.
    """
    redirect_uri_of(client, parameters)
    if client.binds_tokens:
        raise OAuthRefusal("invalid_request", "This client must push its requests.")
    return _store(client, _read(client, parameters), jkt=None, now=now)


def open_pushed_request(*, request_uri: str, client_id: str, now: datetime) -> OpenedRequest:
    """Take a pushed request out of its envelope: it then lives half an hour, for one answer. Raises `RequestGone`.

    It may be opened again while its `request_uri` lasts and nobody answered, since a previewer of links or a browser
    that reloads opens it too (FAPI 2.0 Security Profile §5.3.2.2, note 3); the last who opened it decides.
    """
    client = queries.find_client(client_id)
    if client is None or not request_uri.startswith(URN):
        raise gone()
    opened = (
        sa.update(AuthorizationRequest)
        .where(
            AuthorizationRequest.request_uri_hash == hash_token(request_uri.removeprefix(URN)),
            AuthorizationRequest.client_pk == client.pk,
            AuthorizationRequest.finished_at.is_(None),
            AuthorizationRequest.created_at > now - PUSHED_LIFETIME,
        )
        .values(opened_at=now, expires_at=now + OPENED_LIFETIME)
        .returning(AuthorizationRequest)
    )
    row = db.session.scalar(opened)
    if row is None:
        raise gone()
    return opened_view(row)


def hand_over(*, opened: OpenedRequest, browser_key: str, by: Actor) -> UUID:
    """Put an opened request before the patient; only that browser may bring the decision back.

    Returns the id of the consent request, whose page is `/consentement/<id>`. Raises `OAuthRefusal`
    (`unauthorized_client`) when the application lost its listing meanwhile.
    """
    client, asked = queries.get_client(opened.client_pk), opened.asked
    if asked is None:
        raise gone()
    request_id = consent.open_request(
        app=ceilings.app_facts(client),
        items=asked.items,
        ceiling=ceilings.get_ceiling(client),
        purpose=asked.purpose,
        valid_until=asked.valid_until,
        resume_path=resume_path(opened.id),
        browser_key=browser_key,
        grant_id=opened.change.grant_id,
        merges=opened.change.merges,
        replaces=opened.consent_request_id,
        by=by,
    )
    chosen = sa.update(AuthorizationRequest).where(AuthorizationRequest.id == opened.id)
    db.session.execute(chosen.values(consent_request_id=request_id))
    return request_id


def find_opened_request(*, authorization_id: UUID, now: datetime) -> OpenedRequest:
    """An opened request that waits for the person to sign in. Raises `RequestGone`."""
    return opened_view(waiting(authorization_id, now))


def find_mismatch(
    *, opened: OpenedRequest, client: Client, person_id: UUID, acr: str, now: datetime
) -> AuthorizationAnswer | None:
    """The answer once a person came back from signing in and cannot be the one whom the app demands, or has not the
    level (`login_required`, `unmet_authentication_requirements`: RFC 9470 §5). None when they may go on."""
    error = _mismatch(opened, client, person_id, acr)
    if error is None:
        return None
    waiting(opened.id, now).finished_at = now
    return refusal(opened, error)


def _mismatch(opened: OpenedRequest, client: Client, person_id: UUID, acr: str) -> OAuthRefusal | None:
    subject = identity.subject(client, person_id)
    if opened.demand.suits(acr=acr, subject=subject):
        return None
    if opened.demand.subject in {None, subject}:
        return OAuthRefusal("unmet_authentication_requirements", "The person signed in at a lower level.")
    return OAuthRefusal("login_required", "Another person signed in than the one of the id_token_hint.")


def refuse_silence(*, opened: OpenedRequest, is_signed_in: bool, now: datetime) -> AuthorizationAnswer:
    """The answer to `prompt=none`: each request is put before the patient, so that silence never grants anything."""
    row = waiting(opened.id, now)
    row.finished_at = now
    code = "consent_required" if is_signed_in else "login_required"
    return refusal(opened, OAuthRefusal(code, "Nothing is granted unseen: ask without the prompt none."))


def resume_path(authorization_id: UUID) -> str:
    """Where the consent sends the browser once the patient has decided."""
    return f"/oauth/authorize/resume/{authorization_id}"


def answer_request(
    *,
    authorization_id: UUID,
    browser_key: str,
    signed_in_at: datetime | None,
    session_id: UUID | None = None,
    amr: str = "",
    now: datetime,
) -> AuthorizationAnswer:
    """Read the patient's decision, once, and write the answer to the app.

    A refusal, a postponement or a request that expired on the consent page all say `access_denied`. Raises
    `RequestGone`; from the consent, `NotFound` in another browser, `Conflict` before the patient answered.
    """
    row = waiting(authorization_id, now)
    if row.consent_request_id is None:
        raise gone()
    outcome = consent.take_decision(request_id=row.consent_request_id, browser_key=browser_key)
    row.finished_at = now
    opened = opened_view(row)
    if outcome.outcome is not RequestStatus.GRANTED or outcome.person_id is None:
        return refusal(opened, OAuthRefusal("access_denied"))
    told = _mismatch(opened, queries.get_client(row.client_pk), outcome.person_id, outcome.assurance)
    if told is not None:
        return refusal(opened, told)
    code = codes.issue_code(
        request=row,
        bearer=codes.Bearer.of(outcome),
        signed_in_at=signed_in_at or outcome.decided_at or now,
        session_id=session_id,
        amr=amr,
        now=now,
    )
    return answer_with_code(row, code)


def answer_with_code(row: AuthorizationRequest, code: str) -> AuthorizationAnswer:
    """The answer that gives the app its code."""
    return _answer(row.redirect_uri, {"code": code, "state": row.state}, ResponseMode(row.response_mode))


def refusal(opened: OpenedRequest, error: OAuthRefusal) -> AuthorizationAnswer:
    """The answer that tells the app of an error (RFC 6749 §4.1.2.1)."""
    return _refusal(opened.redirect_uri, opened.state, error, opened.response_mode)


def direct_refusal(client: Client, parameters: Mapping[str, str], error: OAuthRefusal) -> AuthorizationAnswer:
    """The same for a request that could not be stored. Raises `UnknownRedirect`."""
    redirect_uri = redirect_uri_of(client, parameters)
    mode = response_mode_of(redirect_uri, parameters.get("response_mode"))
    return _refusal(redirect_uri, parameters.get("state"), error, mode)


def _refusal(redirect_uri: str, state: str | None, error: OAuthRefusal, mode: ResponseMode) -> AuthorizationAnswer:
    told = {"error": error.code, "error_description": error.message or None, "state": state}
    return _answer(redirect_uri, told, mode)


def _answer(redirect_uri: str, told: Mapping[str, str | None], mode: ResponseMode) -> AuthorizationAnswer:
    return answer(redirect_uri, told, mode=mode, issuer=config.current().base_url)


def check_in_service(client: Client) -> None:
    """Raise `OAuthRefusal` (`unauthorized_client`) while the structure of some software is suspended."""
    if client.structure and not client.structure.is_active:
        raise OAuthRefusal("unauthorized_client", "The structure that holds this client is suspended.")


def _read(client: Client, parameters: Mapping[str, str]) -> ValidRequest:
    redirect_uri_of(client, parameters)  # before the refusals that may be told there
    if "authorization_code" not in client.grant_types:
        raise OAuthRefusal("unauthorized_client", "The client did not register the grant type authorization_code.")
    check_in_service(client)
    valid = read_request(
        client,
        parameters,
        ceiling=None if client.structure else ceilings.get_ceiling(client),
        audience=config.current().base_url + "/fhir",
        today=clock.today(),
    )
    if valid.asked:
        grants.require_own_grant(client=client, change=valid.change, purpose=valid.asked.purpose)
    if "id_token_hint" not in parameters:
        return valid
    return replace(valid, demand=replace(valid.demand, subject=_subject(client, parameters["id_token_hint"])))


def _subject(client: Client, id_token: str) -> str:
    hinted = logout.find_hinted(id_token)
    if hinted is None or hinted.client.pk != client.pk:
        raise OAuthRefusal("invalid_request", "The id_token_hint is not an id_token of this client.")
    return hinted.subject


def _store(client: Client, valid: ValidRequest, *, jkt: str | None, now: datetime) -> str:
    reference = opaque()
    row = AuthorizationRequest(
        client_pk=client.pk,
        request_uri_hash=hash_token(reference),
        redirect_uri=valid.redirect_uri,
        state=valid.state,
        nonce=valid.nonce,
        scope=valid.scope,
        code_challenge=valid.code_challenge,
        response_mode=valid.response_mode,
        jkt=jkt,
        grant_action=valid.change.action,
        grant_id=valid.change.grant_id,
        demand=asdict(valid.demand),
        asked=valid.asked.to_json() if valid.asked else None,
        created_at=now,
        expires_at=now + PUSHED_LIFETIME,
    )
    db.session.add(row)
    db.session.flush()
    return URN + reference


def waiting(authorization_id: UUID, now: datetime) -> AuthorizationRequest:
    """The row of a request that waits for its answer, held. Raises `RequestGone`."""
    query = sa.select(AuthorizationRequest).where(
        AuthorizationRequest.id == authorization_id,
        AuthorizationRequest.finished_at.is_(None),
        AuthorizationRequest.expires_at > now,
    )
    row = db.session.scalar(query.with_for_update())
    if row is None:
        raise gone()
    return row


def opened_view(row: AuthorizationRequest) -> OpenedRequest:
    """The row as the pages read it."""
    asked = Asked.from_json(row.asked) if row.asked else None
    mode = ResponseMode(row.response_mode)
    change = GrantChange(GrantAction(row.grant_action) if row.grant_action else None, row.grant_id)
    return OpenedRequest(
        row.id,
        row.client_pk,
        row.redirect_uri,
        row.state,
        mode,
        change,
        Demand(**row.demand),
        row.opened_at or row.created_at,
        row.scope,
        asked,
        row.consent_request_id,
    )


def gone() -> RequestGone:
    """The refusal of a request that nobody can answer any more."""
    return RequestGone("This request is no longer open: start again from the application.")
