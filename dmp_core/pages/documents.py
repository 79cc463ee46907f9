"""Pages of documents: the list with its filters, one document in the page, filing one by hand, hiding and showing.

What a person looks for travels in forms: no address tells that somebody reads about their health.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from dmp_core.categories import DOCUMENT_KINDS, DOCUMENT_TYPES
from dmp_core.models.documents import DocumentRow
from dmp_core.pages import reader, words
from dmp_core.queries import documents as queries
from dmp_core.queries.search import list_related
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.schemas import DocumentFilter, read_filter
from dmp_core.service.documents import acts, typed
from dmp_core.service.documents.contents import MOST
from identity_core.rules import Power
from identity_core.sessions import current_actor, current_patient, helper_allowed, patient_required
from platform_core import clock, crypto
from platform_core.access import Actor, ActorKind
from platform_core.blobs import service as blobs
from platform_core.database import transaction
from platform_core.errors import Invalid, NotFound, TooLarge, UnsupportedType
from platform_core.navigation import Area, panels
from platform_core.pagination import Page

blueprint = Blueprint("documents", __name__, template_folder="../templates")

PAGE = 25
_MOST_TEXT = 256 * 1024
PDF = "application/pdf"
IMAGES = frozenset({"image/jpeg", "image/png"})
INLINE = IMAGES | {PDF}
# A browser opens a PDF in a page of its own making, whose style is inside; the page of the document frames it.
_CLOSED = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
_SANDBOX = "default-src 'none'; sandbox"
_PANEL_DOCUMENTS = 4
_ACTS = {
    "masquer": acts.mask_document,
    "montrer": acts.unmask_document,
    "ranger": acts.archive_document,
    "ressortir": acts.unarchive_document,
    "supprimer": acts.delete_document,
}


@blueprint.get("/espace/dossier/documents")
@helper_allowed(Power.RECORD, families=("documents",))
def list_documents() -> str:
    return _list(DocumentFilter())


@blueprint.post("/espace/dossier/documents")
@helper_allowed(Power.RECORD, families=("documents",))
def filter_documents() -> str:
    return _list(read_filter(request.form))


@blueprint.get("/espace/dossier/documents/<uuid:document_id>")
@helper_allowed(Power.RECORD, families=("documents",))
def show_document(document_id: UUID) -> str:
    """One document: what it is, who sees it, itself where a page can show it."""
    patient, by = current_patient(), current_actor()
    with transaction(patient_id=patient.id):
        row = _get(document_id, by)
        versions = queries.list_versions(patient_id=patient.id, document_id=row.id)
        category = DOCUMENT_KINDS[row.kind].category
        found = panels(Area.PATIENT, "resource", by=by, patient_id=patient.id, category=category, resource_id=row.id)
        blocks = [Markup(render_template(template, **context)) for template, context in found]  # noqa: S704 - our own
        key = crypto.patient_key(patient.id, create=False)
        reading = reader.load_reading(row, key, Viewer.of(by))
        related = list_related(patient_id=patient.id, document_id=row.id, viewer=Viewer.of(by))
    return render_template(
        "dmp_core/document.html",
        patient=patient,
        document=row,
        type=DOCUMENT_TYPES[row.type_code],
        reading=reading,
        text=beginning_of_text(row, key),
        is_image=row.media_type in IMAGES,
        is_pdf=row.media_type == PDF,
        opens=row.media_type in INLINE,
        format=words.format_name(row),
        size=words.size(row),
        seen_by=words.seen_by(row),
        history=[words.version_entry(version) for version in versions],
        blocks=blocks,
        related=related,
        writes=by.kind is not ActorKind.HELPER,
        own=row.author_id == patient.id,
    )


@blueprint.post("/espace/dossier/documents/<uuid:document_id>")
@patient_required
def change_document(document_id: UUID) -> AnyResponse:
    """Hide, show, put away, bring back, or take back what one filed oneself."""
    asked = request.form.get("act", "")
    act = _ACTS.get(asked)
    if act is None:
        raise NotFound("There is no such act.")
    patient = current_patient()
    with transaction(patient_id=patient.id):
        act(patient_id=patient.id, document_id=document_id, by=current_actor())
    flash(words.done(asked), "success")
    target = url_for(".list_documents") if asked == "supprimer" else url_for(".show_document", document_id=document_id)
    return redirect(target, 303)


@blueprint.get("/espace/dossier/documents/<uuid:document_id>/contenu")
@helper_allowed(Power.RECORD, families=("documents",))
def open_document(document_id: UUID) -> Response:
    return _content(document_id, "inline")


@blueprint.get("/espace/dossier/documents/<uuid:document_id>/fichier")
@helper_allowed(Power.RECORD, families=("documents",))
def download_document(document_id: UUID) -> Response:
    return _content(document_id, "attachment")


@blueprint.get("/espace/dossier/documents/ajouter")
@patient_required
def show_adding() -> str:
    return _form({"date": f"{clock.today()}"}, {})


@blueprint.post("/espace/dossier/documents/ajouter")
@patient_required
def add_document() -> AnyResponse | tuple[str, int]:
    title, type_code = request.form.get("title", ""), request.form.get("type", "")
    made_on, posted = _day(request.form.get("date", "")), request.files.get("file")
    faults = typed.find_faults(title=title, type_code=type_code, made_on=made_on or clock.today())
    errors = words.errors_of_fields(faults)
    if made_on is None:
        errors["date"] = gettext("Écrivez la date comme 21/11/2026.")
    if posted is None or not posted.filename:
        errors["file"] = words.refusal("file-missing")
    if not errors:
        assert made_on and posted and posted.filename
        patient = current_patient()
        try:
            with transaction(patient_id=patient.id):
                id = typed.add_document(
                    patient_id=patient.id,
                    stream=posted.stream,
                    file_name=posted.filename,
                    title=title,
                    type_code=type_code,
                    made_on=made_on,
                    by=current_actor(),
                )
        except (Invalid, UnsupportedType, TooLarge) as error:
            errors = words.errors_of_form(error)
        else:
            flash(gettext("Le document est ajouté."), "success")
            return redirect(url_for(".show_document", document_id=id), 303)
    return _form(request.form, errors), 422


def load_panel(*, by: Actor, patient_id: UUID) -> Mapping[str, Any] | None:
    """The documents of the latest care, for the home page of the space; nothing while there are none."""
    newest = queries.list_latest_documents(patient_id=patient_id, viewer=Viewer.of(by), limit=_PANEL_DOCUMENTS)
    return {"documents": newest} if newest else None


def _list(chosen: DocumentFilter) -> str:
    patient, viewer = current_patient(), Viewer.of(current_actor())
    with transaction(patient_id=patient.id):
        sought = queries.Sought(patient.id, viewer, chosen.spans, chosen.conditions(clock.today()))
        total = queries.count_documents(sought)
        rows = queries.search_documents(sought, sort="care", limit=PAGE, skip=PAGE * (chosen.page - 1))
        authors = queries.list_authors(patient_id=patient.id, viewer=viewer)
    return render_template(
        "dmp_core/documents.html",
        patient=patient,
        page=Page(rows, chosen.page, PAGE, total),
        chosen=chosen,
        kinds=DOCUMENT_KINDS,
        types=DOCUMENT_TYPES,
        periods=words.period_names(),
        authors=authors,
        writes=current_actor().kind is not ActorKind.HELPER,
    )


def _content(document_id: UUID, disposition: str) -> Response:
    patient = current_patient()
    with transaction(patient_id=patient.id):
        row = _get(document_id, current_actor())
        key = crypto.patient_key(patient.id, create=False)
    return stream(row, key, disposition)


def stream(row: DocumentRow, key: bytes, disposition: str) -> Response:
    """A document as it was filed, `inline` where a browser opens it safely; outside of any transaction."""
    inline = disposition == "inline" and row.media_type in INLINE
    response = Response(blobs.read(row.blob, key=key), content_type=row.media_type)
    response.content_length = row.size
    name = quote(words.file_name(row), safe="")
    # RFC 6266 §5, RFC 8187
    response.headers["Content-Disposition"] = f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{name}"
    response.headers["Content-Security-Policy"] = _CLOSED if row.media_type == PDF else _SANDBOX
    if inline and row.media_type == PDF:
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _get(document_id: UUID, by: Actor) -> DocumentRow:
    return queries.get_document(patient_id=current_patient().id, document_id=document_id, viewer=Viewer.of(by))


def beginning_of_text(row: DocumentRow, key: bytes) -> str | None:
    """The beginning of a plain text, to be shown in the page."""
    if row.media_type != "text/plain":
        return None
    content = b"".join(blobs.read(row.blob, key=key, stop=_MOST_TEXT))
    return content.decode("utf-8", "replace")


def _form(texts: Mapping[str, Any], errors: Mapping[str, str]) -> str:
    return render_template(
        "dmp_core/add_document.html",
        patient=current_patient(),
        texts=texts,
        errors=errors,
        types=[(found.code.code, found.label) for found in typed.typed_types()],
        accept=",".join(f".{extension}" for extension in typed.EXTENSIONS),
        most=MOST // 2**20,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
