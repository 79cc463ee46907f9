"""What an app asks to do with a grant (Grant Management for OAuth 2.0 §4), beside asking for one."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from oauth.errors import OAuthRefusal


class GrantAction(StrEnum):
    """`CREATE` amends the live consent when there is one: a patient and an app have one at most."""

    CREATE = "create"
    REPLACE = "replace"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class GrantChange:
    """What an app asks to do, and with which grant; neither when it says nothing."""

    action: GrantAction | None = None
    grant_id: UUID | None = None

    @property
    def merges(self) -> bool:
        return self.action is GrantAction.MERGE


def read_change(parameters: Mapping[str, str]) -> GrantChange:
    """The `grant_management_action` of a request and its `grant_id`.

    Raises `OAuthRefusal`: `invalid_request` when one is there that should not be, or lacks; `invalid_grant_id`.
    """
    named, grant_id = parameters.get("grant_management_action"), parameters.get("grant_id")
    if named is not None and named not in set(GrantAction):
        raise OAuthRefusal("invalid_request", f"grant_management_action is one of {', '.join(GrantAction)}.")
    action = GrantAction(named) if named else None
    changes = action in {GrantAction.REPLACE, GrantAction.MERGE}
    if grant_id is None and changes:
        raise OAuthRefusal("invalid_request", f"grant_id is missing: {action} needs it.")
    if grant_id is not None and not changes:
        raise OAuthRefusal("invalid_request", "A grant_id comes with the action replace or merge.")
    return GrantChange(action, _read_id(grant_id) if grant_id else None)


def unknown_grant() -> OAuthRefusal:
    """The refusal of a grant that is not a live one of this client: foreign, over and unknown are told alike."""
    return OAuthRefusal("invalid_grant_id", "This grant is not a live one of this client.")


def _read_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise unknown_grant() from None
