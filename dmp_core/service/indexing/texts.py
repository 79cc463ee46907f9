"""The text of a content: CDA, plain text, and PDF within bounds of pages, length and time."""

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from dmp_core.cda.reading import read
from dmp_core.rules.search.sources import TextState
from dmp_core.rules.search.vectors import MOST_CHARACTERS
from dmp_core.rules.search.words import compose
from platform_core.errors import Invalid, TooLarge

PDF = "application/pdf"
XML = frozenset({"text/xml", "application/xml"})
PLAIN = "text/plain"
READABLE = XML | {PDF, PLAIN}
MOST_BYTES = 4 * MOST_CHARACTERS
_MOST_PAGES = 300
_MOST_SECONDS = 20.0
_ODD_PDF = (PyPdfError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError, OSError)


@dataclass(frozen=True, slots=True)
class Text:
    """A composed text, and how far it was read."""

    text: str
    state: TextState


WAITING = Text("", TextState.WAITING)
_WORDLESS = Text("", TextState.WORDLESS)
_UNREAD = Text("", TextState.UNREAD)


def read_at_once(media_type: str, content: bytes) -> Text:
    """The text of what is read within the act that files it; `WAITING` for a PDF, also for one inside a CDA."""
    if media_type == PLAIN:
        return _bounded(content.decode("utf-8", "replace"), len(content) >= MOST_BYTES)
    if media_type == PDF:
        return WAITING
    if media_type not in XML:
        return _WORDLESS
    try:
        document = read(content)
    except (Invalid, TooLarge):
        return _UNREAD
    if document.body is None:
        return _bounded(document.text)
    kind, body = document.body.media_type, document.body.content
    return _bounded(body.decode("utf-8", "replace")) if kind == PLAIN else WAITING if kind == PDF else _WORDLESS


def read_slowly(media_type: str, content: bytes) -> Text:
    """The text of any content, PDF included."""
    if media_type == PDF:
        return read_pdf(content)
    found = read_at_once(media_type, content)
    if found is not WAITING:
        return found
    body = read(content).body
    return read_pdf(body.content) if body else _WORDLESS


def read_pdf(content: bytes) -> Text:
    """The text that a PDF holds; a scanned one holds none, and is not recognised here."""
    try:
        pages, whole = _read_pages(PdfReader(io.BytesIO(content)))
    except _ODD_PDF:
        return _UNREAD
    return _bounded("\n".join(pages), not whole)


def _read_pages(reader: PdfReader) -> tuple[list[str], bool]:
    """The texts of the pages, and whether all were read."""
    until = time.monotonic() + _MOST_SECONDS
    texts: list[str] = []
    for page in _pages(reader):
        texts.append(page)
        if time.monotonic() > until or sum(map(len, texts)) > MOST_CHARACTERS:
            break
    return texts, len(texts) == len(reader.pages)


def _pages(reader: PdfReader) -> Iterator[str]:
    for number in range(min(len(reader.pages), _MOST_PAGES)):
        try:
            yield reader.pages[number].extract_text()
        except _ODD_PDF:
            yield ""


def _bounded(text: str, cut: bool = False) -> Text:
    composed = compose(text).strip()
    if not composed:
        return _WORDLESS
    state = TextState.CUT if cut or len(composed) > MOST_CHARACTERS else TextState.WHOLE
    return Text(composed[:MOST_CHARACTERS], state)
