"""Incidents declared by publishers: their list, apart from what the public tells, and the notice to people."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core.database import transaction
from platform_core.errors import DomainError, NotFound
from platform_core.pagination import page_number
from platform_core.renderers import status_of
from store.pages import forms
from store.pages.publisher.incidents import say_people
from store.pages.reviewer import wording
from store.queries import reports as queries
from store.rules.reports import LONGEST_NOTICE, SHORTEST_NOTICE, Origin
from store.service import incidents
from store.service.transitions import check_other_organisation

blueprint = Blueprint("declared_incidents", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int]


@blueprint.get("/instruction/incidents")
@agent_required("reviewer", "decider")
def list_incidents() -> str:
    with transaction():
        found = queries.list_reports(origin=Origin.INCIDENT, page=page_number(request.args.get("page")))
        declared = {row.id: queries.find_incident(row.id) for row in found.items}
    return render_template(
        "store/reports/incidents.html",
        found=found,
        declared=declared,
        people=say_people(),
        url_for_page=lambda page: url_for("declared_incidents.list_incidents", page=page),
    )


@blueprint.get("/instruction/incidents/<uuid:report_id>/information")
@agent_required("decider")
def prepare_notice(report_id: UUID) -> str:
    return _page(report_id)


@blueprint.post("/instruction/incidents/<uuid:report_id>/information")
@agent_required("decider")
def make_known(report_id: UUID) -> Answer:
    text = wording.typed("text")
    if wording.wants("correct"):
        return _page(report_id, text)
    if wording.wants("preview") and SHORTEST_NOTICE <= len(text) <= LONGEST_NOTICE:
        return _page(report_id, text, preview=True)
    try:
        with transaction():
            incidents.make_known(report_id=report_id, text=text, by=current_actor())
    except DomainError as refused:
        if status_of(refused) not in {403, 409, 422}:
            raise
        return _page(report_id, text, _say(refused)), status_of(refused)
    flash(gettext("C’est décidé : chaque personne reçoit ce message dans son espace."), "success")
    return redirect(url_for("reports.show_report", report_id=report_id), 303)


def _page(report_id: UUID, text: str = "", error: str = "", *, preview: bool = False) -> str:
    with transaction():
        report, incident = queries.get_report(report_id), queries.find_incident(report_id)
        check_other_organisation(report.organisation_id, current_actor())
    if incident is None:
        raise NotFound("No incident was declared under this report.")
    return render_template(
        "store/reports/incident_notice.html", report=report, incident=incident, text=text, error=error, preview=preview
    )


def _say(refused: DomainError) -> str:
    if refused.code == "already-told":
        return str(gettext("Les personnes ont déjà été informées de cet incident."))
    if refused.code == "notice-invalid":
        return str(
            gettext(
                "Dites ce qui s’est passé en %(least)s à %(most)s caractères.",
                least=SHORTEST_NOTICE,
                most=LONGEST_NOTICE,
            )
        )
    return forms.say_refusal(refused)
