"""What a client is and where its answers may go."""

import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from oauth.workflow import StructureState
from platform_core.errors import Fault, Invalid

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


class Environment(StrEnum):
    PRODUCTION = "production"
    SANDBOX = "sandbox"


class Profile(StrEnum):
    """`fapi2`: confidential, pushed requests, tokens bound by DPoP. `smart`: SMART App Launch, Bearer tokens."""

    FAPI2 = "fapi2"
    SMART = "smart"


class ClientStatus(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"


class AuthMethod(StrEnum):
    """How a client authenticates: by an assertion (RFC 7523), not at all, or by a certificate (RFC 8705 §2)."""

    PRIVATE_KEY_JWT = "private_key_jwt"
    NONE = "none"
    TLS = "tls_client_auth"
    SELF_SIGNED_TLS = "self_signed_tls_client_auth"


@dataclass(frozen=True, slots=True)
class KeySet:
    """What is known of the keys that a client publishes; `fresh_until` is the end of the present copy."""

    fetched_at: datetime
    fresh_until: datetime
    fault: str | None


@dataclass(frozen=True, slots=True)
class Structure:
    """The establishment or practice that holds a client, known by its FINESS number."""

    id: UUID
    finess: str
    name: str
    state: StructureState

    @property
    def is_active(self) -> bool:
        return self.state is StructureState.ACTIVE


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client as the endpoints read it.

    `keys` are the public JWKs that authenticate it now: those registered, or those last fetched from `jwks_uri`
    (`keyset`, None before the first time). `tls_subject` holds one metadata name of RFC 8705 §2.1.2 and its value.
    `last_used_at` is when it last got a token, to the hour. `registered_grants` and `scope` are what it registered
    dynamically, None for all that its profile and its ceiling allow; `may_introspect` is a right of resource servers.
    With a `structure` it is software of professionals: no patient consents to it, a professional works with it.
    """

    pk: UUID
    client_id: str
    application_id: UUID | None
    organisation_id: UUID | None
    environment: Environment
    profile: Profile
    is_public: bool
    name: str
    redirect_uris: tuple[str, ...]
    keys: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    auth_method: AuthMethod = AuthMethod.PRIVATE_KEY_JWT
    jwks_uri: str | None = None
    keyset: KeySet | None = None
    tls_subject: Mapping[str, str] | None = None
    last_used_at: datetime | None = None
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    registered_grants: tuple[str, ...] | None = None
    scope: str | None = None
    may_introspect: bool = False
    structure: Structure | None = None

    @property
    def app_id(self) -> UUID:
        """What a consent is given to: the application, or in the sandbox this very client. What a structure's software
        knows people under is its structure's."""
        if self.structure:
            return self.structure.id
        if self.environment is Environment.PRODUCTION and self.application_id:
            return self.application_id
        return self.pk

    @property
    def is_sandbox(self) -> bool:
        return self.environment is Environment.SANDBOX

    @property
    def binds_tokens(self) -> bool:
        """Whether its tokens are bound to a key (DPoP) instead of Bearer."""
        return self.profile is Profile.FAPI2

    @property
    def grant_types(self) -> tuple[str, ...]:
        if self.structure:
            return ("authorization_code", "refresh_token")
        allowed = allowed_grants(is_public=self.is_public)
        if self.registered_grants is None:
            return allowed
        return tuple(name for name in allowed if name in self.registered_grants)


def allowed_grants(*, is_public: bool) -> tuple[str, ...]:
    """The grant types that a client may use, all of them unless it registered fewer."""
    shared = ("authorization_code", "refresh_token", DEVICE_CODE)
    return shared if is_public else (*shared, "client_credentials")


_NATIVE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
_LOOPBACK_NAMES = {"localhost"}


def check_redirect_uri(uri: str, *, is_public: bool, allow_loopback: bool) -> None:
    """Whether an address may be registered: https, a native app's own scheme, loopback http when it is allowed.

    Raises `Invalid` (`invalid_redirect_uri`, RFC 7591 §3.2.2); RFC 6749 §3.1.2 forbids fragments, RFC 8252 §7 rules
    native apps.
    """
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        raise _bad_redirect("is not a URL") from None
    if "#" in uri or "*" in uri or "\\" in uri or any(ord(c) <= 32 or ord(c) > 126 for c in uri):
        raise _bad_redirect("must have no fragment, no wildcard and ASCII characters only")
    if parts.username is not None or parts.password is not None:
        raise _bad_redirect("must hold no user name")
    if not _may_register(parts, is_public=is_public, allow_loopback=allow_loopback):
        raise _bad_redirect("must be an https address (or a loopback one for a native app or the sandbox)")


def _may_register(parts: SplitResult, *, is_public: bool, allow_loopback: bool) -> bool:
    if parts.scheme == "https":
        return bool(parts.hostname)
    if parts.scheme == "http":
        return is_loopback(parts.hostname) and (is_public or allow_loopback)
    return is_public and bool(_NATIVE_SCHEME.fullmatch(parts.scheme)) and not parts.netloc


def _bad_redirect(message: str) -> Invalid:
    return Invalid(
        f"The redirect URI {message}.", code="invalid_redirect_uri", faults=[Fault("redirect_uris", message)]
    )


def is_loopback(host: str | None) -> bool:
    try:
        return host in _LOOPBACK_NAMES or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def redirect_matches(client: Client, uri: str) -> bool:
    """Whether the address is registered, as an exact string.

    The one exception is the port of a loopback address of a native app (RFC 8252 §7.3).
    """
    if any(hmac.compare_digest(uri.encode(), known.encode()) for known in client.redirect_uris):
        return True
    return client.is_public and any(_same_but_port(uri, known) for known in client.redirect_uris)


def _same_but_port(uri: str, known: str) -> bool:
    try:
        asked, registered = urlsplit(uri), urlsplit(known)
        port = asked.port
    except ValueError:
        return False
    if registered.scheme != "http" or not is_loopback(registered.hostname) or port is None:
        return False
    host = f"[{registered.hostname}]" if ":" in (registered.hostname or "") else registered.hostname
    return uri == registered._replace(netloc=f"{host}:{port}").geturl()
