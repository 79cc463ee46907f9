"""A publisher answers a call, and tells what their pilot measured."""

from collections.abc import Mapping
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core.database import transaction
from platform_core.errors import DomainError
from platform_core.renderers import status_of
from store.pages.calls import wording
from store.queries import calls as queries
from store.queries.queue import list_applications
from store.service import candidacies, pilots

blueprint = Blueprint("candidacies", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int]
Errors = Mapping[str, str]


@blueprint.get("/editeur/appels/<slug>")
@agent_required("publisher")
def show_candidacy(slug: str) -> str:
    return _page(slug)


@blueprint.post("/editeur/appels/<slug>")
@agent_required("publisher")
def file(slug: str) -> Answer:
    with transaction():
        call = queries.get_public_call(slug)
    try:
        with transaction():
            candidacies.file(
                call_id=call.id,
                application_id=_application_id(),
                answers={one.code: wording.typed(f"answer-{one.code}") for one in call.terms.criteria},
                team=wording.typed("team"),
                links=[line.strip() for line in wording.typed("links").splitlines() if line.strip()],
                by=current_actor(),
            )
    except DomainError as refused:
        return _page(slug, wording.posted(), wording.errors_of(refused)), status_of(refused)
    flash(gettext("Votre candidature est déposée. Vous pouvez la changer jusqu’au dernier jour."), "success")
    return redirect(url_for("candidacies.show_candidacy", slug=slug), 303)


@blueprint.post("/editeur/appels/<slug>/retrait/<uuid:candidacy_id>")
@agent_required("publisher")
def withdraw(slug: str, candidacy_id: UUID) -> Answer:
    try:
        with transaction():
            candidacies.withdraw(candidacy_id=candidacy_id, by=current_actor())
    except DomainError as refused:
        return _page(slug, None, wording.errors_of(refused)), status_of(refused)
    flash(gettext("Votre candidature est retirée."), "success")
    return redirect(url_for("candidacies.show_candidacy", slug=slug), 303)


def _application_id() -> UUID:
    try:
        return UUID(request.form.get("application", ""))
    except ValueError:
        abort(404)


def _page(slug: str, typed: Mapping[str, object] | None = None, errors: Errors | None = None) -> str:
    by = current_actor()
    with transaction():
        call = queries.get_public_call(slug)
        own = queries.list_own_candidacies(call.id, by=by)
        applications = list_applications(by=by)
    last = own[-1] if own else None
    kept = {f"answer-{code}": text for code, text in last.answers.items()} if last else {}
    if last:
        kept |= {"team": last.team, "links": "\n".join(last.links), "application": str(last.application_id)}
    return render_template(
        "store/calls/candidacy_form.html",
        call=call,
        own=own,
        applications=[(str(one.application_id), one.name) for one in applications],
        form=typed or kept,
        errors=errors or {},
    )


@blueprint.get("/editeur/applications/<uuid:application_id>/experimentation")
@agent_required("publisher")
def show_results(application_id: UUID) -> str:
    return _results_page(application_id)


@blueprint.post("/editeur/applications/<uuid:application_id>/experimentation")
@agent_required("publisher")
def report_results(application_id: UUID) -> Answer:
    values = {name.removeprefix("indicator-"): text.strip() for name, text in request.form.items()}
    try:
        with transaction():
            pilots.report_results(
                application_id=application_id,
                values=values,
                conclusion=wording.typed("conclusion"),
                by=current_actor(),
            )
    except DomainError as refused:
        return _results_page(application_id, wording.posted(), wording.errors_of(refused)), status_of(refused)
    flash(gettext("Les résultats sont publiés."), "success")
    return redirect(url_for("candidacies.show_results", application_id=application_id), 303)


def _results_page(application_id: UUID, typed: Mapping[str, object] | None = None, errors: Errors | None = None) -> str:
    with transaction():
        report, call = queries.find_own_report(application_id, by=current_actor()) or abort(404)
        use = wording.show_use(report)
    kept = {f"indicator-{code}": value for code, value in (report.results or {}).items()}
    return render_template(
        "store/calls/results.html",
        report=report,
        call=call,
        use=use,
        say_regions=wording.say_regions,
        form=typed or {**kept, "conclusion": report.conclusion},
        errors=errors or {},
    )
