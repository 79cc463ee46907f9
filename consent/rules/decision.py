"""The decision at each data call, in the order of the law of this platform:

consent not ended, be it by its date → not paused → an item covers → dates of the data → window.
Token, proof of possession and listing are checked before; masking of single documents by the core that holds them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from consent.rules import windows
from consent.rules.facts import ConsentFacts, ItemFacts
from consent.workflow import FINAL, Status
from platform_core.access import ALWAYS, Access, DatePeriod
from platform_core.errors import Forbidden, TooManyRequests, Unauthenticated


@dataclass(frozen=True, slots=True)
class Decision:
    """A call that may be served: the categories with the dates it is narrowed to, and the windows to open first.

    `to_open` is sorted, so that two calls always lock counters in the same order.
    """

    categories: Mapping[str, DatePeriod]
    to_open: tuple[str, ...]


def decide(
    facts: ConsentFacts,
    categories: Iterable[str],
    access: Access,
    *,
    now: datetime,
    period: DatePeriod = ALWAYS,
    narrow: bool = False,
) -> Decision:
    """Whether the call may be served, all categories or none.

    `period` holds the dates of the data explicitly asked for (they bound reading only). With `narrow`, categories
    that no item covers, or whose dates lie outside, are left out as long as one remains.

    Raises `Unauthenticated` (`invalid-token`, described as `consent-ended`), `Forbidden` (`consent-paused`,
    `consent-not-given`, `outside-data-period`, `consent-exhausted`) or `TooManyRequests`
    (`consent-frequency-exceeded`, `retry_at` being the next possible window, in the time scale of `now`).
    """
    check_live(facts, now)
    covered = _covered(facts, categories, access, narrow)
    periods = _within_dates(covered, period, access, narrow)
    items = [item for item in covered if item.category in periods]
    return Decision(periods, _windows_to_open(facts, items, now))


def check_live(facts: ConsentFacts, now: datetime) -> None:
    """Refuse a consent that has ended or is paused, as it stands at `now`, whatever a task has recorded yet.

    One that expired because every item is exhausted goes on to say so (`consent-exhausted`).
    """
    exhausted = facts.status is Status.EXPIRED and now < facts.valid_until
    if now >= facts.valid_until or (facts.status in FINAL and not exhausted):
        raise consent_ended()
    if facts.status is Status.PAUSED and windows.present_status(facts, now) is Status.PAUSED:
        raise Forbidden("The patient has paused this consent.", code="consent-paused")


def consent_ended() -> Unauthenticated:
    """The refusal of every call under a consent revoked, expired or ended (RFC 6750 §3.1)."""
    return Unauthenticated(
        "The consent behind this token has ended.",
        challenge={"error": "invalid_token", "error_description": "consent-ended"},
    )


def _covered(facts: ConsentFacts, categories: Iterable[str], access: Access, narrow: bool) -> list[ItemFacts]:
    wanted = sorted(set(categories))
    found = [item for category in wanted if (item := facts.items.get((category, access)))]
    if not found or (len(found) < len(wanted) and not narrow):
        raise Forbidden("The consent does not cover this category and access.", code="consent-not-given")
    return found


def _within_dates(items: list[ItemFacts], period: DatePeriod, access: Access, narrow: bool) -> dict[str, DatePeriod]:
    if access is Access.WRITE:
        return {item.category: ALWAYS for item in items}
    common = {item.category: dates for item in items if (dates := item.data.overlap(period)) is not None}
    if not common or (len(common) < len(items) and not narrow):
        raise Forbidden("The dates asked for lie outside those granted.", code="outside-data-period")
    return common


def _windows_to_open(facts: ConsentFacts, items: list[ItemFacts], now: datetime) -> tuple[str, ...]:
    if any(windows.is_exhausted(item, now) for item in items):
        raise Forbidden("This single access has been used.", code="consent-exhausted")
    to_open = [item for item in items if not windows.is_free(item, facts.presence_until, now)]
    if any(not windows.remaining(item, now) for item in to_open):
        raise too_soon(facts, to_open, now)
    return tuple(item.category for item in to_open)


def too_soon(facts: ConsentFacts, items: Iterable[ItemFacts], now: datetime) -> TooManyRequests:
    """The refusal of a call that needs a window too early; `retry_at` is when all the items may open one."""
    instants = [windows.next_window_at(item, now, facts.valid_until) for item in items]
    known = [instant for instant in instants if instant is not None]
    return TooManyRequests(
        "The patient allows no new synchronisation yet.",
        code="consent-frequency-exceeded",
        retry_at=max(known) if known and len(known) == len(instants) else None,
    )
