"""The way of every file that somebody sends: measured, named, recognised, shown to the antivirus, then sealed."""

import io
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from platform_core import antivirus, file_types
from platform_core.blobs import service as blobs
from platform_core.blobs.service import Received
from platform_core.errors import TooLarge


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that may be kept: its safe name, its true media type, its sealed content."""

    name: str
    media_type: str
    received: Received


@contextmanager
def receive_upload(stream: IO[bytes], name: str, *, accept: Collection[str], most: int) -> Iterator[Upload]:
    """Look into a file and seal it aside, for the time of the block; what is refused leaves nothing behind.

    `accept` holds extensions, `most` is in bytes, the stream must seek. Raises `TooLarge`, and what
    `file_types.identify` and `antivirus.check` raise. Needs no transaction.
    """
    if stream.seek(0, io.SEEK_END) > most:
        raise TooLarge(f"The file is larger than {most // 2**20} MB.")
    found = file_types.identify(stream, name, accept=accept)
    antivirus.check(stream)
    with blobs.receive(stream, most=most) as received:
        yield Upload(found.name, found.type.media_type, received)
