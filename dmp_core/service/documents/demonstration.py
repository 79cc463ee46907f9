"""Years of fictitious documents for the demonstration people, the same at each run: texts, now and then a small PDF.

The words are ours (`data/demonstration.json`); the figures are drawn.
"""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from random import Random
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from dmp_core.categories import DOCUMENT_TYPES, FACILITIES, SETTINGS
from dmp_core.events import DocumentFiled
from dmp_core.queries import documents as queries
from dmp_core.rules.documents.metadata import Metadata, read_metadata
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.service.documents.contents import COLLECTION
from dmp_core.service.documents.drafts import Draft
from dmp_core.service.documents.storing import document_row, store
from dmp_core.service.drafts import Author
from platform_core import crypto, events
from platform_core.access import SYSTEM
from platform_core.blobs import service as blobs
from platform_core.blobs.service import BlobRef
from platform_core.clock import PARIS

SOURCE = "urn:ens:demonstration"
AT_ONCE = 250
_PDF_EVERY = 12
_DIFFERENT = 750  # a file each: twins are kept once
_YEAR = timedelta(days=365.25)
_WORDS: Mapping[str, Any] = json.loads(resources.files("dmp_core").joinpath("data/demonstration.json").read_text())
_SERIES = _WORDS["series"]


@dataclass(frozen=True, slots=True)
class Invented:
    """A document that was made up."""

    number: int
    type_code: str
    title: str
    text: str
    at: datetime
    doctor: Mapping[str, str]

    @property
    def is_pdf(self) -> bool:
        return self.number % _DIFFERENT % _PDF_EVERY == 0

    @property
    def content(self) -> bytes:
        return _pdf(self.text) if self.is_pdf else self.text.encode()


def add_documents_for_demo(
    *, patient_id: UUID, until: datetime, count: int, years: int = 10, first: int = 0, author: str = "Démonstration"
) -> int:
    """File `AT_ONCE` documents at most, from number `first` of `count`, spread over these years; how many were filed.

    Called again with the number that follows, in a transaction of its own, until all are there; what is there already
    is left as it is.
    """
    numbers = range(first, min(first + AT_ONCE, count))
    if not numbers or _is_filed(patient_id, numbers[-1]):
        return 0
    writer = Author(patient_id, "demonstration", None, author, SOURCE)
    key = crypto.patient_key(patient_id)
    invented = [invent(patient_id, number, count, until, years) for number in numbers]
    files = {content: _keep(content, key) for content in dict.fromkeys(one.content for one in invented)}
    rows = [document_row(_draft(one, patient_id), *files[one.content], "", writer) for one in invented]
    stored = store(rows, by=SYSTEM)
    for one, row in zip(invented, rows, strict=True):
        if row["id"] in stored:
            kind = row["media_type"]
            events.publish(DocumentFiled(patient_id, row["id"], one.type_code, kind, None, io.BytesIO(one.content)))
    return len(stored)


def invent(patient_id: UUID, number: int, count: int, until: datetime, years: int) -> Invented:
    """The document of that number in a life: the same whenever it is asked for. A long life repeats itself."""
    random = Random(f"{patient_id}:{number % _DIFFERENT}")  # noqa: S311 - words of a demonstration
    at = (until - years * _YEAR * (number + random.random()) / count).replace(minute=0, second=0, microsecond=0)
    (series,) = random.choices(_SERIES, [one["share"] for one in _SERIES])
    doctor = _WORDS["doctors"][random.choice(series["by"])]
    reason, image = random.choice(_WORDS["reasons"]), random.choice(_WORDS["images"])
    title = series["title"].format(reason=reason, image=image[0])
    lines = list(_lines(series["type"], reason, image, random))
    head = [
        doctor["institution"],
        f"{doctor['person']}, {doctor['specialty']}",
        "",
        title,
        "",
    ]
    return Invented(number, series["type"], title, "\n".join([*head, *lines, "", doctor["person"]]), at, doctor)


def _lines(type_code: str, reason: str, image: list[str], random: Random) -> Iterator[str]:
    match type_code:
        case "11502-2":
            for name, unit, low, high in random.sample(_WORDS["tests"], 6):
                value = round(random.uniform(low, high), 2 if high < 20 else 0)
                yield f"{name} : {value:g} {unit}".replace(".", ",")
        case "57833-6" | "60593-1":
            yield from random.sample(_WORDS["medicines"], random.randint(1, 4))
            yield f"Pour {random.choice((1, 3, 6))} mois."
        case "18748-4":
            yield f"Indication : {reason}."
            yield image[1]
        case "89601-9":
            yield f"Je certifie que l’état de santé de la personne justifie un repos de {random.randint(2, 10)} jours."
        case "87273-9":
            yield f"Vaccination contre {random.choice(_WORDS['vaccines'])}, bras gauche."
        case _:
            yield f"Motif : {reason}."
            for finding in random.sample(_WORDS["findings"], random.randint(2, 4)):
                yield finding.format(
                    a=random.randint(11, 16) * 10, b=random.randint(6, 9) * 10, c=random.randint(58, 92)
                )
            yield from random.sample(_WORDS["plans"], random.randint(1, 3))


def _keep(content: bytes, key: bytes) -> tuple[BlobRef, bytes]:
    blob = blobs.put(io.BytesIO(content), collection=COLLECTION, key=key, most=len(content))
    return blob, hashlib.sha1(content, usedforsecurity=False).digest()


def _draft(one: Invented, patient_id: UUID) -> Draft:
    """Read as what others publish is; that it is valid FHIR, a test says once for all."""
    resource = reference(one, patient_id)
    read = read_metadata(resource, comprehensive=False)
    assert isinstance(read, Metadata)
    return Draft(resource, read, io.BytesIO())


def reference(one: Invented, patient_id: UUID) -> dict[str, Any]:
    """The DocumentReference of an invented document."""
    found, doctor = DOCUMENT_TYPES[one.type_code].code, one.doctor
    facility, setting = FACILITIES[doctor["facility"]], SETTINGS[doctor["setting"]]
    role = {
        "resourceType": "PractitionerRole",
        "id": "author",
        "practitioner": {"display": doctor["person"]},
        "organization": {"display": doctor["institution"]},
        "specialty": [{"text": doctor["specialty"]}],
    }
    attachment = {
        "contentType": "application/pdf" if one.is_pdf else "text/plain",
        "language": "fr-FR",
        "title": one.title,
        "creation": one.at.astimezone(PARIS).isoformat(),
    }
    return {
        "resourceType": "DocumentReference",
        "contained": [role],
        "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": _unique_id(patient_id, one.number)},
        "status": "current",
        "type": {"coding": [{"system": found.system, "code": found.code, "display": found.label}]},
        "subject": {"reference": "Patient/demonstration"},
        "date": one.at.astimezone(PARIS).isoformat(),
        "author": [{"reference": "#author"}],
        "custodian": {"display": doctor["institution"]},
        "content": [{"attachment": attachment}],
        "context": {
            "period": {"start": one.at.astimezone(PARIS).isoformat()},
            "facilityType": {"coding": [{"system": facility.system, "code": facility.code}]},
            "practiceSetting": {"coding": [{"system": setting.system, "code": setting.code}]},
        },
    }


def _is_filed(patient_id: UUID, number: int) -> bool:
    viewer = Viewer(ViewerKind.PROFESSIONAL)
    unique_id = _unique_id(patient_id, number)
    return queries.find_by_unique_id(patient_id=patient_id, unique_id=unique_id, viewer=viewer) is not None


def _unique_id(patient_id: UUID, number: int) -> str:
    return f"urn:oid:2.25.{uuid5(NAMESPACE_URL, f'{SOURCE}:{patient_id}:{number}').int}"


def _pdf(text: str) -> bytes:
    """A PDF of one page with these lines (ISO 32000-1 §7.5), in the standard font and its Latin encoding."""
    lines = [line.replace("’", "'").encode("cp1252", "replace") for line in text.split("\n")]
    shown = b"".join(b"(%s) '\n" % line.translate(None, b"()\\") for line in lines)
    page = b"BT /F1 11 Tf 14 TL 60 780 Td\n" + shown + b"ET"
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        font,
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, out.find(b"xref\n"))
    return bytes(out)
