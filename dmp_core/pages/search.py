"""The search of the record: a form, results with facets, and what is new or unusual.

What is looked for travels in forms only: no address and no log tells it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext, ngettext

from dmp_core import gateway
from dmp_core.queries.search import Hit, Results, Unsearched, count_unsearched, search_record
from dmp_core.queries.search_notices import list_notices
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.search.asking import LONGEST, read_question
from dmp_core.rules.search.facets import Count, Facet
from dmp_core.rules.search.meaning import ask
from dmp_core.rules.search.noticing import Notice, NoticeKind
from dmp_core.rules.search.sources import SearchSource, TextState
from dmp_core.schemas import AskedSearch, read_search
from identity_core.rules import Power
from identity_core.sessions import current_actor, current_patient, helper_allowed
from platform_core.categories import registry
from platform_core.database import transaction
from platform_core.french import day_in_words, number_in_words

blueprint = Blueprint("search", __name__, template_folder="../templates")

FAMILIES = ("documents", "measures", "results", "vaccinations", "reimbursements", "profile")


def _(text: str) -> str:
    """Marks a msgid."""
    return text


_FACETS = {
    Facet.KIND: _("Type"),
    Facet.SPECIALTY: _("Spécialité"),
    Facet.AUTHOR: _("Auteur"),
    Facet.INSTITUTION: _("Établissement"),
    Facet.YEAR: _("Année"),
}
_STATES = {
    TextState.WAITING: _("Texte en cours de lecture : seuls le titre et l’auteur sont cherchés."),
    TextState.WORDLESS: _("Document sans texte, par exemple numérisé : seuls le titre et l’auteur sont cherchés."),
    TextState.UNREAD: _("Texte illisible : seuls le titre et l’auteur sont cherchés."),
    TextState.CUT: _("Document très long : seul son début est cherché."),
}
_PAGES = {"vaccinations": "vaccinations.show_vaccinations", "reimbursements": "reimbursements.show_reimbursements"}


@blueprint.get("/espace/recherche")
@helper_allowed(Power.RECORD, families=FAMILIES)
def show_search() -> str:
    patient, viewer = current_patient(), Viewer.of(current_actor())
    with transaction(patient_id=patient.id):
        notices = list_notices(patient_id=patient.id, viewer=viewer)
        left = count_unsearched(patient_id=patient.id, viewer=viewer)
    return _page(AskedSearch(), notices=[_notice(one) for one in notices], left=_left(left))


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
    return _page(asked, results=results, is_empty=question.is_empty)


def _page(asked: AskedSearch, *, results: Results | None = None, **context: Any) -> str:
    return render_template(
        "dmp_core/search.html",
        patient=current_patient(),
        asked=asked,
        longest=LONGEST,
        results=results,
        facets=_facets(results.facets) if results else [],
        hits=[_shown(hit) for hit in results.page.items] if results else [],
        **context,
    )


def _facets(counted: Mapping[Facet, Sequence[Count]]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Facets as selects: the name of the field, its label, its options."""
    return [(facet, gettext(label), _options(facet, counted.get(facet, ()))) for facet, label in _FACETS.items()]


def _options(facet: Facet, counts: Sequence[Count]) -> list[tuple[str, str]]:
    return [(one.value, f"{_label(one.value) if facet is Facet.KIND else one.value} ({one.number})") for one in counts]


def _label(category: str) -> str:
    return registry.get(category).short_fr


def _shown(hit: Hit) -> dict[str, Any]:
    """A result in words, with the page where it is read."""
    value = f"{number_in_words(hit.value)} {hit.unit}".strip() if hit.value is not None else ""
    others = ngettext("et %(num)s autre date", "et %(num)s autres dates", hit.others) if hit.others else ""
    by = dict.fromkeys(one for one in (hit.author, hit.specialty, hit.institution) if one)
    return {
        "title": hit.title,
        "href": _address(hit),
        "about": ", ".join([_label(hit.category), day_in_words(hit.effective_at), *by]),
        "value": " ".join(one for one in (value, others) if one),
        "extract": hit.extract,
        "by_meaning": hit.by_meaning,
        "state": gettext(_STATES[hit.state]) if hit.state in _STATES else "",
    }


def _address(hit: Hit) -> str:
    document_id = hit.id if hit.source == SearchSource.DOCUMENT else hit.document_id
    if document_id is not None:
        return url_for("documents.show_document", document_id=document_id)
    return url_for(_PAGES.get(hit.category, "dmp.show_record"))


def _notice(notice: Notice) -> dict[str, str]:
    """A line of what is new or unusual: what, why, and where to read it."""
    if notice.document_id is not None:
        href = url_for("documents.show_document", document_id=notice.document_id)
    elif notice.measure:
        href = url_for("dmp.show_measures", name=notice.measure)
    else:
        href = url_for("dmp.show_record")
    return {"title": notice.label, "why": _why(notice), "href": href}


def _why(notice: Notice) -> str:
    day, value = day_in_words(notice.at), f"{number_in_words(notice.value)} {notice.unit}".strip()
    match notice.kind:
        case NoticeKind.OUT_OF_RANGE:
            why = gettext("%(value)s le %(day)s, hors de l’intervalle du laboratoire", value=value, day=day)
            return f"{why} ({_range(notice)})."
        case NoticeKind.UNUSUAL:
            usual = f"{number_in_words(notice.usual)} {notice.unit}".strip()
            why = gettext("%(value)s le %(day)s, loin des valeurs habituelles", value=value, day=day)
            return f"{why} ({gettext('autour de %(usual)s', usual=usual)})."
        case NoticeKind.NEW_SPECIALTY:
            return gettext("Premier document de cette spécialité, le %(day)s.", day=day)
        case NoticeKind.STOPPED:
            return gettext("Traitement arrêté le %(day)s.", day=day)


def _range(notice: Notice) -> str:
    low, high = number_in_words(notice.low), number_in_words(notice.high)
    if notice.low is None:
        return gettext("au plus %(high)s", high=high)
    return gettext("%(low)s à %(high)s", low=low, high=high) if high else gettext("au moins %(low)s", low=low)


def _left(left: Unsearched) -> str:
    """What cannot be looked into, in one sentence; nothing when all can."""
    number = left.waiting + left.wordless + left.unread
    if not number:
        return ""
    return ngettext(
        "%(num)s document sans texte lisible, par exemple numérisé, se trouve par son titre ou son auteur.",
        "%(num)s documents sans texte lisible, par exemple numérisés, se trouvent par leur titre ou leur auteur.",
        number,
    )
