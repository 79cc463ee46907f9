"""HL7 v2 messages that carry documents: MDM^T02, T04, T10 and ORU^R01 with a document encoded in OBX-5."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import hl7

from dmp_core.cda.values import Identifier, Moment, read_moment
from platform_core.errors import Fault, Invalid, TooLarge
from platform_core.health_identity import INS_NIA, INS_NIR, INS_NIR_DEMO, INS_NIR_TEST

MOST_BYTES = 70 * 1024 * 1024

_KINDS = ("MDM^T02", "MDM^T04", "MDM^T10", "ORU^R01")
_INS_ROOTS = (INS_NIR, INS_NIA, INS_NIR_TEST, INS_NIR_DEMO)
_CHARSETS = {
    "UNICODE UTF-8": "utf-8",
    "8859/1": "iso-8859-1",
    "8859/15": "iso-8859-15",
    "ASCII": "us-ascii",
    "": "utf-8",
}
_START, _END = b"\x0b", b"\x1c\r"


@dataclass(frozen=True, slots=True)
class Carried:
    """A document of a message: its type as the sender codes it, its media type, its bytes."""

    code: str
    label: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """What a message says. `replaces` is the unique id of the document that this one replaces (T10), or empty."""

    kind: str
    control_id: str
    sender: str
    sent: Moment | None
    ins: Identifier | None
    identifiers: Sequence[Identifier]
    unique_id: str
    replaces: str
    status: str
    documents: Sequence[Carried]


def read_message(data: bytes) -> Message:
    """Raises `TooLarge`, and `Invalid` `hl7-malformed` or `hl7-unsupported` with the faults, segment by segment."""
    if len(data) > MOST_BYTES:
        raise TooLarge("A message holds at most 50 MB.")
    text = _text(data.strip().removeprefix(_START).removesuffix(_END.rstrip()).strip())
    separators = text[3:4] + text[4:].partition(text[3:4] or "|")[0]
    if len(set(separators)) < len(separators):
        raise _malformed("MSH-2", "The separators must differ from one another.")
    try:
        parsed = hl7.parse(text)
    except (hl7.HL7Exception, IndexError, ValueError) as error:
        raise _malformed("MSH", f"The message cannot be parsed: {error}") from error
    kind = "^".join(_value(parsed, "MSH", 9).split("^")[:2])
    if kind not in _KINDS:
        message = f"Messages {kind or 'without a type'} are not accepted, only {', '.join(_KINDS)}."
        raise Invalid(message, code="hl7-unsupported", faults=[Fault("MSH-9", message)])
    identifiers = list(_identifiers(_value(parsed, "PID", 3)))
    documents = list(_documents(parsed))
    if not documents:
        raise _malformed("OBX-5", "No OBX segment carries an encoded document.")
    return Message(
        kind=kind,
        control_id=_value(parsed, "MSH", 10),
        sender=_value(parsed, "MSH", 4) or _value(parsed, "MSH", 3),
        sent=read_moment(_value(parsed, "MSH", 7)),
        ins=next((one for one in identifiers if one.root in _INS_ROOTS), None),
        identifiers=identifiers,
        unique_id=_value(parsed, "TXA", 12).split("^")[0],
        replaces=_value(parsed, "TXA", 13).split("^")[0],
        status=_value(parsed, "TXA", 17),
        documents=documents,
    )


def _text(data: bytes) -> str:
    if not data.startswith(b"MSH") or len(data) < 9:
        raise _malformed("MSH", "The message does not start with an MSH segment.")
    head = data.replace(b"\n", b"\r").split(b"\r", 1)[0].split(data[3:4])
    name = head[17].decode("ascii", "replace").split("~")[0] if len(head) > 17 else ""
    charset = _CHARSETS.get(name)
    if charset is None:
        raise _malformed("MSH-18", f"The character set “{name}” is not accepted: send UNICODE UTF-8.")
    try:
        text = data.decode(charset)
    except UnicodeDecodeError:
        raise _malformed("MSH-18", f"The bytes are not {charset}, which the message says or implies.") from None
    return text.replace("\r\n", "\r").replace("\n", "\r") + "\r"


def _value(message: hl7.Message, segment: str, number: int) -> str:
    """The raw text of the first field of that name and number; empty when it is absent."""
    try:
        return str(message.segment(segment)(number)).strip()
    except (KeyError, IndexError):
        return ""


def _identifiers(text: str) -> Iterator[Identifier]:
    """The identifiers of PID-3 whose authority has an OID (`value^^^name&oid&ISO^type`)."""
    for repetition in text.split("~"):
        parts = repetition.split("^")
        authority = parts[3].split("&") if len(parts) > 3 else []
        if len(authority) > 1 and parts[0] and authority[1]:
            yield Identifier(authority[1], parts[0])


def _documents(message: hl7.Message) -> Iterator[Carried]:
    for segment in message:
        if str(segment[0]) != "OBX" or len(segment) < 6 or str(segment[2]) != "ED":
            continue
        kind, label, *_ = (*str(segment[3]).split("^"), "", "")
        parts = [*str(segment[5]).split("^"), *[""] * 5]
        if parts[3].lower() != "base64":
            raise _malformed(f"OBX-5 ({kind})", "The document is not encoded in Base64 (ED.4).")
        try:
            content = base64.b64decode(parts[4].replace("\\.br\\", ""), validate=True)
        except ValueError:
            raise _malformed(f"OBX-5 ({kind})", "The document is cut or is not Base64.") from None
        if not content:
            raise _malformed(f"OBX-5 ({kind})", "The document is empty.")
        yield Carried(kind, label, _media_type(parts[1], parts[2], content), content)


def _media_type(kind: str, subtype: str, content: bytes) -> str:
    if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return "text/xml"
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    return f"{kind.lower() or 'application'}/{subtype.lower() or 'octet-stream'}"


def _malformed(where: str, message: str) -> Invalid:
    return Invalid(f"The HL7 message is refused: {message}", code="hl7-malformed", faults=[Fault(where, message)])
