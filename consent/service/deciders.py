"""Whoever decides for somebody else: no further than their right goes, no longer than it lasts."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from consent.queries import RequestView
from identity_core import queries as identity
from identity_core.errors import OutsideMandate
from platform_core.access import Actor
from platform_core.permission import PermissionItem


def check_decider(items: Iterable[PermissionItem], *, by: Actor) -> None:
    """Whether the actor may decide on these items.

    Raises `OutsideMandate` when the mandate of a helper leaves one of them out: that consent is for the patient alone.
    """
    check_reach((item.category for item in items), by=by)


def check_reach(categories: Iterable[str], *, by: Actor) -> None:
    """Whether the actor may decide on data of these categories. Raises `OutsideMandate`."""
    if not all(by.reaches(category) for category in categories):
        raise OutsideMandate("This holds data that your mandate leaves out: the person alone decides on it.")


def longest_for(valid_until: date, *, by: Actor) -> date:
    """The last day of what the actor decides: the one chosen, or that of their own right when it comes first."""
    last_day = identity.last_day_to_act(by)
    return min(valid_until, last_day) if last_day else valid_until


def as_put_to(asked: RequestView, *, by: Actor) -> RequestView:
    """A question as this actor may answer it. Raises `OutsideMandate` when nothing of it is theirs to answer."""
    items = tuple(item for item in asked.items if by.reaches(item.category))
    if asked.items and not items:
        raise OutsideMandate("All that is asked is left out of your mandate.")
    return replace(asked, items=items, valid_until=longest_for(asked.valid_until, by=by))
