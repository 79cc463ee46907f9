"""The medical summary of the treating doctor: the draft on one page, read again as the patient will, signed."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from dmp_core.categories import FACILITIES
from dmp_core.pages.professionals import words
from dmp_core.pages.professionals.records import reading
from dmp_core.pages.reader import narrative
from dmp_core.queries import documents
from dmp_core.queries.documents import Condition, Sought
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.synthesis.drafts import MOST_COMMENT, MOST_TEXT, Added, Decision, Draft, Line
from dmp_core.rules.synthesis.sections import SECTIONS
from dmp_core.service.professionals import records
from dmp_core.service.professionals.records import Opening
from dmp_core.service.professionals.writing import PLACES
from dmp_core.service.synthesis import drafting, signing
from dmp_core.service.synthesis.drafting import TYPE, Summary
from identity_core.sessions import professional_required
from platform_core.access import Actor
from platform_core.errors import Conflict, DomainError, Forbidden, Invalid
from platform_core.fhir.search import ANY_TIME
from platform_core.web import request_id

blueprint = Blueprint("professional_synthesis", __name__, template_folder="../../templates")

_PATH = "/pro/patients/<uuid:patient_id>/synthese"
_QUALITY = frozenset({"not-treating-doctor", "profession-without-access"})
_CATEGORIES = {
    "allergies": "profile.allergies",
    "traitements": "profile.treatments",
    "famille": "profile.family-history",
    "mode-de-vie": "profile.lifestyle",
    "contexte": "profile.lifestyle",
    "vaccinations": "vaccinations",
    "resultats": "results.biology",
}
Answer = Response | tuple[str, int] | str


@blueprint.get(_PATH)
@professional_required
def show_draft(patient_id: UUID) -> Answer:
    """What the record proposes and what the doctor made of it, each line with its sources."""

    def show(opening: Opening) -> str:
        summary = drafting.open_summary(opening)
        _note(opening, summary)
        return _draft_page(opening, summary, {})

    return _as_treating_doctor(patient_id, show)


@blueprint.post(_PATH)
@professional_required
def keep_draft(patient_id: UUID) -> Answer:
    """Keep the draft, then show it at the section that was left, or as the patient will read it."""
    act = request.form.get("act", "")
    draft = _read_draft(request.form, take_news=act == "nouveautes")

    def keep(opening: Opening) -> Response:
        if act == "recommencer":
            drafting.abandon_draft(opening)
            flash(gettext("Le brouillon est abandonné : voici de nouveau ce que propose le dossier."), "success")
        else:
            drafting.keep_draft(opening, draft, over=_read_instant(request.form.get("over", "")))
        if act == "relire":
            return redirect(url_for(".show_preview", patient_id=patient_id), 303)
        if act != "recommencer":
            flash(gettext("Le brouillon est enregistré."), "success")
        return redirect(url_for(".show_draft", patient_id=patient_id, _anchor=act if act in SECTIONS else None), 303)

    def show_again(opening: Opening, error: DomainError) -> str:
        summary = drafting.lay_out_again(opening, draft)
        _note(opening, summary)
        return _draft_page(opening, summary, _errors(error))

    return _as_treating_doctor(patient_id, keep, show_again)


@blueprint.get(f"{_PATH}/relecture")
@professional_required
def show_preview(patient_id: UUID) -> Answer:
    """The document as the patient will read it, before it is signed."""

    def show(opening: Opening) -> str:
        summary = drafting.open_summary(opening)
        _note(opening, summary)
        return _preview_page(opening, summary, {})

    return _as_treating_doctor(patient_id, show)


@blueprint.post(f"{_PATH}/relecture")
@professional_required
def sign(patient_id: UUID) -> Answer:
    """Sign the summary that was read: it becomes a document of the record."""
    form = request.form

    def act(opening: Opening) -> Response:
        id = signing.sign_summary(
            opening, expected=form.get("read", ""), place=form.get("place", ""), request_id=request_id()
        )
        flash(gettext("La synthèse est signée : elle est dans le dossier, et la personne en est informée."), "success")
        target = url_for("professional_records.show_document", patient_id=patient_id, document_id=id)
        return redirect(target, 303)

    def show_again(opening: Opening, error: DomainError) -> str:
        summary = drafting.open_summary(opening)
        _note(opening, summary)
        return _preview_page(opening, summary, _errors(error))

    return _as_treating_doctor(patient_id, act, show_again)


def load_panel(*, patient_id: UUID, by: Actor) -> Mapping[str, Any] | None:
    """The latest medical summary that the reader of the record may see; no block without one."""
    if not by.reaches("documents"):
        return None
    present = (Condition("types", {"codes": [TYPE]}), Condition("states", {"codes": ["current"]}))
    sought = Sought(patient_id, Viewer.of(by), {"synthesis": ANY_TIME}, present)
    found = documents.search_documents(sought, sort="care", limit=1)
    return {"document": found[0]} if found else None


def _as_treating_doctor(
    patient_id: UUID,
    act: Callable[[Opening], Response | str],
    show_again: Callable[[Opening, DomainError], str] | None = None,
) -> Answer:
    """Do an act of the treating doctor; who comes in another quality is told why not, a wrong form is shown again."""
    opened: list[Opening] = []
    try:
        with reading(patient_id) as opening:
            opened.append(opening)
            return act(opening)
    except Forbidden as error:
        if error.code in _QUALITY and opened:
            page = {"opening": opened[0], "mode": words.mode(opened[0].mode), "code": error.code}
            return render_template("dmp_core/pro/synthesis_refused.html", **page), 403
        if show_again is None or not opened:
            raise
        refused: DomainError = error
    except (Conflict, Invalid) as error:
        if show_again is None:
            raise
        refused = error
    with reading(patient_id) as opening:
        return show_again(opening, refused), 409 if isinstance(refused, Conflict) else 422


def _draft_page(opening: Opening, summary: Summary, errors: Mapping[str, str]) -> str:
    lines = list(enumerate(summary.lines))
    return render_template(
        "dmp_core/pro/synthesis.html",
        opening=opening,
        summary=summary,
        sections=[(one, [pair for pair in lines if pair[1].section == one.name]) for one in SECTIONS.values()],
        news=[pair for pair in lines if pair[1].news],
        signed=_find_signed(opening, summary),
        errors=errors,
        most_text=MOST_TEXT,
        most_comment=MOST_COMMENT,
    )


def _preview_page(opening: Opening, summary: Summary, errors: Mapping[str, str]) -> str:
    return render_template(
        "dmp_core/pro/synthesis_preview.html",
        opening=opening,
        document=signing.preview(opening, summary),
        narrative=lambda section: narrative(section, ""),
        read=summary.digest,
        signed=_find_signed(opening, summary),
        places=[(code, FACILITIES[code].label) for code in PLACES],
        place=request.form.get("place", ""),
        errors=errors,
    )


def _find_signed(opening: Opening, summary: Summary) -> documents.DocumentRow | None:
    if summary.signed_id is None:
        return None
    identifier = str(summary.signed_id)
    return documents.find_document(patient_id=opening.patient.id, identifier=identifier, viewer=opening.viewer)


def _read_draft(form: MultiDict[str, str], *, take_news: bool) -> Draft:
    """What the page holds. A new line that is not taken is no decision: it stays offered."""
    numbers = [name.removeprefix("names-") for name in form if name.startswith("names-")]
    decisions = [_decision(form, number, take_news) for number in numbers]
    own = [Added(form.get(f"section-{number}", ""), _line(form, f"own-{number}")) for number in _own_numbers(form)]
    own += [Added(name, _line(form, f"add-{name}")) for name in SECTIONS]
    comments = {name: text for name in SECTIONS if (text := form.get(f"comment-{name}", "").strip())}
    added = [one for one in own if one.text and one.section in SECTIONS]
    return Draft([one for one in decisions if one], added, comments)


def _read_instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _decision(form: MultiDict[str, str], number: str, take_news: bool) -> Decision | None:
    is_new = form.get(f"new-{number}") == "oui"
    kept = form.get(f"kept-{number}") == "oui" or (is_new and take_news)
    if is_new and not kept:
        return None
    proposed = _line(form, f"proposed-{number}")
    names = tuple(form[f"names-{number}"].splitlines())
    return Decision(names, proposed, _line(form, f"text-{number}") or proposed, kept)


def _own_numbers(form: MultiDict[str, str]) -> list[str]:
    return [name.removeprefix("own-") for name in form if name.startswith("own-")]


def _line(form: MultiDict[str, str], name: str) -> str:
    """A line of text: one space between its words."""
    return " ".join(form.get(name, "").split())


def _note(opening: Opening, summary: Summary) -> None:
    """Write in the journal what was shown."""
    counts = Counter(_category(one) for one in summary.lines if one.proposal)
    records.note_reading(opening, counts, resource="Composition", request_id=request_id())


def _category(line: Line) -> str:
    measure = line.proposal.sources[0].measure if line.proposal else ""
    return f"measures.{measure}" if measure else _CATEGORIES.get(line.section, "profile.conditions")


def _errors(error: DomainError) -> dict[str, str]:
    said = {
        "invalid-document": {"place": gettext("Choisissez votre lieu d’exercice.")},
        "summary-changed": {"": gettext("Le brouillon ou le dossier a changé depuis votre lecture : relisez.")},
        "draft-changed": {
            "": gettext(
                "Ce brouillon a changé ailleurs, par exemple dans un autre onglet : rien n’est enregistré. Enregistrez "
                "de nouveau pour le remplacer par ce que vous lisez ici."
            )
        },
        "summary-empty": {"": gettext("Cette synthèse ne dit rien : gardez ou ajoutez au moins une ligne.")},
        "invalid-summary": {
            "": gettext("Une ligne dépasse 500 caractères, ou un commentaire 2 000 : raccourcissez-les.")
        },
    }
    return said.get(error.code) or words.refusal(error)
