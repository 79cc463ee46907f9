"""The content of a document on its way in: measured, recognised, shown to the antivirus, sealed aside."""

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from dmp_core.rules.documents.metadata import Metadata
from platform_core import file_types
from platform_core.blobs.service import Received
from platform_core.errors import Fault
from platform_core.uploads import receive_upload

COLLECTION = "documents"
MOST = 50 * 1024 * 1024
_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """A content that may be filed: sealed aside, its true type, its digest, the PDF/A that it claims, and itself."""

    received: Received
    media_type: str
    sha1: bytes
    pdf_a: str
    stream: IO[bytes]

    @property
    def size(self) -> int:
        return self.received.size


@contextmanager
def received_content(stream: IO[bytes], name: str, accept: Collection[str]) -> Iterator[Content]:
    """Look into a content whose name ends in one of the extensions accepted, and seal it aside, for the block.

    Raises what `receive_upload` does: `Invalid` (`file-…`), `UnsupportedType`, `TooLarge`, `Unavailable`.
    """
    with receive_upload(stream, name, accept=accept, most=MOST) as upload:
        sha1 = _sha1(stream)
        claimed = file_types.pdf_conformance(stream) if upload.media_type == "application/pdf" else ""
        stream.seek(0)
        yield Content(upload.received, upload.media_type, sha1, claimed, stream)


def announced_faults(read: Metadata, content: Content, path: str) -> list[Fault]:
    """The faults of a size or a digest that are not those of the content."""
    faults = []
    if read.size is not None and read.size != content.size:
        faults.append(Fault(f"{path}.size", f"is {read.size}, the content has {content.size} bytes.", "value"))
    if read.sha1 is not None and read.sha1 != content.sha1:
        faults.append(Fault(f"{path}.hash", "is not the SHA-1 of the content.", "value"))
    return faults


def _sha1(stream: IO[bytes]) -> bytes:
    """The digest that FHIR R4 and XDS ask for; it protects nothing."""
    digest = hashlib.sha1(usedforsecurity=False)
    stream.seek(0)
    while piece := stream.read(_PIECE):
        digest.update(piece)
    return digest.digest()
