"""Pages of the devices that take measures: each with what it took, what to call it, and whether it is still used."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from dmp_core.queries import devices as queries
from dmp_core.queries.points import list_taken
from dmp_core.service import devices as service
from identity_core.rules import Power
from identity_core.sessions import current_actor, current_patient, helper_allowed, patient_required
from platform_core.access import ActorKind
from platform_core.database import transaction
from platform_core.errors import Invalid

blueprint = Blueprint("devices", __name__, template_folder="../templates")

_LATEST, _MOST = 50, 100


@blueprint.get("/espace/mesures/appareils")
@helper_allowed(Power.RECORD, families=("measures",))
def list_devices() -> str:
    patient = current_patient()
    with transaction(patient_id=patient.id):
        found = queries.list_kept(patient_id=patient.id, most=_MOST + 1)
    shown, more = found[:_MOST], len(found) > _MOST
    return render_template("dmp_core/devices.html", patient=patient, devices=shown, more=more)


@blueprint.get("/espace/mesures/appareils/<uuid:device_id>")
@helper_allowed(Power.RECORD, families=("measures",))
def show_device(device_id: UUID) -> str:
    return _page(device_id)


@blueprint.post("/espace/mesures/appareils/<uuid:device_id>")
@patient_required
def change_device(device_id: UUID) -> Response | tuple[str, int]:
    """Give it a name, put it aside or take it back."""
    patient, by, act = current_patient(), current_actor(), request.form.get("act", "")
    try:
        with transaction(patient_id=patient.id):
            if act == "nommer":
                label = request.form.get("label", "").strip()
                service.rename_device(patient_id=patient.id, device_id=device_id, label=label, by=by)
                said = gettext("Le nom de l’appareil est enregistré.")
            else:
                aside = act == "ranger"
                service.put_device_aside(patient_id=patient.id, device_id=device_id, aside=aside, by=by)
                said = (
                    gettext("L’appareil est mis de côté.") if aside else gettext("L’appareil est de nouveau utilisé.")
                )
    except Invalid:
        return _page(device_id, error=gettext("Choisissez un nom plus court, de 60 caractères au plus.")), 422
    flash(said, "success")
    return redirect(url_for(".show_device", device_id=device_id), 303)


def _page(device_id: UUID, error: str = "") -> str:
    patient = current_patient()
    with transaction(patient_id=patient.id):
        device = queries.get_kept(patient_id=patient.id, device_id=device_id)
        found = list_taken(patient_id=patient.id, device_id=device_id, limit=_LATEST)
    return render_template(
        "dmp_core/device.html",
        patient=patient,
        device=device,
        points=found,
        error=error,
        label=request.form.get("label", device.label),
        writes=current_actor().kind is not ActorKind.HELPER,
    )
