"""Pages of the copy of a whole record: asking for it, seeing it made, downloading it."""

from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from dmp_core.service.exports import asking
from identity_core.sessions import current_actor, current_patient, patient_required
from platform_core import clock, crypto, downloads
from platform_core.access import Actor
from platform_core.blobs import service as blobs
from platform_core.database import transaction
from platform_core.errors import TooManyRequests

blueprint = Blueprint("export", __name__, template_folder="../templates", url_prefix="/espace/dossier/copie")


def load_panel(*, by: Actor, patient_id: UUID) -> dict[str, object]:
    """Before a space is closed: whether a copy of the record is ready to be taken away."""
    found = downloads.find_latest(patient_id=patient_id, kind=asking.KIND, by=by)
    return {"ready": found is not None and found.ready_at is not None}


@blueprint.get("")
@patient_required
def show_export() -> str:
    """The copy asked for last: in the making, ready, or none."""
    patient = current_patient()
    with transaction(patient_id=patient.id):
        found = downloads.find_latest(patient_id=patient.id, kind=asking.KIND, by=current_actor())
        waits = found is not None and found.ready_at is None and found.asked_at > clock.now() - downloads.PATIENCE
        context = {"download": found, "waits": waits}
        return render_template("dmp_core/export.html", patient=patient, **context)


@blueprint.post("")
@patient_required
def ask_export() -> AnyResponse:
    patient = current_patient()
    try:
        with transaction(patient_id=patient.id):
            asking.ask_export(patient_id=patient.id, by=current_actor())
    except TooManyRequests:
        flash(gettext("Plusieurs copies ont déjà été préparées aujourd’hui : téléchargez la dernière."), "warning")
    return redirect(url_for(".show_export"), 303)


@blueprint.get("/<uuid:download_id>.zip")
@patient_required
def download_export(download_id: UUID) -> Response:
    """The archive, streamed outside the transaction."""
    patient = current_patient()
    with transaction(patient_id=patient.id):
        blob = asking.open_export(patient_id=patient.id, download_id=download_id, by=current_actor())
        key = crypto.patient_key(patient.id, create=False)
    response = Response(blobs.read(blob, key=key), content_type="application/zip")
    response.content_length = blob.size
    response.headers["Content-Disposition"] = f'attachment; filename="dossier-{clock.today()}.zip"'
    return response
