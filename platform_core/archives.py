"""Zip containers (office documents) looked into before they are kept: no bomb, no macro, no archive inside.

Nothing is trusted that the container says of itself: the directory is measured before it is read, and every entry is
unpacked to nowhere, within a budget, so that its stated size and checksum are proven.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from typing import IO

from platform_core.errors import Invalid

MOST_ENTRIES = 2_000
MOST_UNPACKED = 200 * 1024 * 1024
MOST_RATIO = 100
_SMALL = 1024 * 1024
_MOST_DIRECTORY = 512 * 1024
_PIECE = 64 * 1024
_END, _TAIL = b"PK\x05\x06", 22 + 65_535
_MACROS = ("vbaproject.bin", "vbadata.xml", "activex", "basic/", "scripts/")
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"MSCF")
_PROGRAMS = (b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"#!")


def check_container(stream: IO[bytes]) -> tuple[str, ...]:
    """The names of the entries of a zip container that is safe to open.

    Raises `Invalid`: `archive-unreadable`, `archive-encrypted`, `archive-bomb`, `archive-nested`, `archive-program`,
    `archive-macros`.
    """
    _check_directory(stream)
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = archive.infolist()
            _check_names(entry.filename for entry in entries)
            _check_sizes(entries)
            budget = MOST_UNPACKED
            for entry in entries:
                budget -= _unpack(archive, entry, budget)
            return tuple(entry.filename for entry in entries)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
        raise _unreadable() from error


def first_entry(stream: IO[bytes], name: str) -> bytes:
    """The content of the first entry when it has that name and is stored as it is (OpenDocument 1.2, part 3 §3.3)."""
    with zipfile.ZipFile(stream) as archive:
        entry = min(archive.infolist(), key=lambda one: one.header_offset)
        if entry.filename != name or entry.compress_type != zipfile.ZIP_STORED or entry.file_size > _PIECE:
            return b""
        return archive.read(entry)


def _check_directory(stream: IO[bytes]) -> None:
    """The directory is read into memory by the library: its size is checked first, in the end record."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _TAIL))
    tail = stream.read()
    place = tail.rfind(_END)
    if place < 0 or len(tail) < place + 22:
        raise _unreadable()
    entries, directory = struct.unpack_from("<HL", tail, place + 10)
    if entries > MOST_ENTRIES or directory > _MOST_DIRECTORY:
        raise _bomb(f"It holds more than {MOST_ENTRIES} files.")


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        lower = name.lower()
        if lower.startswith("/") or ".." in lower.split("/") or "\\" in lower:
            raise Invalid("An entry of the container has a path.", code="archive-unreadable")
        if any(part in lower for part in _MACROS[:3]) or lower.startswith(_MACROS[3:]):
            raise Invalid("The document holds macros: save it without them.", code="archive-macros")


def _check_sizes(entries: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if len(entries) > MOST_ENTRIES or unpacked > MOST_UNPACKED:
        raise _bomb(f"Unpacked it holds more than {MOST_UNPACKED} bytes.")
    if unpacked > _SMALL and unpacked > MOST_RATIO * packed:
        raise _bomb(f"It unpacks to more than {MOST_RATIO} times its size.")
    if any(entry.flag_bits & 1 for entry in entries):
        raise Invalid("The document is protected by a password.", code="archive-encrypted")


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: int) -> int:
    """Read an entry to its end, which proves its checksum; gives its true size."""
    size = 0
    with archive.open(entry) as content:
        piece = content.read(_PIECE)
        _check_start(piece)
        while piece:
            size += len(piece)
            if size > budget:
                raise _bomb(f"Unpacked it holds more than {MOST_UNPACKED} bytes.")
            piece = content.read(_PIECE)
    return size


def _check_start(start: bytes) -> None:
    if start.startswith(_ARCHIVES):
        raise Invalid("The document holds an archive, or another document.", code="archive-nested")
    if start.startswith(_PROGRAMS):
        raise Invalid("The document holds a program.", code="archive-program")


def _unreadable() -> Invalid:
    return Invalid("The document is damaged: it cannot be unpacked.", code="archive-unreadable")


def _bomb(why: str) -> Invalid:
    return Invalid(f"The document unpacks to too much. {why}", code="archive-bomb")
