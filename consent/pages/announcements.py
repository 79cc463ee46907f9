"""Where the authority tells everybody who ever authorized an app of an incident, and follows who was told."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from consent.queries.announcements import list_announcements
from consent.service import announcements
from identity_core.sessions import agent_required, current_actor
from platform_core.database import transaction
from platform_core.errors import Invalid
from store.queries.applications import get_application

blueprint = Blueprint("announcements", __name__, template_folder="../templates")

_PATH = "/instruction/applications/<uuid:application_id>/incident"


@blueprint.get(_PATH)
@agent_required("decider")
def show(application_id: UUID) -> str:
    return _page(application_id)


@blueprint.post(_PATH)
@agent_required("decider")
def announce(application_id: UUID) -> Response | tuple[str, int]:
    typed = request.form.get("text", "")
    try:
        with transaction():
            name = get_application(application_id).name
            announcements.announce_incident(application_id=application_id, text=typed, by=current_actor())
    except Invalid:
        error = gettext("Écrivez entre %(least)s et %(most)s caractères.", least=announcements.SHORTEST, most=1000)
        return _page(application_id, typed, error), 422
    flash(gettext("Les personnes qui ont autorisé %(app)s vont être prévenues.", app=name), "success")
    return redirect(url_for(".show", application_id=application_id), 303)


def _page(application_id: UUID, typed: str = "", error: str = "") -> str:
    with transaction():
        application, before = get_application(application_id), list_announcements(application_id)
    return render_template("consent/incident.html", application=application, before=before, typed=typed, error=error)
