"""From the wish to connect to a grant: the request, the browser's return, the exchange of the code."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from ._authorization import AuthorizationServer
from ._keys import ProofKey, challenge_of
from ._models import Grant, Json, Login
from ._times import now
from .errors import AuthorizationRefused, PartnerError

DETAIL_TYPE = "urn:ens:health-data"


def health_data_detail(
    *,
    datatypes: Iterable[str],
    actions: Iterable[str],
    purpose: str,
    periodicity: Mapping[str, Any] | None = None,
    data_period: tuple[date | str | None, date | str | None] | Mapping[str, Any] | None = None,
    valid_until: date | str | None = None,
) -> Json:
    """The authorization detail (RFC 9396) of a request for health data; what is None is left to the listing's
    defaults.

    `data_period` is (from, to), both days inclusive, or a mapping of the same names. Raises TypeError when a
    single text stands where a list is meant.
    """
    for name, given in (("datatypes", datatypes), ("actions", actions)):
        if isinstance(given, str):
            raise TypeError(f"{name} is a list: write {name}=[{given!r}].")
    detail: Json = {
        "type": DETAIL_TYPE,
        "datatypes": list(datatypes),
        "actions": list(actions),
        "purpose": purpose,
    }
    if periodicity is not None:
        detail["periodicity"] = dict(periodicity)
    if data_period is not None:
        bounds = (
            data_period if isinstance(data_period, Mapping) else dict(zip(("from", "to"), data_period, strict=True))
        )
        detail["data_period"] = {name: _day(bound) for name, bound in bounds.items()}
    if valid_until is not None:
        detail["valid_until"] = _day(valid_until)
    return detail


def start(
    server: AuthorizationServer,
    *,
    details: Iterable[Json],
    scope: str,
    redirect_uri: str,
    audience: str | None,
    proof_key: ProofKey | None,
) -> Login:
    """Push the request (PAR, PKCE S256, and the proof that binds the code to the grant's key) and return the
    login."""
    verifier = secrets.token_urlsafe(48)
    state = secrets.token_urlsafe(24)
    parameters = {
        "response_type": "code",
        "client_id": server.client_id,
        "redirect_uri": redirect_uri,
        "scope": scope,
        "state": state,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
        "authorization_details": json.dumps(list(details)),
    }
    if audience is not None:
        parameters["aud"] = audience
    request_uri = server.push(parameters, proof_key)
    query = urlencode({"client_id": server.client_id, "request_uri": request_uri})
    return Login(
        url=f"{server.metadata()['authorization_endpoint']}?{query}",
        state=state,
        issuer=server.issuer,
        request_uri=request_uri,
        redirect_uri=redirect_uri,
        code_verifier=verifier,
        dpop_key=proof_key.to_jwk() if proof_key else None,
    )


def finish(server: AuthorizationServer, login: Login, callback_url: str) -> Grant:
    """Check the callback and exchange its code. Raises AuthorizationRefused, or what the token endpoint
    answered."""
    code = read_callback(login, callback_url, issuer=server.issuer)
    proof_key = ProofKey.from_jwk(login.dpop_key) if login.dpop_key else None
    parameters = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": login.redirect_uri,
        "code_verifier": login.code_verifier,
    }
    # A code presented twice kills the grant, so the exchange is not repeated when its outcome is in doubt.
    return grant_from(server.token(parameters, proof_key, repeatable=False), dpop_key=login.dpop_key)


def read_callback(login: Login, callback_url: str, *, issuer: str) -> str:
    """The authorization code of a callback that answers this very login.

    Checks `state` in constant time, then `iss` (RFC 9207 §2.4), then the error. Raises AuthorizationRefused.
    """
    query = parse_qs(urlsplit(callback_url).query, keep_blank_values=True)
    if any(len(values) > 1 for values in query.values()):
        raise AuthorizationRefused("malformed-callback", "a parameter is given twice")
    answer = {name: values[0] for name, values in query.items()}
    if not hmac.compare_digest(answer.get("state", "").encode(), login.state.encode()):
        raise AuthorizationRefused("state-mismatch", "the callback does not belong to this login")
    if answer.get("iss") != issuer or login.issuer != issuer:
        raise AuthorizationRefused("issuer-mismatch", "the callback comes from another authorization server")
    if "error" in answer:
        raise AuthorizationRefused(answer["error"], answer.get("error_description"))
    if not answer.get("code"):
        raise AuthorizationRefused("malformed-callback", "it holds neither code nor error")
    return answer["code"]


def grant_from(answer: Mapping[str, Any], *, dpop_key: Json | None, previous: Grant | None = None) -> Grant:
    """The grant of a token response; what a refresh does not repeat is kept from the `previous` one."""
    kept = {} if previous is None else {"grant_id": previous.grant_id, "patient": previous.patient}
    known = {**kept, **{name: value for name, value in answer.items() if value is not None}}
    missing = [name for name in ("access_token", "expires_in", "grant_id", "patient") if name not in known]
    if missing:
        raise PartnerError(f"The token response lacks {', '.join(missing)}.")
    details = known.get("authorization_details")
    return Grant(
        grant_id=known["grant_id"],
        patient=known["patient"],
        access_token=known["access_token"],
        expires_at=now() + timedelta(seconds=int(known["expires_in"])),
        refresh_token=known.get("refresh_token") or (previous.refresh_token if previous else None),
        scope=known.get("scope") or (previous.scope if previous else ""),
        authorization_details=tuple(details)
        if details is not None
        else (previous.authorization_details if previous else ()),
        dpop_key=dpop_key,
    )


def _day(day: date | str | None) -> str | None:
    return day.isoformat() if isinstance(day, date) else day
