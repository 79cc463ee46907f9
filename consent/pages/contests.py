"""« Je ne reconnais pas cet accès » : a line of the journal reported to the authority, and what becomes of it."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from consent import queries
from consent.pages import contest_words, journal_words, words
from consent.pages.explained import explain_refusals
from consent.queries import accesses
from consent.queries.reports import find_contested, get_contested, get_own_report, list_own_reports, list_steps
from consent.rules.reports import Motive, Verb, possible
from consent.service import reports
from identity_core.sessions import current_actor, current_patient_id, patient_required
from platform_core.database import transaction
from platform_core.errors import NotFound
from platform_core.journal import queries as journal

blueprint = Blueprint("contests", __name__, url_prefix="/espace/journal", template_folder="../templates")
explain_refusals(blueprint)


@blueprint.get("/<uuid:entry_id>/contester")
@patient_required
def ask_motive(entry_id: UUID) -> str | Response:
    """What reporting a line does, before it is done; a line reported already leads to its report."""
    patient_id = current_patient_id()
    with transaction(patient_id=patient_id):
        contested = find_contested(patient_id, [entry_id])
        if not contested:
            return _form(patient_id, entry_id)
    return redirect(url_for(".show_report", report_id=contested[entry_id]), 303)


@blueprint.post("/<uuid:entry_id>/contester")
@patient_required
def report_access(entry_id: UUID) -> Response | tuple[str, int]:
    patient_id, motive = current_patient_id(), request.form.get("motif", "")
    with transaction(patient_id=patient_id):
        if motive not in set(Motive):
            return _form(patient_id, entry_id, error=gettext("Choisissez ce qui vous étonne.")), 422
        report_id = reports.report_access(
            patient_id=patient_id,
            entry_id=entry_id,
            motive=Motive(motive),
            pause="pause" in request.form,
            by=current_actor(),
        )
    flash(gettext("Votre signalement est envoyé à l’autorité."), "success")
    return redirect(url_for(".show_report", report_id=report_id), 303)


@blueprint.get("/contestations")
@patient_required
def list_reports() -> str:
    with transaction(patient_id=current_patient_id()):
        found = list_own_reports(current_patient_id())
    return render_template("consent/contests/own_list.html", found=found, says=contest_words)


@blueprint.get("/contestations/<uuid:report_id>")
@patient_required
def show_report(report_id: UUID) -> str:
    """The receipt of a report, and how far it has come."""
    patient_id = current_patient_id()
    with transaction(patient_id=patient_id):
        report, steps = get_own_report(patient_id, report_id), list_steps(report_id)
        said, titles = _line(patient_id, get_contested(patient_id, report_id).entry_id)
        live = queries.find_live(patient_id, report.application_id) if report.application_id else None
    return render_template(
        "consent/contests/own.html",
        report=report,
        steps=steps,
        said=said,
        titles=titles,
        live=live,
        settles=Verb.SETTLE in possible(report.state, None),
        says=contest_words,
        words=words,
    )


@blueprint.post("/contestations/<uuid:report_id>")
@patient_required
def settle_report(report_id: UUID) -> Response:
    """The patient has their answer, or recognises the access after all."""
    with transaction(patient_id=current_patient_id()):
        reports.settle_report(patient_id=current_patient_id(), report_id=report_id, by=current_actor())
    flash(gettext("Le signalement est clos."), "success")
    return redirect(url_for(".show_report", report_id=report_id), 303)


def _form(patient_id: UUID, entry_id: UUID, error: str = "") -> str:
    line = journal.get_entry(patient_id, entry_id)
    live = queries.find_live(patient_id, line.app_id) if line.app_id else None
    return render_template(
        "consent/contests/form.html",
        line=line,
        said=journal_words.sentence(line),
        titles=journal_words.titles(line, accesses.name_resources([line])),
        may_pause=live is not None and live.stored == "active",
        motives=[{"value": motive, "label": contest_words.motive(motive)} for motive in Motive],
        error=error,
        words=words,
    )


def _line(patient_id: UUID, entry_id: UUID) -> tuple[str, str]:
    """The line in words and what it touched; nothing once the journal does not keep it any more."""
    try:
        line = journal.get_entry(patient_id, entry_id)
    except NotFound:
        return "", ""
    return journal_words.sentence(line), journal_words.titles(line, accesses.name_resources([line]))
