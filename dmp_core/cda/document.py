"""What a CDA R2 document says, as plain values: header, sections, and the structured entries that could be read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from dmp_core.cda.statements import Statement
from dmp_core.cda.values import Code, Identifier, Moment, Period

_RPPS = re.compile(r"8?(\d{11})")


@dataclass(frozen=True, slots=True)
class Organization:
    """An organisation; `identifier` is its FINESS or SIREN as the national directory writes it."""

    name: str = ""
    identifier: Identifier | None = None
    sector: Code | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A professional, a device or the patient as author. `rpps` is the national number without its prefix."""

    family: str = ""
    given: str = ""
    title: str = ""
    identifier: Identifier | None = None
    specialty: Code | None = None
    organization: Organization | None = None
    at: Moment | None = None

    @property
    def name(self) -> str:
        return " ".join(part for part in (self.title, self.given, self.family) if part)

    @property
    def rpps(self) -> str:
        """The RPPS number of eleven digits (under that root it often has a prefix, 8), or an empty string."""
        if self.identifier is None or self.identifier.root != "1.2.250.1.71.4.2.1":
            return ""
        match = _RPPS.fullmatch(self.identifier.extension)
        return match[1] if match else ""


@dataclass(frozen=True, slots=True)
class Subject:
    """The patient whom the document is about. `ins` is the matricule with the OID of its issuer, or None."""

    identifiers: Sequence[Identifier]
    ins: Identifier | None
    birth_family: str
    used_family: str
    given: str
    birth_date: date | None
    gender: str


@dataclass(frozen=True, slots=True)
class Related:
    """Another document: `RPLC` it is replaced by this one, `APND` completed, `XFRM` transformed."""

    relation: str
    unique_id: str


@dataclass(frozen=True, slots=True)
class Header:
    """The metadata. `unique_id` and `set_id` are OIDs or UUIDs, with `^extension` when there is one."""

    unique_id: str
    set_id: str
    version: int
    code: Code
    title: str
    created: Moment
    confidentiality: Code
    language: str
    templates: Sequence[str]
    subject: Subject
    authors: Sequence[Person]
    custodian: Organization
    legal_authenticator: Person | None
    service: Code | None
    service_period: Period
    performer: Person | None
    encounter: Code | None
    encounter_period: Period
    facility: Code | None
    practice_setting: Code | None
    related: Sequence[Related]
    orders: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Media:
    """Bytes that the document carries in itself."""

    id: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its narrative as safe HTML and as plain text. `id` is the anchor of its heading in a page."""

    id: str
    code: Code
    title: str
    html: str = field(repr=False)
    text: str = field(repr=False)
    sections: Sequence["Section"] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """An entry that says nothing this reader knows: where it stands and why. It stays in the document and its text."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class ClinicalDocument:
    """A document of level 1 has a `body` and no section; levels 2 and 3 have sections and `media`."""

    header: Header
    level: Literal[1, 3]
    body: Media | None
    sections: Sequence[Section]
    media: Sequence[Media]
    statements: Sequence[Statement]
    unread: Sequence[Unread]

    @property
    def text(self) -> str:
        """Everything that is written in the sections, for the search."""
        return "\n".join(_texts(self.sections))


def _texts(sections: Sequence[Section]) -> list[str]:
    found = []
    for section in sections:
        found += [text for text in (section.title, section.text) if text]
        found += _texts(section.sections)
    return found
