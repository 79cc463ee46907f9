"""Scopes of professionals' software (SMART App Launch 2.2, `user/`): what a FHIR resource type offers to it."""

import re
from collections.abc import Iterable, Mapping

from oauth.errors import OAuthRefusal
from oauth.rules import scopes
from platform_core.fhir.registry import registry

PLAIN = frozenset({scopes.OPENID, "fhirUser", scopes.OFFLINE})
LETTERS = {
    "create": "c",
    "transaction": "c",
    "read": "r",
    "history": "r",
    "update": "u",
    "patch": "u",
    "delete": "d",
    "search": "s",
}
_USER = re.compile(r"user/([A-Za-z]+)\.(c?r?u?d?s?)")


def offered() -> list[str]:
    """The widest scopes that software may ask for, in the order of the resource types."""
    return [f"user/{name}.{found.user}" for name, found in sorted(registry.types.items()) if found.user]


def read_scope(parameters: Mapping[str, str]) -> str:
    """The scope of a request of software, each part narrowed to what its resource type offers.

    Raises `OAuthRefusal`: `invalid_scope` for a scope that is none of these, those on a patient's grant included, or
    when nothing is left; `invalid_request` for what asks a patient.
    """
    for name in ("authorization_details", "grant_management_action", "grant_id"):
        if name in parameters:
            raise OAuthRefusal("invalid_request", f"{name} asks a patient: this client works for a professional.")
    tokens = scopes.split(parameters.get("scope", ""))
    wanted = [token if token in PLAIN else _narrowed(token) for token in tokens]
    kept = [token for token in dict.fromkeys(wanted) if token]
    if not set(kept) - PLAIN:
        raise OAuthRefusal("invalid_scope", f"Ask for one of {', '.join(offered())}.")
    return " ".join(kept)


def allows(scope: str, interaction: str, resource: str) -> bool:
    """Whether a token of that scope may do a FHIR interaction (`search`, `create`…) on a resource type."""
    letter = LETTERS.get(interaction)
    return letter is not None and any(
        found[1] == resource and letter in found[2] for found in _parsed(scopes.split(scope))
    )


def in_words(scope: str) -> list[tuple[str, bool, bool]]:
    """What a scope lets software do, for people: the French label of each resource type, whether it reads, and adds."""
    found = [(registry.types[one[1]].label_fr, one[2]) for one in _parsed(scopes.split(scope))]
    return [(label, bool({"r", "s"} & set(letters)), "c" in letters) for label, letters in found]


def stays(scope: str) -> bool:
    """Whether software keeps working after its first access token."""
    return scopes.OFFLINE in scopes.split(scope)


def _parsed(tokens: Iterable[str]) -> Iterable[re.Match[str]]:
    return (found for token in tokens if (found := _USER.fullmatch(token)))


def _narrowed(token: str) -> str:
    """The part of a scope that is offered; empty when none is. Raises `OAuthRefusal` (`invalid_scope`)."""
    found = _USER.fullmatch(token)
    known = registry.types.get(found[1]) if found else None
    if found is None or known is None or not known.user:
        raise OAuthRefusal("invalid_scope", f"The scope {token} is not one of professionals' software.")
    letters = "".join(letter for letter in found[2] if letter in known.user)
    return f"user/{found[1]}.{letters}" if letters else ""
