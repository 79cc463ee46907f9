"""What a DocumentReference must say: PDSm 3.1.1 (simplified and comprehensive), PDSM4DMP, the value sets of the ANS."""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dmp_core.categories import (
    CLASSES,
    FACILITIES,
    FORMATS,
    SETTINGS,
    SYSTEMS,
    Code,
    Coding,
    DocumentType,
    find_document_type,
)
from dmp_core.rules.documents.authors import Author, read_author
from dmp_core.rules.documents.labels import Labels, read_labels
from platform_core.errors import Fault
from platform_core.fhir.search import instant_of

PDSM = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition"
IS_ARCHIVED = f"{PDSM}/pdsm-ext-is-archived"
REPLACES = "replaces"
# An app writes as a « service numérique référencé », a patient as « expression personnelle » (TRE_A00).
SERVICE, PATIENT = "SNR", "EXP_PATIENT"
CONTENT_TYPES = {
    "text/xml": "xml",
    "application/xml": "xml",
    "application/pdf": "pdf",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tif",
    "text/plain": "txt",
    "application/dicom": "dcm",
}
_ROOT = "DocumentReference"
_ATTACHMENT = f"{_ROOT}.content[0].attachment"
_LONGEST = 1000
_ALWAYS = ("subject", "date", "author", "type", "content")
_COMPREHENSIVE = {
    "contained": ("contained",),
    "masterIdentifier": ("masterIdentifier",),
    "category": ("category",),
    "securityLabel": ("securityLabel",),
    "context.period.start": ("context", "period", "start"),
    "context.facilityType": ("context", "facilityType"),
    "context.practiceSetting": ("context", "practiceSetting"),
    "content[0].format": ("content", 0, "format"),
    "content[0].attachment.size": ("content", 0, "attachment", "size"),
    "content[0].attachment.hash": ("content", 0, "attachment", "hash"),
    "content[0].attachment.creation": ("content", 0, "attachment", "creation"),
}


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a DocumentReference says, read. A code whose system is free is `system|code`; times are aware.

    `unique_id` is empty when the writer left it to the record; `replaces` is the reference of the document that this
    one takes the place of. `size` and `sha1` are those announced, if any.
    """

    type: DocumentType
    class_code: str
    format: str
    facility: str
    setting: str
    labels: Labels
    archived: bool
    author: Author
    title: str
    language: str
    content_type: str
    dated_at: datetime
    made_at: datetime
    service_start: datetime | None = None
    service_end: datetime | None = None
    event_codes: tuple[str, ...] = ()
    unique_id: str = ""
    replaces: str = ""
    size: int | None = None
    sha1: bytes | None = None
    warnings: tuple[Fault, ...] = ()

    @property
    def effective_at(self) -> datetime:
        """The instant that dates the document for its reader: the start of the care, else its creation."""
        return self.service_start or self.made_at


def read_metadata(resource: Mapping[str, Any], *, comprehensive: bool) -> Metadata | list[Fault]:
    """What a valid DocumentReference says, or the faults that refuse it.

    `comprehensive` asks for all that ITI-65 asks for; ITI-105 leaves the rest to the type and to the writer's nature.
    """
    faults = list(_missing(resource, comprehensive))
    if faults:
        return faults
    reader = _Reader(resource)
    return reader.faults or reader.metadata()


def _missing(resource: Mapping[str, Any], comprehensive: bool) -> Iterator[Fault]:
    for name in _ALWAYS:
        if not resource.get(name):
            yield Fault(f"{_ROOT}.{name}", "is missing.", "required")
    if resource.get("status") != "current":
        yield Fault(f"{_ROOT}.status", "must be current: a document is published as it stands.", "business-rule")
    content = resource.get("content") or [{}]
    if len(content) > 1:
        yield Fault(f"{_ROOT}.content", "must hold one document: publish each rendition as its own.", "business-rule")
    for name in ("contentType", "title"):
        if not content[0].get("attachment", {}).get(name):
            yield Fault(f"{_ATTACHMENT}.{name}", "is missing.", "required")
    if comprehensive:
        wanted = [path for path, steps in _COMPREHENSIVE.items() if _at(resource, steps) in (None, "", [])]
        yield from (Fault(f"{_ROOT}.{path}", "is missing (PDSm comprehensive).", "required") for path in wanted)


def _at(value: Any, steps: Sequence[Any]) -> Any:
    for step in steps:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and len(value) > step else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


class _Reader:
    """Reads each part of a DocumentReference that misses nothing, and notes what is wrong."""

    def __init__(self, resource: Mapping[str, Any]) -> None:
        self._resource = resource
        self._context = resource.get("context", {})
        self._attachment = resource["content"][0]["attachment"]
        self.faults: list[Fault] = []
        self._warnings: list[Fault] = []
        self._type = self._read_type()
        self._class = self._read_class()
        self._labels = self._read_labels()
        self._places = self._read_places()
        self._times = self._read_times()
        self._read_rest()

    def metadata(self) -> Metadata:
        assert self._type
        attachment, (dated, made, start, end) = self._attachment, self._times
        assert dated and made
        return Metadata(
            self._type,
            self._class,
            self._read_format(),
            *self._places,
            self._labels,
            is_archived(self._resource),
            read_author(self._resource),
            attachment["title"],
            attachment.get("language", ""),
            attachment["contentType"].partition(";")[0].strip().lower(),
            dated,
            made,
            start,
            end,
            tuple(_joined(c) for concept in self._context.get("event", ()) for c in codings(concept)),
            self._resource.get("masterIdentifier", {}).get("value", ""),
            self._replaces(),
            attachment.get("size"),
            self._sha1(),
            tuple(self._warnings),
        )

    def _read_type(self) -> DocumentType | None:
        found = find_document_type(codings(self._resource["type"]))
        if found is None:
            self._fault("type", "is of no type that a record keeps (JDV_J07).", "not-supported")
        return found

    def _read_class(self) -> str:
        """The class said, else that of the type. Published examples give others than the association does."""
        usual = self._type.class_code if self._type else ""
        concepts = self._resource.get("category", ())
        if not concepts:
            return usual
        known = [code for concept in concepts for code in _known(codings(concept), CLASSES)]
        if len(concepts) > 1 or not known:
            self._fault("category", "must hold one class of JDV_J57.", "code-invalid")
            return usual
        if usual and known[0].code != usual:
            self._warn("category", f"is {known[0].code}, while ASS_X04 gives {usual} to this type.")
        return known[0].code

    def _read_labels(self) -> Labels:
        found = read_labels(self._resource.get("securityLabel", ()), f"{_ROOT}.securityLabel")
        if isinstance(found, Labels):
            return found
        self.faults += found
        return Labels()

    def _read_places(self) -> tuple[str, str]:
        """The kind of establishment and of practice. Left out, they are those of an app."""
        facility = self._read_place("facilityType", FACILITIES)
        setting = self._read_place("practiceSetting", SETTINGS)
        for code in (SERVICE, PATIENT):
            if (facility.endswith(f"|{code}")) != (setting.endswith(f"|{code}")):
                self._fault("context.practiceSetting", f"is {code} when facilityType is, and then only.", "value")
        return facility, setting

    def _read_place(self, name: str, known: Mapping[str, Code]) -> str:
        given = codings(self._context.get(name))
        if not given:
            return _joined(known[SERVICE].coding)
        found = _known(given, known)
        if found:
            return _joined(found[0].coding)
        system, code = given[0]
        if SYSTEMS.get(system) in {one.system for one in known.values()} or not (system and code):
            self._fault(f"context.{name}", "is no code of its value set.", "code-invalid")
        return _joined((system, code))

    def _read_format(self) -> str:
        given = self._resource["content"][0].get("format")
        if given:
            return _joined((SYSTEMS.get(given.get("system", ""), given.get("system", "")), given.get("code", "")))
        usual = FORMATS.get(self._type.format_code) if self._type else None
        return _joined(usual.coding) if usual else ""

    def _read_times(self) -> tuple[datetime | None, datetime | None, datetime | None, datetime | None]:
        period = self._context.get("period", {})
        dated = self._instant(self._resource["date"], f"{_ROOT}.date")
        made = self._instant(self._attachment.get("creation"), f"{_ATTACHMENT}.creation") or dated
        start = self._instant(period.get("start"), f"{_ROOT}.context.period.start")
        end = self._instant(period.get("end"), f"{_ROOT}.context.period.end")
        if start and end and end < start:
            self._fault("context.period", "ends before it starts.", "invariant")
        return dated, made, start, end

    def _instant(self, text: str | None, path: str) -> datetime | None:
        if text is None:
            return None
        try:
            return instant_of(text).start
        except (ValueError, OverflowError):
            self.faults.append(Fault(path, "is not a date of the calendar.", "value"))
            return None

    def _read_rest(self) -> None:
        if self._attachment["contentType"].partition(";")[0].strip().lower() not in CONTENT_TYPES:
            kinds = ", ".join(CONTENT_TYPES)
            self.faults.append(Fault(f"{_ATTACHMENT}.contentType", f"must be one of {kinds}.", "not-supported"))
        unique_id = self._resource.get("masterIdentifier", {}).get("value", "")
        if max(len(unique_id), len(self._attachment["title"])) > _LONGEST:
            self._fault("masterIdentifier", f"and the title hold at most {_LONGEST} characters.", "too-long")
        if sum(one["code"] == REPLACES for one in self._resource.get("relatesTo", ())) > 1:
            self._fault("relatesTo", "replaces one document at most.", "business-rule")
        if "hash" in self._attachment and self._sha1() is None:
            self.faults.append(Fault(f"{_ATTACHMENT}.hash", "is not the base64 of a SHA-1.", "value"))
        if "custodian" not in self._resource:
            self._warn("custodian", "is missing: PDSm asks who keeps the document.")

    def _sha1(self) -> bytes | None:
        """FHIR R4: `hash` is the base64 of the SHA-1."""
        try:
            digest = b64decode(self._attachment.get("hash", ""), validate=True)
        except NotBase64:
            return None
        return digest if len(digest) == 20 else None

    def _replaces(self) -> str:
        related = self._resource.get("relatesTo", ())
        return next((one["target"].get("reference", "") for one in related if one["code"] == REPLACES), "")

    def _fault(self, path: str, message: str, code: str) -> None:
        self.faults.append(Fault(f"{_ROOT}.{path}", message, code))

    def _warn(self, path: str, message: str) -> None:
        self._warnings.append(Fault(f"{_ROOT}.{path}", message, "business-rule"))


def codings(concept: Mapping[str, Any] | None) -> list[Coding]:
    """The (system, code) pairs of a CodeableConcept."""
    if not concept:
        return []
    return [(coding.get("system", ""), coding.get("code", "")) for coding in concept.get("coding", ())]


def is_archived(resource: Mapping[str, Any]) -> bool:
    """Whether the extension of PDSm says that the document is put away."""
    return any(one.get("url") == IS_ARCHIVED and one.get("valueBoolean") for one in resource.get("extension", ()))


def _known(given: Sequence[Coding], known: Mapping[str, Code]) -> list[Code]:
    return [known[code] for system, code in given if code in known and SYSTEMS.get(system) == known[code].system]


def _joined(coding: Coding) -> str:
    return f"{coding[0]}|{coding[1]}"
