"""Client metadata (RFC 7591 §2) as an app sends them to register itself, and what it may change later (RFC 7592).

What the patient reads of an app (name, logo, terms) comes from its referencing: those members are ignored, as are
unknown ones (RFC 7591 §2).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from oauth.errors import OAuthRefusal
from oauth.rules import scopes
from oauth.rules.clients import AuthMethod, Client, Profile, allowed_grants
from platform_core.errors import Fault, Invalid
from platform_core.permission import Ceiling

CODE = "authorization_code"
MOST_KEYS = 5
_MOST_VALUES = 20
_LONGEST = 2000
_ISSUED_BY_US = frozenset(
    {"registration_access_token", "registration_client_uri", "client_id_issued_at", "client_secret_expires_at"}
)
_METHODS = {AuthMethod.PRIVATE_KEY_JWT, AuthMethod.NONE}
_FIXED = {"response_types": ["code"], "subject_type": "pairwise"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asks to be registered with. `jwks` holds keys by value; `scope` is None when it names none;
    `profile` is None when the metadata leave the choice to the listing."""

    redirect_uris: tuple[str, ...]
    auth_method: AuthMethod
    jwks: tuple[Mapping[str, Any], ...]
    jwks_uri: str | None
    grant_types: tuple[str, ...]
    scope: str | None
    profile: Profile | None


def read_metadata(body: object) -> Wanted:
    """Read the body of a registration. Raises `Invalid`: `invalid_client_metadata`, `unapproved_software_statement`.

    Addresses and keys are checked where they are registered.
    """
    if not isinstance(body, dict):
        raise unfit("", "the body is a JSON object")
    if "software_statement" in body:
        raise Invalid(
            "Software statements are not read: no issuer of them is approved.", code="unapproved_software_statement"
        )
    method = _method(body)
    for name, value in _FIXED.items():
        if body.get(name, value) != value:
            raise unfit(name, f"must be {value}")
    jwks_uri = _text(body, "jwks_uri")
    jwks = _keys(body)
    if method is AuthMethod.NONE and (jwks or jwks_uri):
        raise unfit("token_endpoint_auth_method", "a public client has no key")
    if method is not AuthMethod.NONE and bool(jwks) is bool(jwks_uri):
        raise unfit("jwks", "give either jwks, with a key at least, or jwks_uri")
    return Wanted(
        redirect_uris=_texts(body, "redirect_uris", ()),
        auth_method=method,
        jwks=jwks,
        jwks_uri=jwks_uri,
        grant_types=_grant_types(body, method),
        scope=_scope(body),
        profile=_profile(body, method),
    )


def check_scope(wanted: Wanted, ceiling: Ceiling) -> None:
    """Whether every scope on health data lies within the ceiling. Raises `Invalid` (`invalid_client_metadata`)."""
    for token in scopes.split(wanted.scope or ""):
        scope = scopes.parse(token)
        if scope and not scopes.bounded(ceiling, token).items:
            raise unfit("scope", f"{token} is beyond what the application was referenced for")


def check_update(client: Client, body: Mapping[str, Any], wanted: Wanted) -> None:
    """Whether a client may change itself so (RFC 7592 §2.2).

    Whoever stole the registration token must not lead people, or the platform, to other hosts: new ones are added in
    the publisher's space. Raises `Invalid` (`invalid_client_metadata`, `invalid_redirect_uri`).
    """
    if body.get("client_id") != client.client_id:
        raise unfit("client_id", "must be that of the client")
    if given := sorted(_ISSUED_BY_US & body.keys()):
        raise unfit(given[0], "is given by the server and is not sent back")
    if wanted.auth_method is not client.auth_method:
        raise unfit("token_endpoint_auth_method", f"stays {client.auth_method}")
    if wanted.profile not in {None, client.profile}:
        raise unfit("profile", f"stays {client.profile}")
    known = {_origin(uri) for uri in client.redirect_uris}
    if any(_origin(uri) not in known for uri in wanted.redirect_uris):
        message = "hosts are added in the publisher's space"
        raise Invalid(
            f"The redirect URIs: {message}.", code="invalid_redirect_uri", faults=[Fault("redirect_uris", message)]
        )
    if wanted.jwks_uri and _origin(wanted.jwks_uri) != _origin(client.jwks_uri or ""):
        raise unfit("jwks_uri", "its host is changed in the publisher's space")


def unfit(where: str, message: str) -> Invalid:
    """The refusal of one member."""
    said = f"{where}: {message}." if where else f"{message.capitalize()}."
    return Invalid(said, code="invalid_client_metadata", faults=[Fault(where, message)])


def _method(body: Mapping[str, Any]) -> AuthMethod:
    given = body.get("token_endpoint_auth_method", AuthMethod.PRIVATE_KEY_JWT)
    if not isinstance(given, str) or given not in _METHODS:
        raise unfit("token_endpoint_auth_method", "must be private_key_jwt or none")
    return AuthMethod(given)


def _profile(body: Mapping[str, Any], method: AuthMethod) -> Profile | None:
    """The profile that `profile` names, or that `dpop_bound_access_tokens` (RFC 9449 §5.2) amounts to."""
    bound = body.get("dpop_bound_access_tokens")
    by_binding = {True: Profile.FAPI2, False: Profile.SMART}.get(bound) if isinstance(bound, bool) else None
    named = body.get("profile", by_binding)
    if method is AuthMethod.NONE and named is None:
        return Profile.SMART
    if named is not None and (not isinstance(named, str) or named not in set(Profile)):
        raise unfit("profile", f"must be {' or '.join(Profile)}")
    if by_binding not in {None, named}:
        raise unfit("dpop_bound_access_tokens", "true is the profile fapi2, false the profile smart")
    return Profile(named) if named else None


def _grant_types(body: Mapping[str, Any], method: AuthMethod) -> tuple[str, ...]:
    allowed = allowed_grants(is_public=method is AuthMethod.NONE)
    asked = _texts(body, "grant_types", (CODE,))
    for name in asked:
        if name not in allowed:
            raise unfit("grant_types", f"must be among {', '.join(allowed)}")
    return tuple(name for name in allowed if name in asked)


def _scope(body: Mapping[str, Any]) -> str | None:
    text = _text(body, "scope")
    if text is None:
        return None
    try:
        tokens = scopes.split(text)
        scopes.data_scopes(token for token in tokens if token != scopes.APP)
    except OAuthRefusal as error:
        raise unfit("scope", error.message.rstrip(".")) from None
    return " ".join(tokens)


def _keys(body: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    if body.get("jwks") is None:
        return ()
    keys = body["jwks"].get("keys") if isinstance(body["jwks"], dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise unfit("jwks", "must be a JWK Set")
    if len(keys) > MOST_KEYS:
        raise unfit("jwks", f"holds {MOST_KEYS} keys at most")
    return tuple(keys)


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > _LONGEST):
        raise unfit(name, f"must be a text of {_LONGEST} characters at most")
    return value


def _texts(body: Mapping[str, Any], name: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    value = body.get(name)
    if value is None:
        return otherwise
    if not isinstance(value, list) or len(value) > _MOST_VALUES:
        raise unfit(name, f"must be a list of {_MOST_VALUES} texts at most")
    if not all(isinstance(text, str) and len(text) <= _LONGEST for text in value):
        raise unfit(name, f"holds texts of {_LONGEST} characters at most")
    return tuple(dict.fromkeys(value))


def _origin(uri: str) -> tuple[str, str]:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return "", uri
    return parts.scheme, parts.netloc
