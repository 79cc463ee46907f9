"""The zip package of IHE XDM (ITI TF-2 §3.32.4): read, and written."""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import PurePosixPath
from typing import IO

from dmp_core.cda.envelopes.metadata import Entry, Submission, read_entries, write_metadata
from dmp_core.cda.parsing import parse
from platform_core.archives import check_container
from platform_core.errors import Fault, Invalid

_ROOT = "IHE_XDM"
_SUBSET = f"{_ROOT}/SUBSET01"
_EXTENSIONS = {
    "text/xml": "XML",
    "application/pdf": "PDF",
    "image/jpeg": "JPG",
    "image/png": "PNG",
    "image/tiff": "TIF",
    "text/plain": "TXT",
}
_OLDEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Packed:
    """A document of a package: its metadata and its bytes, whose size and hash are those announced."""

    entry: Entry
    content: bytes = field(repr=False)


def read_package(stream: IO[bytes]) -> list[Packed]:
    """The documents of every submission of a package, in order.

    Raises `Invalid`: those of `archives.check_container`, and `xdm-malformed` with each fault: no metadata, a document
    that is missing, of another size or another hash than announced. Nothing is given unless everything is right.
    """
    names = check_container(stream)
    found: list[Packed] = []
    faults: list[Fault] = []
    with zipfile.ZipFile(stream) as archive:
        places = {name.upper(): name for name in names}
        listed = [name for name in names if _is_metadata(name)]
        if not listed:
            faults.append(Fault(f"{_SUBSET}/METADATA.XML", "The package has no metadata."))
        for name in listed:
            for entry in read_entries(parse(archive.read(name))):
                place = places.get(str(PurePosixPath(name).parent / entry.uri).upper())
                content = archive.read(place) if place and entry.uri else None
                faults += _faults(name, entry, content)
                found.append(Packed(entry, content or b""))
    if not found and not faults:
        faults.append(Fault(listed[0], "The metadata describe no document."))
    if faults:
        raise Invalid("The XDM package is refused: " + faults[0].message, code="xdm-malformed", faults=faults)
    return found


def write_package(submission: Submission, documents: Sequence[Packed]) -> bytes:
    """The package of a submission, the same bytes each time. Names, sizes and hashes of the documents are set here."""
    placed = [_placed(number, document) for number, document in enumerate(documents, 1)]
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        _write(archive, "README.TXT", _readme().encode())
        _write(archive, "INDEX.HTM", _index(placed).encode())
        _write(archive, f"{_SUBSET}/METADATA.XML", write_metadata(submission, [one.entry for one in placed]))
        for one in placed:
            _write(archive, f"{_SUBSET}/{one.entry.uri}", one.content)
    return target.getvalue()


def _is_metadata(name: str) -> bool:
    parts = PurePosixPath(name.upper()).parts
    return len(parts) == 3 and parts[0] == _ROOT and parts[2] == "METADATA.XML"


def _faults(metadata: str, entry: Entry, content: bytes | None) -> Iterator[Fault]:
    where = f"{metadata}#{entry.unique_id or entry.title}"
    if not entry.unique_id:
        yield Fault(where, "The document has no uniqueId.")
    if content is None:
        yield Fault(where, f"The document “{entry.uri}” is not in the package.")
        return
    if entry.size is not None and entry.size != len(content):
        yield Fault(where, f"The document has {len(content)} bytes, {entry.size} are announced.")
    if entry.hash and entry.hash.lower() != _sha1(content):
        yield Fault(where, "The SHA-1 of the document is not the one announced.")


def _placed(number: int, document: Packed) -> Packed:
    uri = f"DOC{number:05}.{_EXTENSIONS.get(document.entry.mime_type, 'BIN')}"
    entry = replace(document.entry, uri=uri, size=len(document.content), hash=_sha1(document.content))
    return Packed(entry, document.content)


def _sha1(content: bytes) -> str:
    # The standard's metadata carry SHA-1; integrity in the record rests on SHA-256.
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _OLDEST)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


def _readme() -> str:
    return (
        "Documents de sante au format IHE XDM.\r\n"
        "Ouvrez INDEX.HTM pour les consulter. Les metadonnees sont dans IHE_XDM/SUBSET01/METADATA.XML.\r\n"
    )


def _index(documents: Sequence[Packed]) -> str:
    lines = "".join(
        f'<li><a href="{_SUBSET}/{one.entry.uri}">{escape(one.entry.title or one.entry.uri or "")}</a></li>'
        for one in documents
    )
    return (
        '<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8"><title>Documents de santé</title></head>'
        f"<body><h1>Documents de santé</h1><ul>{lines}</ul></body></html>"
    )
