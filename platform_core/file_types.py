"""What a file really is, told from its content; its name must agree, and what could harm whoever opens it is refused.

puremagic names the content from its first bytes: it is alive, pure Python, and needs no library of the system, as
python-magic does. Its answer is checked against a short list of types, each looked into further.
"""

import codecs
import io
import re
import struct
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import IO, Any
from xml.parsers import expat

import orjson
import puremagic
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from platform_core.archives import check_container, first_entry
from platform_core.errors import DomainError, Invalid, TooLarge, UnsupportedType

_HEAD = 8 * 1024
_PIECE = 64 * 1024
_MOST_JSON = 2 * 1024 * 1024
_MOST_NAME = 200
_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]')
_CDA = "urn:hl7-org:v3 ClinicalDocument"
_KEY_OBJECTS = b"1.2.840.10008.5.1.4.1.1.88.59"
_MOST_META = 64 * 1024
_PDF_A = re.compile(rb"pdfaid:(part|conformance)(?:>|\s*=\s*[\"'])\s*([1-4]|[ABUEFabuef])\b")
_NOT_IN_TEXTS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class FileType:
    """A type of file that is read. `signatures` are the names that puremagic may give it; none for plain text."""

    extension: str
    media_type: str
    label: str
    signatures: frozenset[str]
    check: Callable[[IO[bytes]], None]


@dataclass(frozen=True, slots=True)
class Identified:
    """A file whose content is what its name says. `name` is safe to give back in a download."""

    name: str
    type: FileType


def identify(stream: IO[bytes], name: str, *, accept: Collection[str]) -> Identified:
    """What a file is, among the extensions accepted; the stream, which must seek, is left at its start.

    Raises `Invalid` (`file-name`, `file-empty`, `file-mismatch`, `pdf-encrypted`, `text-unreadable`, `archive-…`),
    `UnsupportedType` (`file-type`), `TooLarge`.
    """
    safe = check_name(name)
    wanted = _BY_EXTENSION.get(safe.rpartition(".")[2].lower())
    if wanted is None or wanted.extension not in accept:
        raise UnsupportedType(f"{safe} is not of a type that is accepted.", code="file-type")
    stream.seek(0)
    head = stream.read(_HEAD)
    if not head:
        raise Invalid("The file is empty.", code="file-empty")
    _check_signature(head, wanted)
    try:
        stream.seek(0)
        wanted.check(stream)
    finally:
        stream.seek(0)
    return Identified(safe, wanted)


def check_name(name: str) -> str:
    """The name, composed (NFC). Raises `Invalid` (`file-name`) for a path, a hidden name, odd characters."""
    composed = unicodedata.normalize("NFC", name).strip()
    odd = _NOT_IN_NAMES.search(composed) or composed.startswith(".") or "." not in composed
    if odd or len(composed) > _MOST_NAME:
        raise Invalid("The name must be that of a file, with its extension and without a folder.", code="file-name")
    return composed


def _check_signature(head: bytes, wanted: FileType) -> None:
    found = _signatures(head)
    if wanted.signatures and not wanted.signatures & found:
        raise _mismatch(wanted)
    if not wanted.signatures and found & _BINARY:
        raise _mismatch(wanted)


def _signatures(head: bytes) -> frozenset[str]:
    """The extensions under which puremagic knows these first bytes; none when it knows no such file."""
    try:
        return frozenset(match.extension.lstrip(".").lower() for match in puremagic.magic_stream(io.BytesIO(head)))
    except puremagic.PureError:
        return frozenset()


def _check_pdf(stream: IO[bytes]) -> None:
    """A PDF that opens. One that limits printing only opens without a password, and is accepted."""
    try:
        reader = PdfReader(stream)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Invalid("The PDF is protected by a password: file it without one.", code="pdf-encrypted")
        if not reader.trailer.get("/Root"):
            raise _damaged_pdf()
    except DomainError:
        raise
    except (PyPdfError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise _damaged_pdf() from error


def pdf_conformance(stream: IO[bytes]) -> str:
    """What a PDF claims of itself in its XMP metadata, such as `PDF/A-1b` (ISO 19005 §6.7.11); empty when nothing.

    A claim is read, not proven. The stream is left at its start.
    """
    try:
        root: Any = PdfReader(stream).trailer["/Root"]
        metadata = root.get("/Metadata")
        packet: bytes = metadata.get_object().get_data() if metadata is not None else b""
    except (PyPdfError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError, OSError):
        packet = b""
    finally:
        stream.seek(0)
    claimed = {found[1]: found[2].decode() for found in _PDF_A.finditer(packet[:_MOST_JSON])}
    return f"PDF/A-{claimed[b'part']}{claimed.get(b'conformance', '').lower()}" if b"part" in claimed else ""


def _damaged_pdf() -> Invalid:
    return Invalid("The PDF is damaged: it cannot be opened.", code="pdf-unreadable")


def _check_image(stream: IO[bytes]) -> None:
    """Kept and given back as it is, never drawn here: its signature says enough."""


def _check_text(stream: IO[bytes]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    piece = stream.read(_PIECE)
    try:
        while piece:
            text = decoder.decode(piece)
            piece = stream.read(_PIECE)
            if _NOT_IN_TEXTS.search(text):
                raise Invalid("The text holds characters that no text has.", code="text-unreadable")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise Invalid("The text is not in UTF-8.", code="text-unreadable") from None


def _check_json(stream: IO[bytes]) -> None:
    content = stream.read(_MOST_JSON + 1)
    if len(content) > _MOST_JSON:
        raise TooLarge(f"A JSON file holds at most {_MOST_JSON} bytes.", code="json-too-large")
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError:
        raise _mismatch(_BY_EXTENSION["json"]) from None


def _check_clinical_document(stream: IO[bytes]) -> None:
    """A CDA document (HL7 CDA R2 §2.1): well-formed to its end, without a document type, hence without entities."""
    parser = expat.ParserCreate(namespace_separator=" ")
    roots: list[str] = []

    def start(name: str, attributes: object) -> None:
        roots.append(name)
        parser.StartElementHandler = None

    def refuse(*declaration: object) -> None:
        raise Invalid("The XML declares a document type: none is read.", code="xml-doctype")

    parser.StartElementHandler, parser.StartDoctypeDeclHandler = start, refuse
    try:
        while piece := stream.read(_PIECE):
            parser.Parse(piece)
            if roots and roots[0] != _CDA:
                raise _mismatch(_BY_EXTENSION["xml"])
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # the last two: an encoding that expat cannot read
        raise Invalid(f"The XML is not well-formed: {error}.", code="xml-unreadable") from None
    if roots[0] != _CDA:
        raise _mismatch(_BY_EXTENSION["xml"])


def _check_key_objects(stream: IO[bytes]) -> None:
    """A DICOM file (PS3.10 §7.1) whose file meta information says that it is a key object selection (PS3.3 A.35.4)."""
    head = stream.read(144)
    if len(head) < 144 or head[128:132] != b"DICM" or head[132:140] != b"\x02\0\0\0UL\x04\0":
        raise _mismatch(_BY_EXTENSION["dcm"])
    meta = io.BytesIO(stream.read(min(struct.unpack("<I", head[140:144])[0], _MOST_META)))
    while len(element := meta.read(8)) == 8:
        tag, kind, short = element[:4], element[4:6], struct.unpack("<H", element[6:8])[0]
        length = struct.unpack("<I", meta.read(4).ljust(4, b"\0"))[0] if kind in _LONG_FORMS else short
        value = meta.read(length)
        if tag == b"\x02\0\x02\0":
            if value.rstrip(b"\0 ") == _KEY_OBJECTS:
                return
            raise Invalid("Of DICOM, only key object selections are filed.", code="file-mismatch")
    raise _mismatch(_BY_EXTENSION["dcm"])


def _check_office(part: str) -> Callable[[IO[bytes]], None]:
    def check(stream: IO[bytes]) -> None:
        if not {"[Content_Types].xml", part} <= set(check_container(stream)):
            raise Invalid("The content is not that of an office document of this type.", code="file-mismatch")

    return check


def _check_open_document(media_type: str) -> Callable[[IO[bytes]], None]:
    def check(stream: IO[bytes]) -> None:
        check_container(stream)
        if first_entry(stream, "mimetype") != media_type.encode():
            raise Invalid("The content is not that of an OpenDocument file of this type.", code="file-mismatch")

    return check


def _mismatch(wanted: FileType) -> Invalid:
    return Invalid(f"The content is not that of a file .{wanted.extension}.", code="file-mismatch")


_LONG_FORMS = frozenset({b"OB", b"UN"})  # those of the file meta information whose length takes four bytes
_ZIP = frozenset({"zip", "docx", "xlsx", "odt", "ods"})
_OPEN = "application/vnd.oasis.opendocument."
_OFFICE = "application/vnd.openxmlformats-officedocument."
_TYPES = (
    FileType("pdf", "application/pdf", "PDF", frozenset({"pdf"}), _check_pdf),
    FileType("png", "image/png", "PNG", frozenset({"png"}), _check_image),
    FileType("jpg", "image/jpeg", "JPEG", frozenset({"jpg", "jpeg"}), _check_image),
    FileType("tif", "image/tiff", "TIFF", frozenset({"tif", "tiff"}), _check_image),
    FileType("odt", f"{_OPEN}text", "ODT", _ZIP, _check_open_document(f"{_OPEN}text")),
    FileType("ods", f"{_OPEN}spreadsheet", "ODS", _ZIP, _check_open_document(f"{_OPEN}spreadsheet")),
    FileType("docx", f"{_OFFICE}wordprocessingml.document", "DOCX", _ZIP, _check_office("word/document.xml")),
    FileType("xlsx", f"{_OFFICE}spreadsheetml.sheet", "XLSX", _ZIP, _check_office("xl/workbook.xml")),
    FileType("txt", "text/plain", "texte", frozenset(), _check_text),
    FileType("csv", "text/csv", "CSV", frozenset(), _check_text),
    FileType("xml", "text/xml", "CDA", frozenset(), _check_clinical_document),
    FileType("dcm", "application/dicom", "DICOM", frozenset(), _check_key_objects),
    FileType("json", "application/json", "JSON", frozenset(), _check_json),
)
_BY_EXTENSION = {one.extension: one for one in _TYPES}
_BY_EXTENSION |= {alias: _BY_EXTENSION[name] for alias, name in (("jpeg", "jpg"), ("tiff", "tif"))}
_BINARY = frozenset().union(*(one.signatures for one in _TYPES)) | {"exe", "dll", "elf", "rar", "7z", "gz"}
