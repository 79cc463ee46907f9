"""Scopes: those of OpenID Connect and SMART App Launch 2.2, translated to items and back."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from consent.rules.choices import longest
from oauth.errors import OAuthRefusal
from oauth.rules.details import Asked, default_purpose, oldest_day
from platform_core.access import Access, DatePeriod
from platform_core.categories import Category, registry
from platform_core.permission import Ceiling, PermissionItem

APP = "ens:app"
INTROSPECT = "ens:introspect"
OF_APPS = frozenset({APP, INTROSPECT})
OFFLINE = "offline_access"
OPENID = "openid"
CONSENT = "patient/Consent.rs"
QUERY_GRANT = "grant_management_query"
REVOKE_GRANT = "grant_management_revoke"
PLAIN = frozenset({OPENID, "fhirUser", OFFLINE, "launch/patient", CONSENT, QUERY_GRANT, REVOKE_GRANT})
_MOST = 200
_SMART = re.compile(r"patient/([A-Za-z]+|\*)\.(c?r?u?d?s?)(?:\?(.+))?")
_VERSION_1 = re.compile(r"(patient/(?:[A-Za-z]+|\*))\.(read|write|\*)")
_VERBS = {"read": "rs", "write": "cud", "*": "cruds"}


@dataclass(frozen=True, slots=True)
class SmartScope:
    """A SMART v2 scope on a patient's data: resource type or `*`, accesses, and the query that narrows it."""

    resource: str
    accesses: frozenset[Access]
    query: str

    def covers(self, category: Category) -> bool:
        if self.resource not in {"*", category.smart.resource}:
            return False
        return not self.query or self.query in {category.smart.query, *category.smart.also, _family_query(category)}


def _family_query(category: Category) -> str:
    return next((f.smart_query for f in registry.families() if f.code == category.family), "")


def split(text: str) -> tuple[str, ...]:
    """The scope tokens of a request, each once, in their order. Raises `OAuthRefusal` (`invalid_scope`)."""
    tokens = tuple(dict.fromkeys(text.split(" "))) if text else ()
    tokens = tuple(token for token in tokens if token)
    if len(tokens) > _MOST or any(not token.isascii() or '"' in token or "\\" in token for token in tokens):
        raise OAuthRefusal("invalid_scope", "The scope is malformed.")
    return tokens


def parse(token: str) -> SmartScope | None:
    """Read a SMART scope, v2 or v1 (`.read`, `.write`, `.*`); None when it is not one on a patient's data."""
    if older := _VERSION_1.fullmatch(token):
        token = f"{older[1]}.{_VERBS[older[2]]}"
    match = _SMART.fullmatch(token)
    if match is None or not match[2]:
        return None
    verbs = set(match[2])
    accesses = {Access.READ} if verbs & {"r", "s"} else set()
    if verbs & {"c", "u"}:
        accesses.add(Access.WRITE)
    return SmartScope(match[1], frozenset(accesses), match[3] or "")


def data_scopes(tokens: Iterable[str]) -> list[SmartScope]:
    """The scopes on health data of a request. Raises `OAuthRefusal` (`invalid_scope`) on an unknown one."""
    found = []
    for token in tokens:
        if token in PLAIN:
            continue
        scope = parse(token)
        if scope is None or not any(scope.covers(category) for category in registry.all()):
            raise OAuthRefusal("invalid_scope", f"The scope {token} is not known.")
        found.append(scope)
    return found


def read_scopes(scopes: Iterable[SmartScope], *, ceiling: Ceiling, today: date) -> Asked:
    """Translate scopes into items with the listing's defaults; what lies beyond the ceiling is left out.

    Raises `OAuthRefusal` (`invalid_scope`) when nothing is left.
    """
    pairs = dict.fromkeys(
        (category.code, access)
        for scope in scopes
        for category in registry.all()
        if scope.covers(category)
        for access in sorted(scope.accesses)
    )
    bounds = [bound for pair in pairs if (bound := ceiling.find(*pair)) and registry.allows(*pair)]
    if not bounds:
        raise OAuthRefusal("invalid_scope", "No scope is within what the application was referenced for.")
    items = tuple(
        PermissionItem(bound.category, bound.access, DatePeriod(oldest_day(bound, today)), bound.periodicity)
        for bound in bounds
    )
    return Asked(items, default_purpose(ceiling), longest(today, ceiling))


def bounded(ceiling: Ceiling, registered: str) -> Ceiling:
    """The part of a ceiling that the scope a client registered reaches; all of it when that names no health data."""
    wanted = [scope for token in split(registered) if token not in PLAIN and (scope := parse(token))]
    if not wanted:
        return ceiling
    items = tuple(
        item
        for item in ceiling.items
        if any(item.access in scope.accesses and scope.covers(registry.get(item.category)) for scope in wanted)
    )
    return replace(ceiling, items=items)


def within_grants(requested: str, grant_types: Iterable[str]) -> str:
    """The scope without `offline_access` when the client may not use a refresh token."""
    kept = "refresh_token" in grant_types
    return " ".join(token for token in split(requested) if kept or token != OFFLINE)


def granted_scope(requested: str, items: Iterable[PermissionItem]) -> str:
    """The scope of what was granted: the plain scopes as asked, and SMART scopes when some were asked."""
    tokens = split(requested)
    plain = [token for token in tokens if token in PLAIN]
    if len(plain) == len(tokens):
        return " ".join(plain)
    rendered = {registry.get(item.category).smart.render(item.access): None for item in items}
    return " ".join([*plain, *rendered])


def narrowed(granted: str, requested: str) -> str:
    """The scope of a refresh (RFC 6749 §6): the same or a subset. Raises `OAuthRefusal` (`invalid_scope`)."""
    tokens = split(requested)
    if not set(tokens) <= set(split(granted)):
        raise OAuthRefusal("invalid_scope", "A refresh cannot widen the scope.")
    if tokens and _bounds(granted) and not _bounds(" ".join(tokens)):
        raise OAuthRefusal("invalid_scope", "Keep at least one scope on health data.")
    return " ".join(tokens) or granted


def reaches(scope: str, category: str, access: Access) -> bool:
    """Whether a token of that scope reaches this part of its grant: all of it without SMART scopes, else theirs."""
    bounds = _bounds(scope)
    return not bounds or registry.get(category).smart.render(access) in bounds


@lru_cache(maxsize=1024)
def _bounds(scope: str) -> frozenset[str]:
    return frozenset(token for token in split(scope) if token not in PLAIN | OF_APPS)
