"""Identifiers: sortable UUIDs for rows, opaque random strings for secrets and handles."""

import os
import secrets
import time
from uuid import UUID


def uuid7() -> UUID:
    """A version 7 UUID (RFC 9562 §5.7): 48 bits of Unix milliseconds, then random bits.

    Rows created one after the other stay close in an index.
    """
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (2**48 - 1)) << 80 | int.from_bytes(os.urandom(10), "big")
    value &= ~(0xF << 76) & ~(0x3 << 62)
    return UUID(int=value | 0x7 << 76 | 0x2 << 62)


def opaque(bits: int = 256) -> str:
    """An unguessable URL-safe string of the given number of random bits."""
    return secrets.token_urlsafe(bits // 8)
