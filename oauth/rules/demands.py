"""How a person must have signed in, and who it must be, before an app is answered (OpenID Connect Core §3.1.2.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from identity_core.rules import LEVELS, reaches
from oauth.errors import OAuthRefusal

_AGAIN = {"login", "select_account"}


@dataclass(frozen=True, slots=True)
class Demand:
    """`is_silent`: nothing may be shown. `again`: sign in anew. `max_age` is in seconds; `acr` the least level;
    `subject` the person, as the client knows them from the id_token of its `id_token_hint`."""

    is_silent: bool = False
    again: bool = False
    max_age: int | None = None
    acr: str | None = None
    subject: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether any sign-in will do."""
        return not self.again and self.max_age is None and self.acr is None and self.subject is None

    def is_met(self, *, acr: str, subject: str, proven_at: datetime, opened_at: datetime, now: datetime) -> bool:
        """Whether a sign-in will do, proven at the provider at that time, for a request opened at `opened_at`."""
        if not self.suits(acr=acr, subject=subject):
            return False
        if is_new(proven_at, opened_at):
            return True
        recent = self.max_age is None or proven_at + timedelta(seconds=self.max_age) >= now
        return recent and not self.again

    def suits(self, *, acr: str, subject: str) -> bool:
        """Whether a sign-in is one of the person, at the level: signing in once more would not change it."""
        return (self.acr is None or reaches(acr, self.acr)) and self.subject in {None, subject}


def is_new(proven_at: datetime, opened_at: datetime) -> bool:
    """Whether a sign-in was made since the request was opened, however long the person then took; providers tell whole
    seconds."""
    return proven_at >= opened_at.replace(microsecond=0)


def read_demand(parameters: Mapping[str, str]) -> Demand:
    """What `prompt`, `max_age` and `acr_values` ask; unknown levels and prompts ask nothing. Raises `OAuthRefusal`."""
    prompts = set(parameters.get("prompt", "").split())
    if "none" in prompts and len(prompts) > 1:
        raise OAuthRefusal("invalid_request", "The prompt none stands alone.")
    age = parameters.get("max_age")
    if age is not None and not (age.isascii() and age.isdecimal() and len(age) < 10):
        raise OAuthRefusal("invalid_request", "max_age is a number of seconds.")
    known = [level for level in LEVELS if level in parameters.get("acr_values", "").split()]
    return Demand("none" in prompts, bool(prompts & _AGAIN), int(age) if age else None, known[0] if known else None)
