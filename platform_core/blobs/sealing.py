"""The sealed form of a blob: a header that binds it to its owner and its name, then chunks that open one by one.

header   "ENSB", one byte of version, and the content key wrapped under the owner's key; the name and the size of the
         content are authenticated, so that a blob neither opens in the place of another nor under another owner.
chunk i  AES-256-GCM of 64 KiB of content (less in the last) under the content key, which serves this blob only: the
         nonce is i. The number and whether it is the last are authenticated, so that no chunk can be moved or cut.
"""

import hashlib
import hmac
import struct
from collections.abc import Iterable, Iterator
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from platform_core import crypto
from platform_core.errors import TooLarge

CHUNK = 64 * 1024
SEALED_CHUNK = CHUNK + 16
_MAGIC = b"ENSB\x01"
HEADER = len(_MAGIC) + 12 + 32 + 16


class BlobAltered(Exception):
    """The bytes kept are not those that were sealed under this name for this owner."""


def name_under(key: bytes, sha256: bytes) -> str:
    """The name of a content for one owner: found again by that owner only, unrelated to the same content elsewhere."""
    return hmac.new(crypto.derive_key(key, "blob:name"), sha256, "sha256").hexdigest()


def seal_chunks(source: IO[bytes], sink: IO[bytes], content_key: bytes, *, most: int) -> tuple[int, bytes]:
    """Seal a stream to its end, never holding more than two chunks; gives the size and SHA-256 of the content.

    Raises `TooLarge` as soon as the content passes `most` bytes.
    """
    cipher, digest, size, number = AESGCM(content_key), hashlib.sha256(), 0, 0
    chunk, last = _fill(source), False
    while not last:
        following = _fill(source) if len(chunk) == CHUNK else b""
        last = not following
        size += len(chunk)
        if size > most:
            raise TooLarge(f"The content is larger than {most} bytes.")
        digest.update(chunk)
        sink.write(cipher.encrypt(_nonce(number), chunk, _place(number, last)))
        chunk, number = following, number + 1
    return size, digest.digest()


def open_chunks(sealed: Iterable[bytes], content_key: bytes, *, first: int, stop: int, total: int) -> Iterator[bytes]:
    """The contents of chunks `first` to `stop` (excluded) of `total`, from their sealed bytes cut anyhow.

    Raises `BlobAltered` at the first chunk that is missing, cut, moved or changed.
    """
    cipher, pieces, waiting = AESGCM(content_key), iter(sealed), bytearray()
    for number in range(first, stop):
        last = number == total - 1
        while len(waiting) < SEALED_CHUNK and (piece := next(pieces, b"")):
            waiting += piece
        try:
            yield cipher.decrypt(_nonce(number), bytes(waiting[:SEALED_CHUNK]), _place(number, last))
        except InvalidTag:
            raise BlobAltered(f"Chunk {number} of {total} does not open.") from None
        del waiting[:SEALED_CHUNK]


def header(content_key: bytes, *, key: bytes, name: str, size: int) -> bytes:
    """The header that hands the content key to the owner's key, for this name and size."""
    return _MAGIC + crypto.encrypt(crypto.derive_key(key, "blob:key"), content_key, _identity(name, size))


def open_header(sealed: bytes, *, key: bytes, name: str, size: int) -> bytes:
    """The content key. Raises `BlobAltered` when the header is of another owner, name or size, or was changed."""
    if sealed[: len(_MAGIC)] != _MAGIC or len(sealed) != HEADER:
        raise BlobAltered("The header is not that of a blob.")
    try:
        return crypto.decrypt(crypto.derive_key(key, "blob:key"), sealed[len(_MAGIC) :], _identity(name, size))
    except ValueError:
        raise BlobAltered("The header does not open under this key, name and size.") from None


def count_chunks(size: int) -> int:
    """How many chunks hold a content of that size; an empty content has one."""
    return max(1, -(-size // CHUNK))


def sealed_size(size: int) -> int:
    """The bytes that a content of that size takes once sealed."""
    return HEADER + size + 16 * count_chunks(size)


def _fill(source: IO[bytes]) -> bytes:
    """One whole chunk, or what is left: a stream may give less than it is asked for."""
    chunk = bytearray()
    while len(chunk) < CHUNK and (piece := source.read(CHUNK - len(chunk))):
        chunk += piece
    return bytes(chunk)


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _place(number: int, last: bool) -> bytes:
    return struct.pack(">Q?", number, last)


def _identity(name: str, size: int) -> bytes:
    return f"{name}:{size}".encode()
