"""What a file really is: good files are named, each bad one is refused with a reason of its own."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core import archives, file_types
from platform_core.errors import DomainError, Invalid, TooLarge, UnsupportedType
from tests import files

ALL = frozenset({"pdf", "png", "jpg", "tif", "odt", "ods", "docx", "xlsx", "txt", "csv", "json"})

GOOD = {
    "rapport.pdf": (files.pdf(), "application/pdf"),
    "imprimable.pdf": (files.pdf(owner_password="o"), "application/pdf"),
    "écran.PNG": (files.PNG, "image/png"),
    "photo.jpg": (files.JPEG, "image/jpeg"),
    "photo.jpeg": (files.JPEG, "image/jpeg"),
    "plan.tiff": (files.TIFF, "image/tiff"),
    "notes.txt": ("Été à Noël\r\n\t— fin\f".encode(), "text/plain"),
    "mesures.csv": (b"jour;poids\n2026-11-21;72,4\n", "text/csv"),
    "ressource.json": (b'{"resourceType": "Observation"}', "application/json"),
    "contrat.docx": (files.docx(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "grille.xlsx": (files.archive(files.SHEET), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "contrat.odt": (files.open_document("text"), "application/vnd.oasis.opendocument.text"),
    "grille.ods": (files.open_document("spreadsheet"), "application/vnd.oasis.opendocument.spreadsheet"),
}

BAD = {
    "a program renamed": ("rapport.pdf", files.PROGRAM, "file-mismatch"),
    "a Linux program renamed": ("rapport.docx", files.SCRIPT, "file-mismatch"),
    "a program as text": ("notes.txt", files.PROGRAM, "file-mismatch"),
    "a picture named as a PDF": ("rapport.pdf", files.PNG, "file-mismatch"),
    "a PDF named as a text": ("notes.txt", files.pdf(), "file-mismatch"),
    "a PNG named as a JPEG": ("photo.jpg", files.PNG, "file-mismatch"),
    "text named as JSON": ("ressource.json", b"bonjour", "file-mismatch"),
    "an empty file": ("rapport.pdf", b"", "file-empty"),
    "a folder in the name": ("../rapport.pdf", files.pdf(), "file-name"),
    "a Windows path": ("C:\\rapport.pdf", files.pdf(), "file-name"),
    "a NUL in the name": ("rapport.exe\0.pdf", files.pdf(), "file-name"),
    "a name that reads backwards": ("rapport\u202efdp.txt", b"a", "file-name"),
    "a hidden name": (".pdf", files.pdf(), "file-name"),
    "a name without an extension": ("rapport", files.pdf(), "file-name"),
    "a name that never ends": (f"{'a' * 300}.pdf", files.pdf(), "file-name"),
    "no name": ("", files.pdf(), "file-name"),
    "a PDF with a password": ("rapport.pdf", files.pdf(password="secret"), "pdf-encrypted"),
    "a PDF cut short": ("rapport.pdf", b"%PDF-1.7\n" + bytes(range(32, 127)), "pdf-unreadable"),
    "Latin-1 text": ("notes.txt", "Été".encode("latin-1"), "text-unreadable"),
    "UTF-16 text": ("notes.csv", "a;b".encode("utf-16-le"), "text-unreadable"),
    "text cut within a character": ("notes.txt", "Noé".encode()[:-1], "text-unreadable"),
    "a document cut short": ("contrat.docx", files.docx()[:-30], "archive-unreadable"),
    "a document with a changed byte": ("contrat.docx", files.altered_archive(), "archive-unreadable"),
    "a sheet named as a text document": ("contrat.docx", files.archive(files.SHEET), "file-mismatch"),
    "an OpenDocument sheet named as a text": ("contrat.odt", files.open_document("spreadsheet"), "file-mismatch"),
    "a bare archive named as a document": ("contrat.odt", files.archive({"a.txt": b"a"}), "file-mismatch"),
    "a bomb": ("contrat.docx", files.docx(**{"word/a.xml": bytes(20 * files.MB)}), "archive-bomb"),
    "thousands of entries": ("contrat.docx", files.docx(**{str(i): b"" for i in range(2001)}), "archive-bomb"),
    "sizes that lie": ("contrat.docx", files.lying_archive(), "archive-unreadable"),
    "macros": ("contrat.docx", files.docx(**{"word/vbaProject.bin": b"a"}), "archive-macros"),
    "OpenDocument macros": ("contrat.odt", files.open_document("text", **{"Basic/a.xml": b"a"}), "archive-macros"),
    "an archive inside": ("contrat.docx", files.docx(**{"a.xml": files.archive({})}), "archive-nested"),
    "a program inside": ("contrat.docx", files.docx(**{"word/a.bin": files.PROGRAM}), "archive-program"),
    "a document with a password": ("contrat.docx", files.locked_archive(), "archive-encrypted"),
    "an entry with a path": ("contrat.docx", files.docx(**{"../../a.xml": b"a"}), "archive-unreadable"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_named_by_its_content(name: str) -> None:
    content, media_type = GOOD[name]
    stream = files.stream(content)
    found = file_types.identify(stream, name, accept=ALL)
    assert (found.name, found.type.media_type, stream.tell()) == (name, media_type, 0)


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_for_its_own_reason(case: str) -> None:
    name, content, code = BAD[case]
    with pytest.raises(Invalid) as refused:
        file_types.identify(files.stream(content), name, accept=ALL)
    assert refused.value.code == code


@pytest.mark.parametrize("encoding", ["utf-7", "shift_jis", "x-none"])
def test_xml_in_an_encoding_that_cannot_be_read_is_refused(encoding: str) -> None:
    content = f'<?xml version="1.0" encoding="{encoding}"?><a/>'.encode()
    with pytest.raises(Invalid) as refused:
        file_types.identify(files.stream(content), "a.xml", accept={"xml"})
    assert refused.value.code == "xml-unreadable"


@pytest.mark.parametrize(
    "name", ["rapport.exe", "page.html", "dessin.svg", "macros.docm", "paquet.zip", "rapport.pdf."]
)
def test_a_type_that_is_not_accepted_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(UnsupportedType):
        file_types.identify(files.stream(files.pdf()), name, accept=ALL)


def test_a_type_known_but_not_accepted_here_is_refused() -> None:
    with pytest.raises(UnsupportedType):
        file_types.identify(files.stream(files.PNG), "a.png", accept={"pdf"})


def test_a_json_too_large_to_be_parsed_is_refused() -> None:
    with pytest.raises(TooLarge):
        file_types.identify(files.stream(b"[" + b"1," * files.MB + b"1]"), "a.json", accept=ALL)


def test_a_directory_too_large_to_be_read_is_refused_before_it_is() -> None:
    end = b"PK\x05\x06" + bytes(6) + (60_000).to_bytes(2, "little") + (2**31).to_bytes(4, "little") + bytes(6)
    with pytest.raises(Invalid) as refused:
        archives.check_container(io.BytesIO(b"PK\x03\x04" + bytes(100) + end))
    assert refused.value.code == "archive-bomb"


@given(head=st.sampled_from([b"%PDF-1.7\n", b"PK\x03\x04", b"\x89PNG", b"{", b""]), rest=st.binary(max_size=400))
def test_no_content_makes_the_look_fail_otherwise_than_by_a_refusal(head: bytes, rest: bytes) -> None:
    for name in ("a.pdf", "a.docx", "a.odt", "a.json", "a.txt", "a.png"):
        try:
            file_types.identify(files.stream(head + rest), name, accept=ALL)
        except DomainError as refused:
            assert refused.message


@given(st.binary(max_size=2000), st.integers(0, 2000))
def test_a_damaged_pdf_is_opened_or_refused(noise: bytes, place: int) -> None:
    content = files.pdf(pages=3)
    damaged = content[:place] + noise + content[place + len(noise) :]
    try:
        file_types.identify(files.stream(damaged), "a.pdf", accept=ALL)
    except Invalid as refused:
        assert refused.code in {"pdf-unreadable", "pdf-encrypted", "file-mismatch"}
