"""Paging: numbered pages for people, opaque keyset cursors for programs."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import orjson

from platform_core.errors import Malformed

T = TypeVar("T")
_PAGE = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One numbered page (from 1) of a list, with the total number of its items."""

    items: Sequence[T]
    number: int
    size: int
    total: int

    @property
    def count(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // self.size))


def page_number(text: str | None) -> int:
    """Read a page number from a query string; anything else than a positive number is the first page."""
    return int(text) if text and _PAGE.fullmatch(text) else 1


def encode_cursor(*values: object) -> str:
    """An opaque cursor that carries the sort keys of the last item of a page."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).rstrip(b"=").decode()


def decode_cursor(cursor: str, length: int) -> list[str]:
    """The keys that `encode_cursor` wrote. Raises `Malformed` (`invalid-cursor`)."""
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        values = None
    if not isinstance(values, list) or len(values) != length:
        raise Malformed("The cursor is not one that this service gave.", code="invalid-cursor")
    return values
