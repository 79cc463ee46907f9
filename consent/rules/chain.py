"""The chain of a consent's events: each hash covers one act and the hash before it, so that none can be slipped out."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from consent.rules.texts import canonical

START = bytes(32)
CHAINED = (
    "patient_id",
    "consent_id",
    "sequence",
    "occurred_at",
    "kind",
    "version",
    "actor_kind",
    "actor_id",
    "actor_name",
    "on_behalf_of",
    "details",
)


def event_hash(previous: bytes, event: Mapping[str, Any]) -> bytes:
    """The hash of one event, from the fields of `CHAINED`."""
    fields = {name: event[name] if name == "details" else _text(event[name]) for name in CHAINED}
    return hashlib.sha256(previous + canonical(fields)).digest()


def first_broken(events: Iterable[tuple[Mapping[str, Any], bytes]], *, count: int, head: bytes) -> int | None:
    """The sequence number of the first event that was changed, removed or slipped in; None when all hold.

    `events` are (fields, stored hash) in order; `count` and `head` are what the consent says its chain ends with.
    """
    previous, expected = START, 1
    for event, stored in events:
        if event["sequence"] != expected or event_hash(previous, event) != stored:
            return expected
        previous, expected = stored, expected + 1
    return None if (expected - 1, previous) == (count, head) else expected


def _text(value: object) -> str | None:
    if value is None:
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
