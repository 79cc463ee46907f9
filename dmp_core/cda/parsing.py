"""From bytes to an XML tree that can do no harm: no entity, no document type, no network, bounded in every way."""

import codecs
import re

from lxml import etree
from lxml.etree import _Element as Element

from platform_core.errors import Fault, Invalid, TooLarge

MOST_BYTES = 70 * 1024 * 1024

# A document of fifty megabytes carries them in one encoded attachment, not in a million tags.
_MOST_TAGS = 500_000
_MOST_DEPTH = 120

_PROLOG = re.compile(r"(?:<\?xml\s[^>]*\?>)?(?:\s|<!--.*?-->|<\?.*?\?>)*", re.DOTALL)
_DECLARATION = re.compile(rb"<\?xml\s[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"'][^>]*\?>")
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_ENCODINGS = ("utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252")


def parse(data: bytes) -> Element:
    """The root element, without comments and processing instructions.

    Raises `TooLarge`, and `Invalid` `cda-encoding`, `cda-document-type`, `cda-malformed` or `cda-too-complex`.
    """
    if len(data) > MOST_BYTES:
        raise TooLarge("A CDA document holds at most 50 MB.")
    text = _decode(data)
    start = _PROLOG.match(text)
    body = text[start.end() if start else 0 :]
    if body.startswith("<!"):
        raise _refused("cda-document-type", "1", "A document type declaration is not accepted: remove the <!DOCTYPE>.")
    if body.count("<") > _MOST_TAGS:
        raise _refused("cda-too-complex", "/", f"More than {_MOST_TAGS} tags.")
    root = _parse(body, text[: len(text) - len(body)].count("\n"))
    _check_depth(root)
    return root


def _decode(data: bytes) -> str:
    declared = _DECLARATION.match(data.removeprefix(codecs.BOM_UTF8))
    name = declared[1].decode().lower() if declared else "utf-8"
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding)
    if name not in _ENCODINGS:
        raise _refused("cda-encoding", "1", f"The encoding “{name}” is not accepted: send UTF-8.")
    return _decoded(data, name)


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = str(data.count(b"\n", 0, error.start) + 1)
        message = f"The bytes are not {encoding}, which the document says or implies."
        raise _refused("cda-encoding", line, message) from None


def _parse(text: str, lines_before: int) -> Element:
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        # An attachment is one text of tens of megabytes; the other bounds are ours.
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        line = str((error.lineno or 1) + lines_before)
        raise _refused("cda-malformed", line, f"Not well-formed XML: {error.msg}.") from None
    except UnicodeEncodeError:
        raise _refused("cda-encoding", "1", "The document holds half characters.") from None


def _check_depth(root: Element) -> None:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > _MOST_DEPTH:
            raise _refused("cda-too-complex", "/", f"More than {_MOST_DEPTH} levels of elements.")


def _refused(code: str, where: str, message: str) -> Invalid:
    place = where if where.startswith("/") else f"line {where}"
    return Invalid(f"The CDA document cannot be read: {message}", code=code, faults=[Fault(place, message, code)])
