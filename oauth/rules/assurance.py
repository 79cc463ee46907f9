"""How surely and how recently the person behind a token proved who they are: what sensitive data ask for (RFC 9470)."""

from datetime import datetime, timedelta

from identity_core.rules import reaches
from platform_core.errors import Unauthenticated

LEVEL = "eidas3"
LONGEST = timedelta(days=90)
"""How old the proof may be: an app that goes on without the person has them prove it again four times a year."""


def is_sure(*, acr: str, proven_at: datetime | None, now: datetime) -> bool:
    """Whether a token given after that sign-in reaches sensitive categories."""
    return proven_at is not None and reaches(acr, LEVEL) and proven_at + LONGEST > now


def insufficient() -> Unauthenticated:
    """The refusal of a token that does not: its challenge holds what to ask of the authorization endpoint (§3)."""
    return Unauthenticated(
        "These data ask for a stronger or newer proof of identity: authorize again with this acr_values and max_age.",
        code="insufficient-user-authentication",
        challenge={"acr_values": LEVEL, "max_age": str(int(LONGEST.total_seconds()))},
    )
