"""The packages and messages in which documents come."""

import base64
import io
import zipfile
from dataclasses import replace

import pytest

from dmp_core.cda.envelopes import hl7v2, xdm
from dmp_core.cda.envelopes.metadata import Author, Coding, Entry, Submission
from dmp_core.cda.envelopes.xdm import Packed
from platform_core.errors import Invalid
from tests.dmp_core.cda.building import document, section

CDA = document(section(text="Bonjour"))
PATIENT = "285047510112397^^^&1.2.250.1.213.1.4.10&ISO^NH"
ENTRY = Entry(
    unique_id="1.2.250.1.999.1^CR-7",
    patient_id=PATIENT,
    title="Compte rendu <d’essai>",
    mime_type="text/xml",
    class_code=Coding("10", "1.2.250.1.213.1.1.4.1", "Compte rendu"),
    type_code=Coding("11488-4", "2.16.840.1.113883.6.1", "CR de consultation"),
    format_code=Coding("urn:ihe:iti:xds-sd:text:2008", "1.3.6.1.4.1.19376.1.2.3", ""),
    facility=Coding("SA07", "1.2.250.1.71.4.2.4", "Cabinet individuel"),
    practice_setting=Coding("AMBULATOIRE", "1.2.250.1.213.1.1.4.9", "Ambulatoire"),
    confidentiality=(
        Coding("N", "2.16.840.1.113883.5.25", "Normal"),
        Coding("MASQUE_PS", "1.2.250.1.213.1.1.4.13", ""),
    ),
    authors=(Author("881000000018^Martin^Sophie", "Cabinet d’essai", "G15_10/SM54", ""),),
    created="20260312083000",
    service_start="20260310",
)
SUBMISSION = Submission(
    unique_id="1.2.250.1.999.5",
    source_id="1.2.250.1.999.6",
    patient_id=PATIENT,
    submitted="20260312083000",
    title="Lot",
    content=Coding("04", "1.2.250.1.213.2.2", "Consultation"),
)


def package(**changes: object) -> bytes:
    """A package with two documents; `changes` are made to the first one's metadata after it was packed."""
    other = replace(ENTRY, unique_id="1.2.250.1.999.1^CR-8", mime_type="application/pdf")
    return xdm.write_package(SUBMISSION, [Packed(ENTRY, CDA), Packed(other, b"%PDF-1.7 essai")])


def altered(data: bytes, *, drop: str = "", **contents: bytes) -> io.BytesIO:
    """The package with other contents, by the end of their names (`DOC00001` stands for `…/DOC00001.XML`)."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w") as archive:
        for name in source.namelist():
            key = name.rpartition("/")[2].partition(".")[0]
            if key != drop:
                archive.writestr(name, contents.get(key, source.read(name)))
    return target


def test_a_package_is_read_as_it_was_written() -> None:
    first, second = xdm.read_package(io.BytesIO(package()))
    assert first.content == CDA
    assert replace(first.entry, uri="", hash="", size=None) == ENTRY
    assert (first.entry.size, len(first.entry.hash), first.entry.uri) == (len(CDA), 40, "DOC00001.XML")
    assert (second.content, second.entry.uri) == (b"%PDF-1.7 essai", "DOC00002.PDF")


def test_the_same_submission_is_the_same_package_byte_for_byte() -> None:
    assert package() == package()


def test_its_index_names_the_documents_and_escapes_them() -> None:
    with zipfile.ZipFile(io.BytesIO(package())) as archive:
        index = archive.read("INDEX.HTM").decode()
        assert archive.namelist()[:3] == ["README.TXT", "INDEX.HTM", "IHE_XDM/SUBSET01/METADATA.XML"]
    assert '<a href="IHE_XDM/SUBSET01/DOC00001.XML">Compte rendu &lt;d’essai&gt;</a>' in index


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"drop": "METADATA"}, "no metadata"),
        ({"drop": "DOC00001"}, "“DOC00001.XML” is not in the package"),
        ({"DOC00002": b"%PDF-1.7 AUTRE"}, "SHA-1"),
        ({"DOC00002": b"%PDF-1.7"}, "8 bytes, 14 are announced"),
        ({"METADATA": b"<rien/>"}, "describe no document"),
    ],
)
def test_a_package_that_does_not_hold_what_it_says_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        xdm.read_package(altered(package(), **changes))  # type: ignore[arg-type]
    assert caught.value.code == "xdm-malformed"


def test_metadata_with_a_document_type_are_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'
    with pytest.raises(Invalid) as caught:
        xdm.read_package(altered(package(), METADATA=bomb))
    assert caught.value.code == "cda-document-type"


def test_a_path_out_of_the_package_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("../METADATA.XML", b"<x/>")
    with pytest.raises(Invalid):
        xdm.read_package(target)


def test_what_is_no_package_is_refused() -> None:
    with pytest.raises(Invalid):
        xdm.read_package(io.BytesIO(CDA))


def message(
    kind: str = "MDM^T02^MDM_T02", *, content: bytes = CDA, charset: str = "UNICODE UTF-8", obx: str | None = None
) -> str:
    data = base64.b64encode(content).decode()
    return "\r".join(
        [
            f"MSH|^~\\&|SIH|HOPITAL ÉSSAI|ENS|ENS|20260312093000+0100||{kind}|MSG001|P|2.6|||||FRA|{charset}",
            "EVN||20260312093000",
            "PID|||12^^^IPP&1.2.250.1.999.9&ISO^PI~285047510112397^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS||DURAND^CAMILLE",
            "TXA|1|CR||20260312093000||||||||1.2.250.1.999.1^CR-7|1.2.250.1.999.1^CR-6||||LA",
            obx if obx is not None else f"OBX|1|ED|11488-4^Compte rendu^LN||^TEXT^XML^Base64^{data}||||||F",
        ]
    )


@pytest.mark.parametrize("kind", ["MDM^T02^MDM_T02", "MDM^T10^MDM_T02", "ORU^R01^ORU_R01"])
@pytest.mark.parametrize(("before", "after"), [("", ""), ("\x0b", "\x1c\r")])
def test_a_message_gives_its_document_and_its_patient(kind: str, before: str, after: str) -> None:
    found = hl7v2.read_message(f"{before}{message(kind)}{after}".encode())
    assert found.kind == "^".join(kind.split("^")[:2])
    assert str(found.ins) == "1.2.250.1.213.1.4.10^285047510112397"
    assert [str(one) for one in found.identifiers] == ["1.2.250.1.999.9^12", str(found.ins)]
    assert (found.control_id, found.sender, found.status) == ("MSG001", "HOPITAL ÉSSAI", "LA")
    (carried,) = found.documents
    assert (carried.code, carried.media_type, carried.content) == ("11488-4", "text/xml", CDA)


@pytest.mark.parametrize(("charset", "encoding"), [("8859/1", "iso-8859-1"), ("8859/15", "iso-8859-15"), ("", "utf-8")])
@pytest.mark.parametrize("separator", ["\r", "\n", "\r\n"])
def test_character_sets_and_line_ends_of_old_systems_are_read(charset: str, encoding: str, separator: str) -> None:
    text = message(charset=charset).replace("\r", separator)
    assert hl7v2.read_message(text.encode(encoding)).sender == "HOPITAL ÉSSAI"


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        (b"", "hl7-malformed", "MSH"),
        (b"Bonjour", "hl7-malformed", "MSH"),
        (message().replace("|^~\\&|", "|//|").encode(), "hl7-malformed", "MSH-2"),
        (message("ADT^A01").encode(), "hl7-unsupported", "MSH-9"),
        (message(charset="KLINGON").encode(), "hl7-malformed", "MSH-18"),
        (message().encode("iso-8859-1"), "hl7-malformed", "MSH-18"),
        (message(obx="OBX|1|TX|1^a^LN||texte").encode(), "hl7-malformed", "OBX-5"),
        (message(obx="OBX|1|ED|1^a^LN||^TEXT^XML^Base64^AAAAA").encode(), "hl7-malformed", "OBX-5 (1)"),
        (message(obx="OBX|1|ED|1^a^LN||^TEXT^XML^Base64^AAAé").encode(), "hl7-malformed", "OBX-5 (1)"),
        (message(obx="OBX|1|ED|1^a^LN||^TEXT^XML^Hex^AAAA").encode(), "hl7-malformed", "OBX-5 (1)"),
        (message(obx="OBX|1|ED|1^a^LN||^TEXT^XML^Base64^").encode(), "hl7-malformed", "OBX-5 (1)"),
    ],
)
def test_a_spoilt_message_is_refused_with_the_segment(data: bytes, code: str, where: str) -> None:
    with pytest.raises(Invalid) as caught:
        hl7v2.read_message(data)
    assert (caught.value.code, caught.value.faults[0].where) == (code, where)
