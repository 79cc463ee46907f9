"""How journal rows become leaves, leaves a root, and roots a chain. Pure: the verification needs nothing else.

Hashing follows the Merkle tree of RFC 6962 §2.1 (0x00 before a leaf, 0x01 before a node).
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

SEALED_FIELDS = (
    "patient_id",
    "id",
    "occurred_at",
    "actor_kind",
    "actor_id",
    "actor_name",
    "on_behalf_of",
    "app_id",
    "grant_id",
    "interaction",
    "resource",
    "access",
    "categories",
    "count",
    "outcome",
    "code",
    "request_id",
    "resources",
)
NO_PREVIOUS = bytes(32)


def leaf_hash(row: Any) -> bytes:
    """The hash of one row: every field that says what happened, in a fixed order.

    A row without `resources` is hashed without that field, as all were before it existed.
    """
    *always, resources = (getattr(row, name) for name in SEALED_FIELDS)
    values = [*always, resources] if resources else always
    return hashlib.sha256(b"\x00" + orjson.dumps(values, option=orjson.OPT_UTC_Z)).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root over the leaf hashes of a batch (at least one)."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + merkle_root(leaves[:split]) + merkle_root(leaves[split:])).digest()


def chain_hash(*, number: int, size: int, root: bytes, previous: bytes) -> bytes:
    """What is signed: this batch and, through `previous`, every batch before it."""
    return hashlib.sha256(
        b"ens-journal" + number.to_bytes(8, "big") + size.to_bytes(8, "big") + root + previous
    ).digest()
