"""Pages of the end of a space: closing it, asking for the destruction of what it holds, going back on that."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from identity_core.service import destruction, spaces
from identity_core.sessions import (
    citizen_required,
    current_actor,
    current_patient,
    find_proof_url,
    patient_required,
)
from identity_core.workflow import SpaceState
from platform_core.database import transaction
from platform_core.navigation import Area, panels

blueprint = Blueprint("closing", __name__, template_folder="../templates", url_prefix="/espace")

PROVEN_WITHIN = timedelta(minutes=10)
PROOF_TO_CLOSE, PROOF_TO_DESTROY = "eidas2", "eidas3"
"""Closing can be undone, and must be no harder than opening; destroying cannot."""


@blueprint.get("/fermeture")
@patient_required
def show_closing() -> str:
    """What closing means, once the person has proven anew who they are."""
    patient, by = current_patient(), current_actor()
    with transaction(patient_id=patient.id):
        shown = panels(Area.PATIENT, "closing", by=by, patient_id=patient.id)
        blocks = [Markup(render_template(name, **context)) for name, context in shown]  # noqa: S704 - our templates
    return render_template("identity/closing.html", patient=patient, blocks=blocks, proof_url=_find_closing_proof())


@blueprint.post("/fermeture")
@patient_required
def close_space() -> Response:
    if proof_url := _find_closing_proof():
        return redirect(proof_url, 303)
    patient, by = current_patient(), current_actor()
    with transaction(patient_id=patient.id):
        spaces.close_space(patient_id=patient.id, by=by)
    flash(gettext("L’espace est fermé."), "success")
    return redirect(url_for("identity.show_opening"), 303)


@blueprint.get("/destruction")
@citizen_required
def show_destruction() -> Response | str:
    """What destroying means; from an open space, closing comes first."""
    if current_patient().space_state is not SpaceState.CLOSED:
        return redirect(url_for(".show_closing"), 303)
    return _destruction_page()


@blueprint.post("/destruction")
@citizen_required
def ask_destruction() -> Response | tuple[str, int]:
    if proof_url := _find_destruction_proof():
        return redirect(proof_url, 303)
    if request.form.get("understood") != "yes":
        return _destruction_page(error=gettext("Cochez la case si vous avez compris que rien ne sera retrouvé.")), 422
    patient, by = current_patient(), current_actor()
    with transaction(patient_id=patient.id):
        destruction.ask_destruction(patient_id=patient.id, by=by)
    flash(gettext("La destruction est demandée."), "success")
    return redirect(url_for("identity.show_opening"), 303)


@blueprint.post("/destruction/annulation")
@citizen_required
def keep_closed() -> Response:
    patient, by = current_patient(), current_actor()
    with transaction(patient_id=patient.id):
        destruction.keep_closed(patient_id=patient.id, by=by)
    flash(gettext("La destruction est annulée : l’espace reste fermé."), "success")
    return redirect(url_for("identity.show_opening"), 303)


def _destruction_page(**said: Any) -> str:
    days = destruction.REGRET_LASTS.days
    context = {"patient": current_patient(), "proof_url": _find_destruction_proof(), "days": days}
    return render_template("identity/destruction.html", **context, **said)


def _find_closing_proof() -> str | None:
    return find_proof_url(url_for(".show_closing"), acr=PROOF_TO_CLOSE, within=PROVEN_WITHIN)


def _find_destruction_proof() -> str | None:
    return find_proof_url(url_for(".show_destruction"), acr=PROOF_TO_DESTROY, within=PROVEN_WITHIN)
