"""The authorization request (RFC 6749 §4.1.1, RFC 7636, RFC 9126), whichever way it came."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from urllib.parse import urlencode, urlsplit

from oauth.errors import OAuthRefusal, UnknownRedirect
from oauth.rules import details, scopes, user_scopes
from oauth.rules.clients import Client, Profile, redirect_matches
from oauth.rules.demands import Demand, read_demand
from oauth.rules.grants import GrantChange, read_change
from platform_core.permission import Ceiling

_CHALLENGE = re.compile(r"[A-Za-z0-9\-_]{43}")
_THUMBPRINT = re.compile(r"[A-Za-z0-9\-_]{43}")
_LONGEST = 2048


class ResponseMode(StrEnum):
    """How the answer reaches the app: in its address, or in a form that the browser posts to it."""

    QUERY = "query"
    FORM_POST = "form_post"


@dataclass(frozen=True, slots=True)
class AuthorizationAnswer:
    """An authorization response (RFC 6749 §4.1.2), `iss` included (RFC 9207 §2)."""

    redirect_uri: str
    parameters: Mapping[str, str]
    mode: ResponseMode

    @property
    def address(self) -> str:
        """The redirect URI with the answer in its query."""
        separator = "&" if urlsplit(self.redirect_uri).query else "?"
        return f"{self.redirect_uri}{separator}{urlencode(self.parameters)}"


@dataclass(frozen=True, slots=True)
class ValidRequest:
    """A request that may be put before the patient, or, when it asks for no data of one, before a professional.
    `dpop_jkt` is the key thumbprint it names (RFC 9449 §10)."""

    redirect_uri: str
    state: str | None
    nonce: str | None
    scope: str
    code_challenge: str
    dpop_jkt: str | None
    response_mode: ResponseMode
    change: GrantChange
    demand: Demand
    asked: details.Asked | None


def given_once(lists: Iterable[tuple[str, Sequence[str]]]) -> dict[str, str]:
    """The parameters that have a value, each given once (RFC 6749 §3.1 and §3.2).

    `resource` alone may be repeated (RFC 8707 §2): its values are joined by spaces, which no address holds. Raises
    `OAuthRefusal`.
    """
    found = {}
    for name, values in lists:
        if len(values) > 1 and name != "resource":
            raise OAuthRefusal("invalid_request", "A parameter is given more than once.")
        if text := " ".join(value for value in values if value):
            found[name] = text
    return found


def redirect_uri_of(client: Client, parameters: Mapping[str, str]) -> str:
    """The registered address to answer to. Raises `UnknownRedirect`: then nothing may be redirected anywhere."""
    given = parameters.get("redirect_uri")
    if given is None and len(client.redirect_uris) == 1 and not client.binds_tokens:
        return client.redirect_uris[0]
    if given is None or not redirect_matches(client, given):
        raise UnknownRedirect("The redirect URI is not one that this application registered.")
    return given


def read_request(
    client: Client, parameters: Mapping[str, str], *, ceiling: Ceiling | None, audience: str, today: date
) -> ValidRequest:
    """Check a request and read what it asks for; `ceiling` is None for professionals' software, which asks no patient.

    `audience` is the FHIR base that a SMART `aud` must name. Raises `UnknownRedirect` first of all, then
    `OAuthRefusal`, whose code may be sent to the redirect URI.
    """
    redirect_uri = redirect_uri_of(client, parameters)
    mode = response_mode_of(redirect_uri, parameters.get("response_mode"))
    _check_response(parameters, mode)
    _check_audience(client, parameters, audience)
    scope, asked = _read_scope(parameters, ceiling, today)
    return ValidRequest(
        redirect_uri=redirect_uri,
        state=_bounded(parameters, "state"),
        nonce=_bounded(parameters, "nonce"),
        scope=scope,
        code_challenge=_challenge(parameters),
        dpop_jkt=_thumbprint(parameters),
        response_mode=mode,
        change=read_change(parameters),
        demand=read_demand(parameters),
        asked=asked,
    )


def _read_scope(
    parameters: Mapping[str, str], ceiling: Ceiling | None, today: date
) -> tuple[str, details.Asked | None]:
    if ceiling is None:
        return user_scopes.read_scope(parameters), None
    scope = parameters.get("scope", "")
    return " ".join(scopes.split(scope)), _asked(parameters, scope, ceiling, today)


def read_device_request(
    parameters: Mapping[str, str], *, ceiling: Ceiling, audience: str, today: date
) -> tuple[str, details.Asked]:
    """What a device asks for (RFC 8628 §3.1): its scope, and what that amounts to. Raises `OAuthRefusal`."""
    check_resources(parameters, audience)
    scope = parameters.get("scope", "")
    return " ".join(scopes.split(scope)), _asked(parameters, scope, ceiling, today)


def _check_response(parameters: Mapping[str, str], mode: ResponseMode) -> None:
    if "request" in parameters:
        raise OAuthRefusal("request_not_supported", "Request objects are not read: push the parameters.")
    if "response_type" not in parameters:
        raise OAuthRefusal("invalid_request", "response_type is missing.")
    if parameters["response_type"] != "code":
        raise OAuthRefusal("unsupported_response_type", "The response_type is code.")
    if parameters.get("response_mode", ResponseMode.QUERY) != mode:
        raise OAuthRefusal("invalid_request", "The response_mode is query, or form_post to a web address.")


def _check_audience(client: Client, parameters: Mapping[str, str], audience: str) -> None:
    """The FHIR base as SMART App Launch 2.2 names it (`aud`, which its apps must send) and as RFC 8707 does."""
    given = parameters.get("aud")
    check_resources(parameters, audience)
    if given is None and "resource" not in parameters and client.profile is Profile.SMART:
        raise OAuthRefusal("invalid_request", f"aud is missing: it is {audience}.")
    if given is not None and given.rstrip("/") != audience:
        raise OAuthRefusal("invalid_request", f"aud must be {audience}.")


def check_resources(parameters: Mapping[str, str], audience: str) -> None:
    """RFC 8707 §2: a token is for the FHIR base and for nothing else. Raises `OAuthRefusal` (`invalid_target`)."""
    if any(named.rstrip("/") != audience for named in parameters.get("resource", "").split()):
        raise OAuthRefusal("invalid_target", f"resource must be {audience}.")


def _bounded(parameters: Mapping[str, str], name: str) -> str | None:
    value = parameters.get(name)
    if value is not None and len(value) > _LONGEST:
        raise OAuthRefusal("invalid_request", f"{name} is longer than {_LONGEST} characters.")
    return value


def _challenge(parameters: Mapping[str, str]) -> str:
    """The S256 challenge that every client sends: `plain`, its default in RFC 7636, is not accepted."""
    challenge = parameters.get("code_challenge", "")
    if not challenge:
        raise OAuthRefusal("invalid_request", "code_challenge is missing.")
    if parameters.get("code_challenge_method") != "S256":
        raise OAuthRefusal("invalid_request", "code_challenge_method must be S256.")
    if not _CHALLENGE.fullmatch(challenge):
        raise OAuthRefusal("invalid_request", "code_challenge must be 43 base64url characters.")
    return challenge


def _thumbprint(parameters: Mapping[str, str]) -> str | None:
    given = parameters.get("dpop_jkt")
    if given is not None and not _THUMBPRINT.fullmatch(given):
        raise OAuthRefusal("invalid_request", "dpop_jkt is not a SHA-256 thumbprint.")
    return given


def _asked(parameters: Mapping[str, str], scope: str, ceiling: Ceiling, today: date) -> details.Asked:
    wanted = scopes.data_scopes(scopes.split(scope))
    if "authorization_details" in parameters:
        return details.read_details(parameters["authorization_details"], ceiling=ceiling, today=today)
    if not wanted:
        raise OAuthRefusal("invalid_scope", "No health data is asked: send authorization_details or SMART scopes.")
    return scopes.read_scopes(wanted, ceiling=ceiling, today=today)


def answer(
    redirect_uri: str, parameters: Mapping[str, str | None], *, mode: ResponseMode, issuer: str
) -> AuthorizationAnswer:
    """An authorization response; absent parameters stay absent."""
    pairs = {name: value for name, value in parameters.items() if value is not None}
    return AuthorizationAnswer(redirect_uri, {**pairs, "iss": issuer}, mode)


def response_mode_of(redirect_uri: str, given: str | None) -> ResponseMode:
    """The mode that a request names, if it is one that fits the address; the query otherwise. Never raises: an error
    about the mode itself has to be told in some mode."""
    if given == ResponseMode.FORM_POST and urlsplit(redirect_uri).scheme in {"https", "http"}:
        return ResponseMode.FORM_POST
    return ResponseMode.QUERY
