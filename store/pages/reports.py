"""Telling a problem about an application, following it up; its examination by the reviewers, the publisher's answer."""

from collections.abc import Callable, Mapping
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core.access import Actor
from platform_core.database import transaction
from platform_core.errors import DomainError, Invalid
from platform_core.pagination import page_number
from platform_core.renderers import status_of
from platform_core.web import public, rate_limit
from store.pages import forms
from store.pages.publisher.incidents import say_people
from store.queries import reports as queries
from store.queries.catalogue import get_entry
from store.rules.reports import Kind, State, Verb, possible
from store.service import reports
from store.service.transitions import check_other_organisation
from store.workflow import Role

blueprint = Blueprint("reports", __name__, template_folder="../templates")

Answer = str | Response | tuple[str, int]
Act = Callable[[UUID, str, Actor], object]

_RECEIPT = "report.number"
SLUGS = {
    "prendre-en-charge": Verb.ACKNOWLEDGE,
    "transmettre": Verb.FORWARD,
    "audit": Verb.OPEN_AUDIT,
    "conclure": Verb.CLOSE,
}
_ACTS: Mapping[Verb, Act] = {
    Verb.ACKNOWLEDGE: lambda report_id, _, by: reports.acknowledge_report(report_id=report_id, by=by),
    Verb.FORWARD: lambda report_id, text, by: reports.forward_report(report_id=report_id, text=text, by=by),
    Verb.OPEN_AUDIT: lambda report_id, text, by: reports.open_audit(report_id=report_id, scope=text, by=by),
    Verb.CLOSE: lambda report_id, text, by: reports.close_report(report_id=report_id, text=text, by=by),
}


@blueprint.get("/catalogue/<slug>/signaler")
@public("everybody may tell a problem, without saying who they are")
def show_form(slug: str) -> str:
    with transaction():
        listing = get_entry(slug)
    return render_template("store/reports/form.html", listing=listing, typed={}, errors={}, kinds=_kinds())


@blueprint.post("/catalogue/<slug>/signaler")
@public("everybody may tell a problem, without saying who they are")
@rate_limit("5 per minute")
def report_problem(slug: str) -> Answer:
    typed = {name: request.form.get(name, "").strip() for name in ("kind", "text", "email", "website")}
    errors: dict[str, str] = {}
    with transaction():
        listing = get_entry(slug)
    if typed["website"]:
        errors["website"] = gettext("Laissez ce champ vide : il sert à écarter les robots.")
    if typed["kind"] not in set(Kind):
        errors["kind"] = gettext("Choisissez une des réponses proposées.")
    try:
        if not errors:
            with transaction():
                receipt = reports.receive_report(
                    application_id=listing.application_id,
                    kind=Kind(typed["kind"]),
                    text=typed["text"],
                    email=typed["email"],
                )
            session[_RECEIPT] = receipt.number
            return redirect(url_for("reports.show_receipt"), 303)
    except Invalid as refused:
        errors |= {fault.where: forms.say_fault(fault) for fault in refused.faults}
    return render_template("store/reports/form.html", listing=listing, typed=typed, errors=errors, kinds=_kinds()), 422


@blueprint.get("/signalements/recu")
@public("who told a problem receives its number")
def show_receipt() -> str:
    number = session.get(_RECEIPT) or abort(404)
    return render_template("store/reports/receipt.html", number=number)


@blueprint.get("/signalements/suivi")
@public("a number opens a report")
def ask_number() -> str:
    return render_template("store/reports/follow_up.html", number="", report=None, error="")


@blueprint.post("/signalements/suivi")
@public("a number opens a report")
@rate_limit("10 per minute")
def follow_up() -> Answer:
    number = request.form.get("number", "").strip()[:60]
    with transaction():
        report = queries.find_by_number(number)
        steps = queries.list_steps(report.id) if report else []
    if report is None:
        error = gettext("Ce numéro n’ouvre aucun signalement. Vérifiez-le, lettre par lettre.")
        return render_template("store/reports/follow_up.html", number=number, report=None, error=error), 422
    return render_template("store/reports/follow_up.html", number=number, report=report, steps=steps, error="")


@blueprint.get("/instruction/signalements")
@agent_required("reviewer", "decider")
def list_reports() -> str:
    asked = request.args.get("etat", ""), request.args.get("nature", "")
    state = State(asked[0]) if asked[0] in set(State) else None
    kind = Kind(asked[1]) if asked[1] in set(Kind) else None
    with transaction():
        found = queries.list_reports(state=state, kind=kind, page=page_number(request.args.get("page")))
        counts = queries.count_reports()
    return render_template(
        "store/reports/list.html",
        found=found,
        counts=counts,
        state=state,
        kind=kind,
        states=list(State),
        kinds=list(Kind),
        url_for_page=lambda page: url_for("reports.list_reports", etat=state, nature=kind, page=page),
    )


@blueprint.get("/instruction/signalements/<uuid:report_id>")
@agent_required("reviewer", "decider")
def show_report(report_id: UUID) -> str:
    return _report_page(report_id)


@blueprint.post("/instruction/signalements/<uuid:report_id>/<slug>")
@agent_required("reviewer")
def act(report_id: UUID, slug: str) -> Answer:
    verb, text = SLUGS.get(slug) or abort(404), request.form.get(f"text-{slug}", "")
    try:
        with transaction():
            _ACTS[verb](report_id, text, current_actor())
    except DomainError as refused:
        return _report_page(report_id, typed={slug: text}, errors={slug: _say(refused)}), status_of(refused)
    flash(gettext("C’est fait."), "success")
    return redirect(url_for("reports.show_report", report_id=report_id), 303)


def _report_page(
    report_id: UUID, typed: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> str:
    with transaction():
        report = queries.get_report(report_id)
        check_other_organisation(report.organisation_id, current_actor())
        steps, incident = queries.list_steps(report_id), queries.find_incident(report_id)
    may = possible(report.state, Role.REVIEWER) if current_actor().has_role(Role.REVIEWER) else []
    return render_template(
        "store/reports/report.html",
        report=report,
        incident=incident,
        people=say_people(),
        may_tell=current_actor().has_role(Role.DECIDER),
        steps=steps,
        acts=[(slug, verb) for slug, verb in SLUGS.items() if verb in may],
        typed=typed or {},
        errors=errors or {},
    )


@blueprint.get("/editeur/signalements")
@agent_required("publisher")
def list_own_reports() -> str:
    with transaction():
        found = queries.list_own_reports(by=current_actor(), page=page_number(request.args.get("page")))
    return render_template(
        "store/reports/own_list.html",
        found=found,
        url_for_page=lambda page: url_for("reports.list_own_reports", page=page),
    )


@blueprint.get("/editeur/signalements/<uuid:report_id>")
@agent_required("publisher")
def show_own_report(report_id: UUID) -> str:
    return _own_page(report_id)


@blueprint.post("/editeur/signalements/<uuid:report_id>")
@agent_required("publisher")
def answer_report(report_id: UUID) -> Answer:
    text = request.form.get("text", "")
    try:
        with transaction():
            reports.answer_report(report_id=report_id, text=text, by=current_actor())
    except DomainError as refused:
        return _own_page(report_id, text, _say(refused)), status_of(refused)
    flash(gettext("Votre réponse est transmise."), "success")
    return redirect(url_for("reports.show_own_report", report_id=report_id), 303)


def _own_page(report_id: UUID, text: str = "", error: str = "") -> str:
    with transaction():
        report = queries.get_own_report(report_id, by=current_actor())
    answers = Verb.ANSWER in possible(report.state, Role.PUBLISHER)
    return render_template("store/reports/own_report.html", report=report, answers=answers, text=text, error=error)


def _kinds() -> list[dict[str, str]]:
    says = {
        Kind.SECURITY: gettext("Une faille de sécurité"),
        Kind.PRIVACY: gettext("Mes données ou ma vie privée"),
        Kind.CONTENT: gettext("Un contenu faux ou dangereux pour la santé"),
        Kind.MISLEADING: gettext("Une promesse trompeuse, une publicité"),
        Kind.BUG: gettext("Un défaut, une panne"),
        Kind.OTHER: gettext("Autre chose"),
    }
    return [{"value": kind, "label": label} for kind, label in says.items()]


def _say(refused: DomainError) -> str:
    if refused.code == "motive-required":
        return str(gettext("Écrivez un texte : quelqu’un doit le lire."))
    return forms.say_refusal(refused)
