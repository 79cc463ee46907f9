"""Reading a whole CDA R2 document."""

import base64
import binascii
from collections.abc import Iterator

from lxml.etree import _Element as Element

from dmp_core.cda.document import ClinicalDocument, Media, Section, Unread
from dmp_core.cda.entries import reimbursements
from dmp_core.cda.entries.dispatch import read_entry
from dmp_core.cda.entries.parts import Place
from dmp_core.cda.header import read_header
from dmp_core.cda.narrative import html, plain_text, texts_by_id
from dmp_core.cda.parsing import parse
from dmp_core.cda.statements import Statement
from dmp_core.cda.values import Code, Texts, attribute, child, children, code, text_of
from platform_core.errors import Fault, Invalid

MOST_ATTACHED = 50 * 1024 * 1024


def read(data: bytes) -> ClinicalDocument:
    """Everything the document says. Raises `TooLarge`, and `Invalid` with a code in `cda-…` and the faults."""
    root = parse(data)
    header = read_header(root)
    texts = texts_by_id(root)
    alone = child(root, "component/nonXMLBody/text")
    body = child(root, "component/structuredBody")
    if alone is None and body is None:
        fault = Fault("/ClinicalDocument/component", "Neither structuredBody nor nonXMLBody/text.", "cda-incomplete")
        raise Invalid("The CDA document has no body.", code="cda-incomplete", faults=[fault])
    found = [] if body is None else list(_entries(body, texts, reimbursements.DOCUMENT in header.templates))
    return ClinicalDocument(
        header=header,
        level=1 if body is None else 3,
        body=None if alone is None else _media(alone, "body"),
        sections=() if body is None else _sections(body, ""),
        media=[_media(value, _media_id(one, n)) for n, (one, value) in enumerate(_attachments(root))],
        statements=[one for one in found if not isinstance(one, Unread)],
        unread=[one for one in found if isinstance(one, Unread)],
    )


def _sections(parent: Element, above: str) -> tuple[Section, ...]:
    return tuple(
        _section(element, f"{above}{number}") for number, element in enumerate(children(parent, "component/section"), 1)
    )


def _section(element: Element, number: str) -> Section:
    text = child(element, "text")
    return Section(
        id=f"section-{number}",
        code=code(child(element, "code"), {}) or Code(),
        title=text_of(child(element, "title")),
        html="" if text is None else html(text),
        text="" if text is None else plain_text(text),
        sections=_sections(element, f"{number}-"),
    )


def _entries(parent: Element, texts: Texts, reimbursed: bool) -> Iterator[Statement | Unread]:
    for section in children(parent, "component/section"):
        place = Place(attribute(child(section, "code"), "code"), text_of(child(section, "title")), texts, reimbursed)
        for entry in children(section, "entry"):
            yield from read_entry(entry, place)
        yield from _entries(section, texts, reimbursed)


def _attachments(root: Element) -> Iterator[tuple[Element, Element]]:
    for element in root.iter("{urn:hl7-org:v3}observationMedia"):
        value = child(element, "value")
        if value is not None:
            yield element, value


def _media_id(element: Element, number: int) -> str:
    return element.get("ID") or f"media-{number + 1}"


def _media(element: Element, name: str) -> Media:
    """The bytes of an ED value; text stays text. Raises `Invalid` `cda-attachment`."""
    kind = attribute(element, "mediaType") or "text/plain"
    if attribute(element, "representation") != "B64":
        return Media(name, kind, "".join(element.itertext()).encode())
    try:
        content = base64.b64decode("".join("".join(element.itertext()).split()), validate=True)
    except binascii.Error:
        raise _spoilt(name, "is not base64") from None
    if not content or len(content) > MOST_ATTACHED:
        raise _spoilt(name, "is empty" if not content else "is larger than 50 MB")
    return Media(name, kind, content)


def _spoilt(name: str, why: str) -> Invalid:
    message = f"The attachment “{name}” {why}."
    return Invalid(message, code="cda-attachment", faults=[Fault(name, message, "cda-attachment")])
