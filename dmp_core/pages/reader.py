"""A CDA document read in its page, and what it carries in itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from flask import Blueprint, Response, url_for
from markupsafe import Markup

from dmp_core.cda.document import ClinicalDocument, Section
from dmp_core.cda.reading import read
from dmp_core.cda.statements import Result, ResultKind
from dmp_core.models.documents import DocumentRow
from dmp_core.queries import documents as queries
from dmp_core.queries.prescriptions import list_known
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.entries.kinds import ALLERGIES, TREATMENTS
from dmp_core.rules.prescriptions import attention
from dmp_core.rules.prescriptions.attention import Attention, Known
from dmp_core.rules.prescriptions.lines import Line, LineKind, read_lines
from dmp_core.rules.signs import Sign, read_signs
from identity_core.rules import Power
from identity_core.sessions import current_actor, current_patient, helper_allowed
from platform_core import crypto
from platform_core.blobs import service as blobs
from platform_core.database import transaction
from platform_core.errors import NotFound

blueprint = Blueprint("reader", __name__, template_folder="../templates")

XML = frozenset({"text/xml", "application/xml"})
_MOST = 12 * 1024 * 1024
_SHOWN = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf", "text/plain": "txt"}
_CLOSED = {
    "application/pdf": "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'",
    "text/plain": "default-src 'none'; sandbox",
}
_SANDBOX = "default-src 'none'; sandbox"


@dataclass(frozen=True, slots=True)
class Reading:
    """A CDA document as its page shows it. `too_large` leaves everything else empty."""

    document: ClinicalDocument | None = None
    sections: Sequence[Section] = ()
    prescription: Sequence[Line] = ()
    dispensation: Sequence[Line] = ()
    allergies: Sequence[Attention] = ()
    taken: Sequence[Attention] = ()
    twice: Sequence[Attention] = ()
    signs: Sequence[Sign] = ()
    has_results: bool = False
    too_large: bool = False

    def html(self, section: Section, document_id: UUID) -> Markup:
        """The narrative of a section, its images led to their address. The reader made it of allowed elements only."""
        place = url_for("reader.show_media", document_id=document_id, name="x")[:-1]
        return narrative(section, place)


def narrative(section: Section, place: str) -> Markup:
    """The narrative of a section, its images led to an address that ends where their name begins."""
    return Markup(section.html.replace('src="media/', f'src="{place}'))  # noqa: S704


def read_document(row: DocumentRow, key: bytes) -> ClinicalDocument | None:
    """A CDA document, read whole; None for another, and for one too large to be read in a page."""
    return _read(row, key) if row.media_type in XML and row.size <= _MOST else None


def load_reading(row: DocumentRow, key: bytes, viewer: Viewer) -> Reading | None:
    """The reading of a document, within the transaction of its patient; None for what is no CDA document."""
    if row.media_type not in XML:
        return None
    if row.size > _MOST:
        return Reading(too_large=True)
    document = _read(row, key)
    lines = read_lines(document, row.id)
    prescribed = [one for one in lines if one.kind is LineKind.PRESCRIPTION]
    known = _known(viewer) if prescribed else {}
    return Reading(
        document,
        document.sections,
        prescribed,
        [one for one in lines if one.kind is LineKind.DISPENSATION],
        attention.meets_allergies(prescribed, known.get(ALLERGIES.category, ())),
        attention.already_taken(prescribed, known.get(TREATMENTS.category, ())),
        attention.twice(prescribed),
        list(read_signs(document)),
        current_actor().reaches("results") and _has_results(document),
    )


@blueprint.get("/espace/dossier/documents/<uuid:document_id>/media/<name>")
@helper_allowed(Power.RECORD, families=("documents",))
def show_media(document_id: UUID, name: str) -> Response:
    """What a CDA document carries: its body when it is a file, its images, its copy in PDF."""
    patient = current_patient()
    with transaction(patient_id=patient.id):
        viewer = Viewer.of(current_actor())
        row = queries.get_document(patient_id=patient.id, document_id=document_id, viewer=viewer)
        key = crypto.patient_key(patient.id, create=False)
    return send_media(row, key, name)


def send_media(row: DocumentRow, key: bytes, name: str) -> Response:
    """One of the files that a CDA document carries. Raises `NotFound`."""
    if row.media_type not in XML:
        raise NotFound("This document carries nothing in itself.")
    document = _read(row, key)
    carried = [document.body] if document.body else [*document.media]
    media = next((one for one in carried if one.id == name), None)
    if media is None:
        raise NotFound("The document carries nothing of that name.")
    known = media.media_type in _SHOWN
    response = Response(media.content, content_type=media.media_type if known else "application/octet-stream")
    file_name = quote(f"{row.title}.{_SHOWN.get(media.media_type, 'bin')}", safe="")
    # RFC 6266 §5, RFC 8187
    disposition = "inline" if known else "attachment"
    response.headers["Content-Disposition"] = f"{disposition}; filename*=UTF-8''{file_name}"
    response.headers["Content-Security-Policy"] = _CLOSED.get(media.media_type, _SANDBOX)
    return response


def _read(row: DocumentRow, key: bytes) -> ClinicalDocument:
    return read(b"".join(blobs.read(row.blob, key=key)))


def _known(viewer: Viewer) -> dict[str, Sequence[Known]]:
    """The allergies and the treatments of the record, for who is not kept from the profile."""
    if not current_actor().reaches("profile"):
        return {}
    patient_id = current_patient().id
    categories = (ALLERGIES.category, TREATMENTS.category)
    return {one: list_known(patient_id=patient_id, viewer=viewer, category=one) for one in categories}


def _has_results(document: ClinicalDocument) -> bool:
    return any(isinstance(one, Result) and one.kind is ResultKind.LABORATORY for one in document.statements)
