"""Put a file away under its owner's key, read it back whole or in part, sweep away what no row names any more.

A room declares a collection with the callables that say which of its blobs are still referred to, and which are of
one patient. A blob enters the
store in the transaction that writes its row: if that one fails, the sweep finds an orphan.
"""

import os
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import IO
from uuid import UUID

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from platform_core import clock
from platform_core.blobs import sealing
from platform_core.blobs.stores import clear_incoming, store
from platform_core.database import db

GRACE = timedelta(hours=24)
_BATCH = 100
_referenced: dict[str, Callable[[Collection[str]], Collection[str]]] = {}
_held: dict[str, Callable[[UUID], Collection[str]]] = {}


@dataclass(frozen=True, slots=True)
class BlobRef:
    """What a row keeps of a blob: its name, the bytes of its content, their SHA-256."""

    name: str
    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """A content that was read and sealed, and has no place in the store yet."""

    size: int
    sha256: bytes
    path: Path
    content_key: bytes


def declare(
    collection: str,
    referenced: Callable[[Collection[str]], Collection[str]],
    held_by: Callable[[UUID], Collection[str]] | None = None,
) -> None:
    """Open a collection. `referenced(names)` gives those that a row names; it runs as the batch role.

    Where blobs are of patients, `held_by(patient_id)` gives those of the patient to whom the transaction is bound.
    """
    _referenced[collection] = referenced
    if held_by is not None:
        _held[collection] = held_by


def collections() -> tuple[str, ...]:
    """The collections that the rooms declared."""
    return tuple(_referenced)


@contextmanager
def receive(stream: IO[bytes], *, most: int) -> Iterator[Received]:
    """Read a stream to its end and seal it on the way to a local file, which is gone when the block ends.

    Needs no transaction and two chunks of memory. Raises `TooLarge` as soon as it passes `most` bytes.
    """
    incoming = store().incoming
    incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
    content_key = AESGCM.generate_key(256)
    handle, path = tempfile.mkstemp(dir=incoming)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(bytes(sealing.HEADER))
            size, sha256 = sealing.seal_chunks(stream, file, content_key, most=most)
        yield Received(size, sha256, Path(path), content_key)
    finally:
        Path(path).unlink(missing_ok=True)


def reference(received: Received, *, collection: str, key: bytes) -> BlobRef:
    """What a row refers to once the content is kept: a row may be judged before the file has its place."""
    return BlobRef(f"{collection}/{sealing.name_under(key, received.sha256)}", received.size, received.sha256)


def keep(received: Received, *, collection: str, key: bytes) -> BlobRef:
    """Give a received content its place under the owner's key; the same content of one owner is kept once.

    Called in the transaction that writes the row: until it ends, no sweep takes the blob for an orphan.
    """
    if collection not in _referenced:
        raise RuntimeError(f"No room declared the blobs {collection}: nothing would ever sweep them.")
    name = reference(received, collection=collection, key=key).name
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(_lock(name))))
    if not store().exists(name):
        header = sealing.header(received.content_key, key=key, name=name, size=received.size)
        with received.path.open("r+b") as file:
            file.write(header)
            file.flush()
            os.fsync(file.fileno())
        store().adopt(received.path, name)
    return BlobRef(name, received.size, received.sha256)


def put(stream: IO[bytes], *, collection: str, key: bytes, most: int) -> BlobRef:
    """Receive and keep in one go, where the stream is at hand and short. Raises `TooLarge`."""
    with receive(stream, most=most) as received:
        return keep(received, collection=collection, key=key)


def read(blob: BlobRef, *, key: bytes, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """The content from byte `start` to `stop` (excluded; None: the end), in pieces of 64 KiB at most.

    The header is opened at once, so that a missing or foreign blob is refused before anything is sent; the chunks as
    they are asked for, and only those of the range. Needs no transaction. Raises `NotFound` (`blob-missing`),
    `BlobAltered`.
    """
    stop = blob.size if stop is None else min(stop, blob.size)
    sealed = b"".join(store().read(blob.name, 0, sealing.HEADER))
    content_key = sealing.open_header(sealed, key=key, name=blob.name, size=blob.size)
    return _range(blob, content_key, start, stop)


def _range(blob: BlobRef, content_key: bytes, start: int, stop: int) -> Iterator[bytes]:
    if start >= stop:
        return
    total = sealing.count_chunks(blob.size)
    first, past = start // sealing.CHUNK, -(-stop // sealing.CHUNK)
    begin = sealing.HEADER + first * sealing.SEALED_CHUNK
    end = min(sealing.HEADER + past * sealing.SEALED_CHUNK, sealing.sealed_size(blob.size))
    sealed = store().read(blob.name, begin, end)
    opened = sealing.open_chunks(sealed, content_key, first=first, stop=past, total=total)
    for number, chunk in enumerate(opened, first):
        offset = number * sealing.CHUNK
        yield chunk[max(start - offset, 0) : stop - offset]


def list_held_by(patient_id: UUID) -> list[str]:
    """The names of every blob of a patient, to whom the transaction is bound."""
    return sorted({name for held_by in _held.values() for name in held_by(patient_id)})


def delete(name: str) -> None:
    """Delete a blob that nobody may read any more; one that is gone already is no error."""
    store().delete(name)


def sweep_incoming() -> int:
    """Remove what processes that died left half received; returns how many files."""
    return clear_incoming(clock.now() - GRACE)


def list_settled(collection: str) -> Iterator[list[str]]:
    """The names of a collection written more than a day ago, in batches."""
    names = store().list_older(collection, clock.now() - GRACE)
    while batch := list(islice(names, _BATCH)):
        yield batch


def delete_orphans(collection: str, names: Collection[str]) -> int:
    """Delete those of the names that no row refers to; returns how many.

    A blob that an open transaction is about to refer to is locked by it, and left for the next sweep.
    """
    referenced = _referenced[collection]
    candidates = sorted(set(names) - set(referenced(names)))
    free = [name for name in candidates if db.session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_lock(name))))]
    orphans = sorted(set(free) - set(referenced(free))) if free else []
    for name in orphans:
        store().delete(name)
    return len(orphans)


def _lock(name: str) -> sa.ColumnElement[int]:
    return sa.func.hashtextextended(name, 0)
