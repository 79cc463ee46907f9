"""The search of the record: a form, results with facets, and what is new or unusual.

What is looked for travels in forms only: no address and no log tells it.
"""

from typing import Any

from flask import Blueprint, render_template, request, url_for

from dmp_core import gateway
from dmp_core.pages.results import Places, noticed, search_page, unsearched
from dmp_core.queries.search import Results, count_unsearched, search_record
from dmp_core.queries.search_notices import list_notices
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.search.asking import read_question
from dmp_core.rules.search.meaning import ask
from dmp_core.schemas import AskedSearch, read_search
from identity_core.rules import Power
from identity_core.sessions import current_actor, current_patient, helper_allowed
from platform_core.database import transaction

blueprint = Blueprint("search", __name__, template_folder="../templates")

FAMILIES = ("documents", "measures", "results", "vaccinations", "reimbursements", "profile")
_PAGES = {
    "vaccinations": "vaccinations.show_vaccinations",
    "reimbursements": "reimbursements.show_reimbursements",
    "profile": "profile.show_profile",
}
PLACES = Places(
    lambda document_id: url_for("documents.show_document", document_id=document_id),
    lambda name: url_for("dmp.show_measures", name=name),
    lambda category: url_for(_PAGES.get(category.partition(".")[0], "dmp.show_record")),
)


@blueprint.get("/espace/recherche")
@helper_allowed(Power.RECORD, families=FAMILIES)
def show_search() -> str:
    patient, viewer = current_patient(), Viewer.of(current_actor())
    with transaction(patient_id=patient.id):
        notices = list_notices(patient_id=patient.id, viewer=viewer)
        left = count_unsearched(patient_id=patient.id, viewer=viewer)
    return _page(AskedSearch(), notices=[noticed(one, PLACES) for one in notices], left=unsearched(left))


@blueprint.post("/espace/recherche")
@helper_allowed(Power.RECORD, families=FAMILIES)
def search() -> str:
    asked, patient = read_search(request.form), current_patient()
    question, meaning = read_question(asked.text), gateway.embed_question(ask(asked.text))
    with transaction(patient_id=patient.id):
        results = search_record(
            patient_id=patient.id,
            viewer=Viewer.of(current_actor()),
            question=question,
            meaning=meaning,
            chosen=asked.chosen,
            page=asked.page,
        )
    return _page(asked, results, is_empty=question.is_empty)


def _page(asked: AskedSearch, results: Results | None = None, **context: Any) -> str:
    return render_template(
        "dmp_core/search.html",
        patient=current_patient(),
        action=url_for(".search"),
        **search_page(asked, results, PLACES),
        **context,
    )
