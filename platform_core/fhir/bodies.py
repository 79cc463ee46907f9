"""The body of a write: read whole when it is small, else its documents are laid aside on the way in.

A document travels inside JSON as base64 (ITI-105, ITI-65), up to 50 MB. Past the limit of a body, each `"data": "…"`
goes decoded to a file of its own, and the JSON keeps a digest in its place: memory holds the rest only.
"""

import base64
import binascii
import hashlib
import io
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from platform_core.errors import Fault, Malformed, TooLarge, UnsupportedType
from platform_core.fhir.registry import registry
from platform_core.fhir.validation import invalid

BODY_LIMIT = 8 * 1024 * 1024
MOST_ATTACHED = 50 * 1024 * 1024
# Base64 takes four bytes for three; line ends and the rest of the JSON come on top.
_MOST_WITH_ATTACHMENTS = BODY_LIMIT + MOST_ATTACHED * 7 // 5
_READ_TYPES = frozenset({"application/fhir+json", "application/json"})
_PIECE = 256 * 1024
# Inside a JSON string a quote is always escaped: these three tokens are a member of an object, wherever they stand.
_FIELD = re.compile(rb'"data"[ \t\r\n]*:[ \t\r\n]*"')
_KEPT = 64  # what may be the start of a match at the end of a piece
_NOT_BASE64 = re.compile(rb"[ \t\r\n]|\\[rnt]|\\(?=/)")


class Attached(str):
    """The base64 of a document that was laid aside: `file` holds the document, this text only stands for it."""

    file: IO[bytes]


@dataclass(frozen=True, slots=True)
class Body:
    """What was received: the JSON, and the documents laid aside by the text that stands in their place."""

    text: bytes
    attached: Mapping[str, IO[bytes]] = field(default_factory=dict)

    def attach(self, document: Any) -> Any:
        """The JSON read, its documents tied to it again.

        Raises `TooLarge` when something else than a document was laid aside.
        """
        if self.attached and _attach(document, self.attached) == 0:
            raise _too_large()
        return document


def open_attachment(data: str) -> IO[bytes]:
    """The document of a base64 element, from its start. Raises `ValueError` when it is not base64."""
    if isinstance(data, Attached):
        data.file.seek(0)
        return data.file
    return io.BytesIO(base64.b64decode(_NOT_BASE64.sub(b"", data.encode()), validate=True))


@contextmanager
def received_body(*, attachments: bool) -> Iterator[Body]:
    """The body of the present request. Raises `UnsupportedType`, `TooLarge` or `Malformed`."""
    if request.mimetype not in _READ_TYPES:
        raise UnsupportedType("Send application/fhir+json.")
    request.max_content_length = _MOST_WITH_ATTACHMENTS if attachments else BODY_LIMIT
    with ExitStack() as files:
        try:
            head = _read(request.stream, BODY_LIMIT + 1)
            if not head:
                raise Malformed("The body is empty.")
            if len(head) <= BODY_LIMIT:
                yield Body(head)
                return
            if not attachments:
                raise _too_large()
            body = lay_aside(head, request.stream, files)
        except RequestEntityTooLarge:
            raise _too_large() from None
        yield body


def lay_aside(head: bytes, rest: IO[bytes], files: ExitStack) -> Body:
    """Read a JSON text whose documents go to files, which `files` closes.

    Raises `TooLarge`, `Malformed`, or `Invalid` (`invalid-resource`) for what is not base64.
    """
    text, waiting, attached = bytearray(), bytearray(head), {}
    while waiting or (waiting := bytearray(rest.read(_PIECE))):
        found = _FIELD.search(waiting)
        if found:
            text += waiting[: found.end()]
            del waiting[: found.end()]
            file = files.enter_context(tempfile.TemporaryFile())
            mark = _decode(waiting, rest, file)
            attached[mark] = file
            text += mark.encode()
        else:
            piece = rest.read(_PIECE)
            certain = len(waiting) - _KEPT if piece else len(waiting)
            text += waiting[: max(certain, 0)]
            waiting = waiting[max(certain, 0) :] + piece
        if len(text) > BODY_LIMIT:
            raise _too_large()
    return Body(bytes(text), attached)


def _decode(waiting: bytearray, rest: IO[bytes], file: IO[bytes]) -> str:
    """Decode into `file` what stands before the closing quote; leaves in `waiting` what follows. Gives the mark."""
    digest, left, size = hashlib.sha256(), b"", 0
    while True:
        end = waiting.find(b'"')
        piece = bytes(waiting if end < 0 else waiting[:end])
        cut = len(piece) - 1 if end < 0 and piece.endswith(b"\\") else len(piece)
        del waiting[:cut]
        clean = left + _NOT_BASE64.sub(b"", piece[:cut])
        whole = len(clean) if end >= 0 else len(clean) // 4 * 4
        try:
            content = base64.b64decode(clean[:whole], validate=True)
        except binascii.Error:
            raise invalid([Fault("data", "is not base64.", "value")]) from None
        left, size = clean[whole:], size + len(content)
        if size > MOST_ATTACHED:
            raise TooLarge(f"A document holds at most {MOST_ATTACHED // 2**20} MB.")
        digest.update(content)
        file.write(content)
        if end >= 0:
            return base64.b64encode(digest.digest()).decode()
        more = rest.read(_PIECE)
        if not more:
            raise Malformed("The body ends inside a string.", code="invalid-json")
        waiting += more


def _attach(value: Any, attached: Mapping[str, IO[bytes]]) -> int:
    """Tie the documents within a JSON value; how many. Raises `TooLarge` where a type takes none."""
    if isinstance(value, list):
        return sum(_attach(child, attached) for child in value)
    if not isinstance(value, dict):
        return 0
    known = registry.types.get(str(value.get("resourceType", "")))
    if known and not known.attachments and _count(value, attached):
        raise _too_large()
    count = 0
    for name, child in value.items():
        if name == "data" and isinstance(child, str) and child in attached:
            value[name] = text = Attached(child)
            text.file = attached[child]
            count += 1
        else:
            count += _attach(child, attached)
    return count


def _count(value: Any, attached: Mapping[str, IO[bytes]]) -> int:
    if isinstance(value, list):
        return sum(_count(child, attached) for child in value)
    if isinstance(value, dict):
        return sum(_count(child, attached) for child in value.values())
    return int(isinstance(value, str) and value in attached)


def _read(stream: IO[bytes], most: int) -> bytes:
    content = bytearray()
    while len(content) < most and (piece := stream.read(min(_PIECE, most - len(content)))):
        content += piece
    return bytes(content)


def _too_large() -> TooLarge:
    return TooLarge(f"A body holds at most {BODY_LIMIT // 2**20} MB beside the data of its documents.")
