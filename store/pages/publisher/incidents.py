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
from platform_core.errors import Invalid
from platform_core.french import day_in_words
from store.pages import forms
from store.queries.submissions import get_own_submission
from store.service import reports

blueprint = Blueprint("incidents", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int]
_FIELDS = ("what", "noticed_on", "people", "done")


@blueprint.get("/editeur/applications/<uuid:application_id>/incident")
@agent_required("publisher")
def show(application_id: UUID) -> str:
    return _page(application_id, {}, {})


@blueprint.post("/editeur/applications/<uuid:application_id>/incident")
@agent_required("publisher")
def declare(application_id: UUID) -> Answer:
    typed = {name: request.form.get(name, "").strip().replace("\r\n", "\n") for name in _FIELDS}
    errors = _list_errors(typed)
    if errors:
        return _page(application_id, typed, errors), 422
    try:
        with transaction():
            receipt = reports.declare_incident(application_id=application_id, text=_compose(typed), by=current_actor())
            file = get_own_submission(application_id, by=current_actor())
    except Invalid as refused:
        return _page(application_id, typed, {"what": forms.say_fault(refused.faults[0])}), 422
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
        people=[{"value": code, "label": label} for code, label in _people().items()],
    )


def _people() -> Mapping[str, str]:
    """How many people an incident may concern, in words."""
    return {
        "none": gettext("Aucune"),
        "fewer-than-10": gettext("Moins de 10"),
        "fewer-than-100": gettext("De 10 à 99"),
        "fewer-than-1000": gettext("De 100 à 999"),
        "1000-or-more": gettext("1 000 ou plus"),
        "unknown": gettext("Pas encore connu"),
    }


def _list_errors(typed: Mapping[str, str]) -> dict[str, str]:
    errors = {name: gettext("Ce champ manque.") for name in ("what", "done") if not typed[name]}
    day = _day(typed["noticed_on"])
    if day is None or day > clock.today():
        errors["noticed_on"] = gettext("Donnez un jour passé, ou celui d’aujourd’hui.")
    if typed["people"] not in _people():
        errors["people"] = gettext("Choisissez une des réponses proposées.")
    return errors


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _compose(typed: Mapping[str, str]) -> str:
    """The declaration as its examiners read it."""
    return "\n".join(
        [
            gettext("Incident de sécurité déclaré par l’éditeur."),
            gettext("Constaté le : %(day)s", day=day_in_words(_day(typed["noticed_on"]))),
            gettext("Personnes concernées : %(people)s", people=_people()[typed["people"]]),
            gettext("Ce qui s’est passé : %(what)s", what=typed["what"]),
            gettext("Mesures prises : %(done)s", done=typed["done"]),
        ]
    )
