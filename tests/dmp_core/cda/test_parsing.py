"""What no document may do to the reader, and what a refusal says."""

import pytest

from dmp_core.cda import parsing
from dmp_core.cda.parsing import parse
from dmp_core.cda.reading import read
from platform_core.errors import Invalid, TooLarge
from tests.dmp_core.cda.building import document, section

WHOLE = document(section(text="<paragraph>Tout va bien, à Orléans.</paragraph>"))
TEXT = WHOLE.decode()


def refusal(data: bytes) -> Invalid:
    with pytest.raises(Invalid) as caught:
        read(data)
    assert caught.value.faults
    return caught.value


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
        '<!-- before --><?pi?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    ],
)
def test_a_document_type_is_refused_before_anything_is_expanded(prolog: str) -> None:
    head, body = TEXT.split("\n", 1)
    assert refusal(f"{head}\n{prolog}\n{body}".encode()).code == "cda-document-type"


def test_an_unknown_entity_is_refused() -> None:
    assert refusal(TEXT.replace("Tout va bien", "&tout;").encode()).code == "cda-malformed"


def test_an_inclusion_is_text_like_any_other() -> None:
    included = (
        '<paragraph xmlns:xi="http://www.w3.org/2001/XInclude">'
        '<xi:include href="/etc/passwd" parse="text"/></paragraph>'
    )
    found = read(document(section(text=included)))
    assert found.text == "Résultats"


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("UTF-8", "utf-8"),
        ("UTF-8", "utf-8-sig"),
        ("ISO-8859-1", "iso-8859-1"),
        ("iso-8859-15", "iso-8859-15"),
        ("windows-1252", "windows-1252"),
        ("UTF-16", "utf-16"),
    ],
)
def test_a_document_is_read_in_the_encoding_it_declares(declared: str, encoding: str) -> None:
    text = TEXT.replace("UTF-8", declared).replace("’", "'")
    assert "à Orléans" in read(text.encode(encoding)).text


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("UTF-8", "iso-8859-1"), ("UTF-7", "utf-8"), ("EBCDIC-CP-FR", "utf-8"), ("ASCII", "utf-8")],
)
def test_a_wrong_or_an_exotic_encoding_is_refused(declared: str, encoding: str) -> None:
    text = TEXT.replace("UTF-8", declared).replace("’", "'")
    assert refusal(text.encode(encoding)).code == "cda-encoding"


@pytest.mark.parametrize("kept", [0, 1, 20, 400, 2700])
def test_a_truncated_document_is_refused_with_its_line(kept: int) -> None:
    found = refusal(WHOLE[:kept])
    assert found.code == "cda-malformed"
    assert found.faults[0].where.startswith("line ")


def test_the_line_of_a_fault_counts_what_stands_before_the_root() -> None:
    spoilt = TEXT.replace("\n<ClinicalDocument", "\n<!-- un\ndeux\ntrois -->\n<ClinicalDocument").replace(
        "</title>", "</titre>", 1
    )
    line = int(refusal(spoilt.encode()).faults[0].where.removeprefix("line "))
    assert "</titre>" in spoilt.split("\n")[line - 1]


def test_too_deep_a_document_is_refused() -> None:
    deep = "<content>" * 130 + "</content>" * 130
    assert refusal(document(section(text=deep))).code == "cda-too-complex"


def test_too_many_tags_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "_MOST_TAGS", 50)
    assert refusal(document(section(text="<br/>" * 50))).code == "cda-too-complex"


def test_too_large_a_document_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "MOST_BYTES", 100)
    with pytest.raises(TooLarge):
        parse(WHOLE)


def test_another_kind_of_document_is_refused_as_such() -> None:
    assert refusal(b"<html><body>Bonjour</body></html>").code == "cda-not-a-document"


def test_what_a_header_lacks_is_listed_whole() -> None:
    bare = TEXT.replace("recordTarget", "recordTarger").replace("custodian>", "custodiam>")
    found = refusal(bare.encode())
    assert found.code == "cda-incomplete"
    assert [fault.where for fault in found.faults] == [
        "/ClinicalDocument/recordTarget/patientRole",
        "/ClinicalDocument/custodian/assignedCustodian/representedCustodianOrganization",
    ]


@pytest.mark.parametrize(
    ("written", "instead", "where"),
    [
        ('<effectiveTime value="20260312093000+0100"/>', '<effectiveTime value="hier"/>', "effectiveTime/@value"),
        ('<id root="1.2.250.1.999.1" extension="CR-7"/>', "<id/>", "id/@root"),
    ],
)
def test_an_empty_element_of_the_header_is_named(written: str, instead: str, where: str) -> None:
    assert refusal(TEXT.replace(written, instead).encode()).faults[0].where == f"/ClinicalDocument/{where}"


def test_a_document_without_body_is_refused() -> None:
    assert refusal(document(body="<component/>")).code == "cda-incomplete"


@pytest.mark.parametrize("content", ["", "pas du base64 !", "QUJ"])
def test_a_spoilt_attachment_is_refused(content: str) -> None:
    body = (
        f'<component><nonXMLBody><text mediaType="application/pdf" representation="B64">{content}</text>'
        f"</nonXMLBody></component>"
    )
    assert refusal(document(body=body)).code == "cda-attachment"
