"""The publisher's page of the erasures that people ask of its app, each known by the id that the app has for them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from consent import queries
from consent.pages.permissions import wording
from consent.queries import erasures
from consent.service import erasure as service
from consent.workflow import ErasureVerb
from identity_core.sessions import agent_required, current_actor
from platform_core.access import Actor
from platform_core.database import transaction
from platform_core.errors import Invalid, NotFound
from store.queries.applications import get_own_application

blueprint = Blueprint(
    "erasures",
    __name__,
    url_prefix="/editeur/applications/<uuid:application_id>/effacements",
    template_folder="../templates",
)


@blueprint.get("")
@agent_required("publisher")
def list_erasures(application_id: UUID) -> str:
    return _page(application_id)


@blueprint.post("/<uuid:grant_id>")
@agent_required("publisher")
def answer_erasure(application_id: UUID, grant_id: UUID) -> Response | tuple[str, int]:
    """Say that a request was received, done, or refused and why."""
    by, motive = current_actor(), request.form.get(f"motive-{grant_id}", "")
    with transaction():
        get_own_application(application_id, by=by)
        patient_id = queries.find_patient_of_grant(grant_id=grant_id, app_id=application_id)
    if patient_id is None:
        raise NotFound("No erasure was asked after this consent.")
    try:
        with transaction(patient_id=patient_id):
            service.answer_erasure(patient_id=patient_id, grant_id=grant_id, verb=_verb(), motive=motive, by=by)
    except Invalid as refused:
        return _page(application_id, refused=grant_id, motive=motive, code=refused.code), 422
    flash(gettext("Votre réponse est transmise à la personne."), "success")
    return redirect(url_for(".list_erasures", application_id=application_id), 303)


def load_panel(*, by: Actor, application_id: UUID) -> Mapping[str, Any] | None:
    """How many erasures wait for an answer, on the page of an application; nothing when none was ever asked."""
    asked = erasures.list_erasures(application_id)
    if not asked:
        return None
    waiting = [one for one in asked if one.is_open]
    late = sum(one.is_overdue for one in waiting)
    return {"waiting": len(waiting), "late": late, "application_id": application_id}


def _page(application_id: UUID, *, refused: UUID | None = None, motive: str = "", code: str = "") -> str:
    with transaction():
        application = get_own_application(application_id, by=current_actor())
        asked = erasures.list_erasures(application_id)
    said = {
        "motive-required": gettext("Dites pourquoi vous refusez : la personne lira ce texte"),
        "motive-too-long": gettext("Écrivez %(most)s signes au plus", most=service.MOST),
    }
    return render_template(
        "consent/erasures.html",
        application=application,
        asked=asked,
        refused=refused,
        motive=motive,
        error=said.get(code, ""),
        wording=wording,
    )


def _verb() -> ErasureVerb:
    try:
        return ErasureVerb(request.form.get("act", ""))
    except ValueError:
        raise Invalid("This act does not exist.", code="unknown-act") from None
