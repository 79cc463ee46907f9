"""Small files of every kind, good and bad, made here."""

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import BinaryIO

from pypdf import PdfWriter

MB = 1024 * 1024
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(64)
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(64) + b"\xff\xd9"
TIFF = b"II*\0\x08\0\0\0" + bytes(64)
PROGRAM = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0" + bytes(256)
SCRIPT = b"\x7fELF\x02\x01\x01" + bytes(256)
OFFICE = {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<document/>"}
SHEET = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}


def pdf(password: str = "", owner_password: str | None = None, pages: int = 1) -> bytes:
    """A PDF of blank pages; one with an owner's password only opens without any."""
    writer, out = PdfWriter(), io.BytesIO()
    for _ in range(pages):
        writer.add_blank_page(100, 100)
    if password or owner_password:
        writer.encrypt(password, owner_password, algorithm="AES-256")
    writer.write(out)
    return out.getvalue()


def archive(entries: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as made:
        for name, content in entries.items():
            made.writestr(zipfile.ZipInfo(name), content, compression)
    return out.getvalue()


def docx(**entries: bytes) -> bytes:
    return archive({**OFFICE, **entries})


def open_document(kind: str, **entries: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(zipfile.ZipInfo("mimetype"), f"application/vnd.oasis.opendocument.{kind}")
        for name, content in {"content.xml": b"<content/>", **entries}.items():
            made.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def altered_archive() -> bytes:
    """A document of which a letter was changed after its checksum was made."""
    return archive(OFFICE, zipfile.ZIP_STORED).replace(b"<document/>", b"<documenT/>")


def lying_archive() -> bytes:
    """A document whose directory says that an entry of 4 MB holds ten bytes."""
    content = docx(**{"word/media.xml": bytes(4 * MB)})
    true, false = struct.pack("<L", 4 * MB), struct.pack("<L", 10)
    return content.replace(true, false)


def locked_archive() -> bytes:
    """A document whose entries say that they are encrypted."""
    content = bytearray(docx())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(signature)
        while place >= 0:
            content[place + flags] |= 1
            place = content.find(signature, place + 4)
    return bytes(content)


class Hole(io.RawIOBase):
    """A file of zeros of any size that takes no room; it counts the bytes that were read."""

    def __init__(self, size: int, start: bytes = b"") -> None:
        self.size, self.start, self.place, self.given = size, start, 0, 0

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.size}[whence]
        return self.place

    def read(self, size: int = -1) -> bytes:
        left = self.size - self.place
        size = left if size < 0 else min(size, left)
        content = (self.start[self.place : self.place + size]).ljust(size, b"\0")
        self.place += size
        self.given += size
        return content


def stream(content: bytes) -> BinaryIO:
    return io.BytesIO(content)
