"""Instants: always aware, read from what FHIR and HTTP write."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

_FRACTION = re.compile(r"\.(\d+)")


def now() -> datetime:
    """The present instant, aware, UTC."""
    return datetime.now(timezone.utc)


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 date or date-time of any precision; what has no offset is taken as UTC.

    Python 3.10 reads neither `Z` nor fractions of other than three or six digits.
    """
    if len(text) <= len("2026-01-01"):
        text += "-01-01"[len(text) - len("2026") :]
    text = _FRACTION.sub(lambda match: "." + match[1][:6].ljust(6, "0"), text.replace("Z", "+00:00"))
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=timezone.utc)


def parse_retry_after(value: str | None) -> datetime | None:
    """The instant meant by a Retry-After header (RFC 9110 §10.2.3): seconds, or an HTTP date; None if
    unreadable."""
    if not value:
        return None
    if value.isdigit():
        return now() + timedelta(seconds=int(value))
    try:
        return parsedate_to_datetime(value).astimezone(timezone.utc)
    except ValueError:
        return None


def as_query(moment: date | datetime) -> str:
    """How a bound of a search is written: an aware date-time, or a plain date."""
    if isinstance(moment, datetime):
        require_aware(moment)
    return moment.isoformat()


def require_aware(moment: datetime) -> datetime:
    """Refuse a date-time without offset, whose instant nobody can tell.

    Raises ValueError.
    """
    if moment.tzinfo is None:
        raise ValueError("Give the date-time an offset, e.g. datetime(2026, 1, 31, 8, 0, tzinfo=timezone.utc).")
    return moment
