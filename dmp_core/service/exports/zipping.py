"""A zip written while it is read: neither the archive nor any of its files is ever whole in memory or on a disk."""

import io
from collections.abc import Iterable, Iterator
from typing import IO, Any, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from platform_core import clock
from platform_core.clock import PARIS

Entry = tuple[str, Iterable[bytes]]


class _Sink(io.RawIOBase):
    """What the archive is written to: it forgets what was taken, and cannot go back."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._waiting += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


class _Reader(io.RawIOBase):
    """A stream of the pieces of an iterator."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


def zipped(entries: Iterable[Entry]) -> IO[bytes]:
    """A stream of the zip of these (name, pieces), which are asked for as the stream is read."""
    return cast(IO[bytes], _Reader(_pieces(entries)))


def _pieces(entries: Iterable[Entry]) -> Iterator[bytes]:
    sink, now = _Sink(), clock.now().astimezone(PARIS)
    with ZipFile(cast(IO[bytes], sink), "w") as archive:
        for name, pieces in entries:
            info = ZipInfo(name, date_time=now.timetuple()[:6])
            info.compress_type = ZIP_DEFLATED
            with archive.open(info, "w", force_zip64=True) as file:
                for piece in pieces:
                    file.write(piece)
                    yield sink.take()
    yield sink.take()
