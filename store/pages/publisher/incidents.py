"""The declaration of a security incident by the publisher of the application that it touches."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from flask import Blueprint, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core import clock
from platform_core.database import transaction
from platform_core.errors import Fault, Invalid
from store.pages import forms
from store.queries.submissions import get_own_submission
from store.rules.reports import People, check_incident
from store.service import incidents

blueprint = Blueprint("incidents", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int]
_FIELDS = ("what", "noticed_on", "people", "measures")


@blueprint.get("/editeur/applications/<uuid:application_id>/incident")
@agent_required("publisher")
def show(application_id: UUID) -> str:
    return _page(application_id, {}, {})


@blueprint.post("/editeur/applications/<uuid:application_id>/incident")
@agent_required("publisher")
def declare(application_id: UUID) -> Answer:
    typed = {name: request.form.get(name, "").strip().replace("\r\n", "\n") for name in _FIELDS}
    noticed_on, by = _day(typed["noticed_on"]), current_actor()
    try:
        check_incident(typed["what"], typed["measures"], noticed_on, typed["people"], clock.today())
        with transaction():
            receipt = incidents.declare_incident(
                application_id=application_id,
                what=typed["what"],
                noticed_on=noticed_on or clock.today(),
                people=People(typed["people"]),
                measures=typed["measures"],
                by=by,
            )
            file = get_own_submission(application_id, by=by)
    except Invalid as refused:
        return _page(application_id, typed, {fault.where: _say(fault) for fault in refused.faults}), 422
    return render_template("store/publisher/incident_declared.html", file=file, tab="follow_up", number=receipt.number)


def _page(application_id: UUID, typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    with transaction():
        file = get_own_submission(application_id, by=current_actor())
    return render_template(
        "store/publisher/incident.html",
        file=file,
        tab="follow_up",
        typed=typed,
        errors=errors,
        people=[{"value": code, "label": label} for code, label in say_people().items()],
    )


def say_people() -> Mapping[People, str]:
    """How many people an incident concerns, in words."""
    return {
        People.NONE: gettext("Aucune"),
        People.FEWER_THAN_10: gettext("Moins de 10"),
        People.FEWER_THAN_100: gettext("De 10 à 99"),
        People.FEWER_THAN_1000: gettext("De 100 à 999"),
        People.MORE: gettext("1 000 ou plus"),
        People.UNKNOWN: gettext("Pas encore connu"),
    }


def _say(fault: Fault) -> str:
    if fault.where == "noticed_on":
        return str(gettext("Donnez un jour passé, ou celui d’aujourd’hui."))
    return forms.say_fault(fault)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
