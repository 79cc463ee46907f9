"""The search of a record by a professional: the same as the person's, within what the profession reaches."""

from collections import Counter
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for

from dmp_core import gateway
from dmp_core.pages.professionals.records import reading
from dmp_core.pages.results import Places, noticed, search_page
from dmp_core.queries.search import Results, search_record
from dmp_core.queries.search_notices import list_notices
from dmp_core.rules.search.asking import read_question
from dmp_core.rules.search.meaning import ask
from dmp_core.schemas import AskedSearch, read_search
from dmp_core.service.professionals import records as service
from dmp_core.service.professionals.records import Opening
from identity_core.sessions import professional_required
from platform_core.web import request_id

blueprint = Blueprint("professional_search", __name__, template_folder="../../templates")

_PATH = "/pro/patients/<uuid:patient_id>/recherche"


@blueprint.get(_PATH)
@professional_required
def show_search(patient_id: UUID) -> str:
    """The form, and what is new or unusual."""
    with reading(patient_id) as opening:
        notices = list_notices(patient_id=patient_id, viewer=opening.viewer, within=opening.within())
        counts = Counter(notice.category for notice in notices)
        service.note_reading(opening, counts, resource="Patient", request_id=request_id())
    places = _places(patient_id)
    return _page(opening, AskedSearch(), notices=[noticed(one, places) for one in notices])


@blueprint.post(_PATH)
@professional_required
def search(patient_id: UUID) -> str:
    """One page of results; the journal tells how many were shown, not what was looked for."""
    asked = read_search(request.form)
    question, meaning = read_question(asked.text), gateway.embed_question(ask(asked.text))
    with reading(patient_id) as opening:
        results = search_record(
            patient_id=patient_id,
            viewer=opening.viewer,
            question=question,
            meaning=meaning,
            chosen=asked.chosen,
            within=opening.within(),
            page=asked.page,
        )
        counts = Counter(hit.category for hit in results.page.items)
        counts.update(point.kind.category for point in results.measures)
        service.note_reading(opening, counts, resource="DocumentReference", request_id=request_id())
    return _page(opening, asked, results, is_empty=question.is_empty)


def _places(patient_id: UUID) -> Places:
    return Places(
        lambda id: url_for("professional_records.show_document", patient_id=patient_id, document_id=id),
        lambda name: url_for("professional_records.show_measures", patient_id=patient_id, name=name),
        lambda _: url_for("professional_records.show_record", patient_id=patient_id),
    )


def _page(opening: Opening, asked: AskedSearch, results: Results | None = None, **context: Any) -> str:
    return render_template(
        "dmp_core/pro/search.html",
        opening=opening,
        action=url_for(".search", patient_id=opening.patient.id),
        **search_page(asked, results, _places(opening.patient.id)),
        **context,
    )
