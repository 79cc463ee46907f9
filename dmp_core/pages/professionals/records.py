"""The record as a professional sees it: summary first, then documents, measures and data, each reading journaled."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from dmp_core.categories import DOCUMENT_TYPES, KINDS
from dmp_core.models.documents import DocumentRow
from dmp_core.pages import documents as document_pages
from dmp_core.pages import reader
from dmp_core.pages import words as document_words
from dmp_core.pages.courses import Asked, tell_course
from dmp_core.pages.professionals import words
from dmp_core.queries import documents, entries, points
from dmp_core.queries.search import list_related
from dmp_core.rules.entries.kinds import RECORD
from dmp_core.rules.professionals.agreements import DOCTOR, Mode
from dmp_core.service.documents import acts
from dmp_core.service.professionals import agreements
from dmp_core.service.professionals import records as service
from dmp_core.service.professionals.goals import may_set_goal
from dmp_core.service.professionals.records import Opening
from identity_core.sessions import current_actor, professional_required
from platform_core import crypto
from platform_core.categories import registry
from platform_core.database import transaction
from platform_core.errors import Forbidden, NotFound
from platform_core.pagination import Page, page_number
from platform_core.web import request_id

blueprint = Blueprint("professional_records", __name__, template_folder="../../templates")

_PATH = "/pro/patients/<uuid:patient_id>"
_LATEST, _PAGE, _ENTRIES = 5, 25, 100
_SUMMARY = ("profile.allergies", "profile.conditions", "profile.treatments", "vaccinations")


@blueprint.get(_PATH)
@professional_required
def show_record(patient_id: UUID) -> str:
    """What a professional must know first, then the latest of everything."""
    with reading(patient_id) as opening:
        data = _data(opening)
        found = documents.search_documents(opening.sought(), sort="care", limit=_LATEST)
        latest = points.list_latest(patient_id=patient_id, own=False) if opening.reach.reads("measures") else []
        counts = Counter(service.category_of(row) for row in found)
        counts.update(point.kind.category for point in latest)
        counts.update({category: len(rows) for category, rows in data.items()})
        service.note_reading(opening, counts, resource="Patient", request_id=request_id())
    return render_template(
        "dmp_core/pro/record.html",
        opening=opening,
        summary=[(registry.get(code), data[code]) for code in _SUMMARY if code in data],
        others=[(registry.get(code), rows) for code, rows in data.items() if code not in _SUMMARY and rows],
        documents=found,
        types=DOCUMENT_TYPES,
        points=latest,
        words=words,
        proposes=opening.professional.profession == DOCTOR and opening.mode is not Mode.TREATING_DOCTOR,
    )


@blueprint.get(f"{_PATH}/documents")
@professional_required
def list_documents(patient_id: UUID) -> str:
    """Every present document that the profession reaches, the latest care first."""
    number = page_number(request.args.get("page"))
    with reading(patient_id) as opening:
        sought = opening.sought()
        total = documents.count_documents(sought)
        rows = documents.search_documents(sought, sort="care", limit=_PAGE, skip=_PAGE * (number - 1))
        counts = Counter(service.category_of(row) for row in rows)
        service.note_reading(opening, counts, resource="DocumentReference", request_id=request_id())
    return render_template(
        "dmp_core/pro/documents.html", opening=opening, page=Page(rows, number, _PAGE, total), types=DOCUMENT_TYPES
    )


@blueprint.get(f"{_PATH}/documents/<uuid:document_id>")
@professional_required
def show_document(patient_id: UUID, document_id: UUID) -> str:
    with reading(patient_id) as opening:
        row = _document(opening, document_id)
        key = crypto.patient_key(patient_id, create=False)
        related = list_related(
            patient_id=patient_id, document_id=row.id, viewer=opening.viewer, within=opening.within()
        )
        if related:
            counts = Counter(hit.category for hit in related)
            service.note_reading(opening, counts, resource="DocumentReference", request_id=request_id())
    place = url_for(".show_media", patient_id=patient_id, document_id=document_id, name="x")[:-1]
    return render_template(
        "dmp_core/pro/document.html",
        opening=opening,
        document=row,
        related=related,
        type=DOCUMENT_TYPES[row.type_code],
        text=document_pages.beginning_of_text(row, key),
        clinical=reader.read_document(row, key),
        narrative=lambda section: reader.narrative(section, place),
        is_image=row.media_type in document_pages.IMAGES,
        opens=row.media_type in document_pages.INLINE,
        format=document_words.format_name(row),
        size=document_words.size(row),
    )


@blueprint.post(f"{_PATH}/documents/<uuid:document_id>")
@professional_required
def announce_document(patient_id: UUID, document_id: UUID) -> AnyResponse:
    """Show the patient a document that was kept until it was told to them."""
    with reading(patient_id) as opening:
        service.get_document(opening, document_id)
        acts.announce_document(patient_id=patient_id, document_id=document_id, by=opening.by)
    flash(gettext("Le document est annoncé : la personne le voit dans son espace."), "success")
    return redirect(url_for(".show_document", patient_id=patient_id, document_id=document_id), 303)


@blueprint.get(f"{_PATH}/documents/<uuid:document_id>/contenu")
@professional_required
def open_document(patient_id: UUID, document_id: UUID) -> Response:
    return _content(patient_id, document_id, "inline")


@blueprint.get(f"{_PATH}/documents/<uuid:document_id>/fichier")
@professional_required
def download_document(patient_id: UUID, document_id: UUID) -> Response:
    return _content(patient_id, document_id, "attachment")


@blueprint.get(f"{_PATH}/documents/<uuid:document_id>/media/<name>")
@professional_required
def show_media(patient_id: UUID, document_id: UUID, name: str) -> Response:
    """What a CDA document carries: its body when it is a file, its images, its copy in PDF.

    The images of a text are journaled with it, what is opened by itself for itself.
    """
    with reading(patient_id) as opening:
        row = service.get_document(opening, document_id)
        key = crypto.patient_key(patient_id, create=False)
    sent = reader.send_media(row, key, name)
    if name == "body" or not (sent.mimetype or "").startswith("image/"):
        with reading(patient_id) as opening:
            _document(opening, document_id)
    return sent


@blueprint.get(f"{_PATH}/mesures/<name>")
@professional_required
def show_measures(patient_id: UUID, name: str) -> str:
    """The course of one kind of measure, as a chart and a table."""
    kind = KINDS.get(name)
    if kind is None:
        raise NotFound(f"There is no measure {name!r}.")
    with reading(patient_id) as opening:
        if not opening.reach.reads(kind.category):
            raise NotFound("Your profession does not reach measures.")
        asked = Asked.of(request.args)
        here = partial(_course_address, patient_id, name, asked)
        told = tell_course(opening.patient, kind, asked, here=here, own=False)
        service.note_reading(opening, {kind.category: told["total"]}, resource="Observation", request_id=request_id())
    return render_template(
        "dmp_core/pro/measures.html", opening=opening, opens=False, aims=may_set_goal(opening, kind), **told
    )


@blueprint.post(f"{_PATH}/accord")
@professional_required
def change_agreement(patient_id: UUID) -> AnyResponse:
    """Propose to be the treating doctor, or leave: the record closes."""
    by = current_actor()
    with reading(patient_id) as opening:
        if request.form.get("act") == "proposer":
            agreements.propose_treating_doctor(patient_id=patient_id, by=by)
        else:
            agreements.leave_record(patient_id=patient_id, by=by)
    if request.form.get("act") == "proposer":
        flash(gettext("Proposition envoyée : la personne y répond dans son espace."), "success")
        return redirect(url_for(".show_record", patient_id=patient_id), 303)
    flash(gettext("Vous ne consultez plus le dossier de %(name)s.", name=opening.patient.display_name), "success")
    return redirect(url_for("shell.professional_home"), 303)


def _course_address(patient_id: UUID, name: str, asked: Asked, **changes: Any) -> str:
    return url_for(".show_measures", patient_id=patient_id, name=name, **asked.choices(**changes))


@contextmanager
def reading(patient_id: UUID) -> Iterator[Opening]:
    """The record, open to the professional of the page for one transaction; a refusal is journaled in its own."""
    by = current_actor()
    try:
        with transaction(patient_id=patient_id):
            yield service.open_record(patient_id=patient_id, by=by)
    except (Forbidden, NotFound) as error:
        with transaction(patient_id=patient_id):
            service.note_refusal(patient_id=patient_id, code=error.code, by=by, request_id=request_id())
        raise


def _data(opening: Opening) -> dict[str, list[object]]:
    """The entries that the profession reaches, by category, the newest first; those of the summary even when empty."""
    reached = [one.code for family in RECORD.values() for one in family if opening.reach.reads(one.code)]
    rows = entries.list_entries(
        patient_id=opening.patient.id, viewer=opening.viewer, categories=reached, limit=_ENTRIES
    )
    found: dict[str, list[object]] = {code: [] for code in reached}
    for row in rows:
        found[row.category].append(row)
    return found


def _document(opening: Opening, document_id: UUID) -> DocumentRow:
    """One document, and the line of journal that it was read."""
    row = service.get_document(opening, document_id)
    counts = {service.category_of(row): 1}
    # A line of the journal does not name to the patient what is not announced to them yet.
    ids = [] if row.invisible_to_patient else [row.id]
    service.note_reading(opening, counts, resource="DocumentReference", request_id=request_id(), ids=ids)
    return row


def _content(patient_id: UUID, document_id: UUID, disposition: str) -> Response:
    with reading(patient_id) as opening:
        row = _document(opening, document_id)
        key = crypto.patient_key(patient_id, create=False)
    return document_pages.stream(row, key, disposition)
