"""The region where a person lives: asked when an experiment needs it, kept for nothing else."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.rules import REGIONS, local_path
from identity_core.service import residence
from identity_core.sessions import current_actor, current_patient, patient_required
from platform_core.database import transaction

blueprint = Blueprint("residence", __name__, template_folder="../templates")

_NOT_TOLD = "aucune"


@blueprint.get("/espace/parametres/region")
@patient_required
def show_region() -> str:
    return _page(current_patient().region or "")


@blueprint.post("/espace/parametres/region")
@patient_required
def state_region() -> Response | tuple[str, int]:
    patient, told = current_patient(), request.form.get("region", "")
    if told != _NOT_TOLD and told not in REGIONS:
        return _page(told, gettext("Choisissez une des réponses proposées.")), 422
    with transaction(patient_id=patient.id):
        residence.state_region(patient_id=patient.id, region=None if told == _NOT_TOLD else told, by=current_actor())
    flash(gettext("C’est enregistré."), "success")
    return redirect(local_path(request.args.get("suite", ""), url_for("identity.show_settings")), 303)


def _page(chosen: str, error: str = "") -> str:
    options = [("", gettext("Choisir…")), *((code, gettext(name)) for code, name in REGIONS.items())]
    options.append((_NOT_TOLD, gettext("Je préfère ne pas le dire")))
    return render_template(
        "identity/region.html", options=options, chosen=chosen, error=error, action=request.full_path.rstrip("?")
    )
