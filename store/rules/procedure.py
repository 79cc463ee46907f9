"""The figures of the procedure, which no public text fixes: delays, durations, quorum. Data: they may change."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

from store.workflow import ListingState, SubmissionKind

PROCEDURE: Mapping[str, Any] = json.loads(files("store").joinpath("data/procedure.json").read_text())
_AGAIN = {ListingState.LISTED, ListingState.SUSPENDED}


def renewable_from(expires_on: date) -> date:
    """The first day on which the renewal of a listing may be asked."""
    return expires_on - timedelta(days=PROCEDURE["renewal_from_days"])


def possible_kinds(
    state: ListingState | None, expires_on: date | None, today: date, *, is_pilot: bool = False
) -> tuple[SubmissionKind, ...]:
    """What a new submission may be, given the listing: none beside a withdrawn one; a pilot was never examined."""
    if state is ListingState.WITHDRAWN:
        return ()
    if state is None or expires_on is None or is_pilot:
        return (SubmissionKind.FIRST,)
    if state not in _AGAIN or today > expires_on:
        return (SubmissionKind.RENEWAL,)
    if today >= renewable_from(expires_on):
        return (SubmissionKind.AMENDMENT, SubmissionKind.RENEWAL)
    return (SubmissionKind.AMENDMENT,)


def last_day(kind: SubmissionKind, expires_on: date | None, today: date) -> date:
    """The last day of the listing that a submission opens or replaces.

    An amendment changes nothing to it; a renewal counts from the day on which the former listing would have ended.
    """
    if kind is SubmissionKind.AMENDMENT and expires_on:
        return expires_on
    start = max(today, expires_on) if kind is SubmissionKind.RENEWAL and expires_on else today
    return start + timedelta(days=PROCEDURE["listing_days"])
