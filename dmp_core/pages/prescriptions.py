"""Pages of prescriptions: those in use and those that are over, what was handed over of each, what to ask about."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, url_for

from dmp_core.pages import medicines as words
from dmp_core.queries import documents
from dmp_core.queries.prescriptions import count_current, follow_prescriptions
from dmp_core.rules.documents.visibility import Viewer
from identity_core.rules import Power
from identity_core.sessions import current_actor, current_patient, helper_allowed
from platform_core import clock
from platform_core.access import Actor
from platform_core.database import transaction
from platform_core.errors import NotFound

blueprint = Blueprint("prescriptions", __name__, template_folder="../templates")


@blueprint.get("/espace/dossier/prescriptions")
@helper_allowed(Power.RECORD, families=("documents",))
def show_prescriptions() -> str:
    """All the prescriptions that programs can read, and what became of them."""
    patient, by = current_patient(), current_actor()
    with transaction(patient_id=patient.id):
        course = follow_prescriptions(patient_id=patient.id, viewer=Viewer.of(by), allergies=by.reaches("profile"))
    return render_template(
        "dmp_core/prescriptions.html",
        patient=patient,
        course=course,
        words=words,
        today=clock.today(),
        open_document=_document_url,
        open_prescription=_prescription_url,
    )


@blueprint.get("/espace/dossier/prescriptions/<uuid:document_id>")
@helper_allowed(Power.RECORD, families=("documents",))
def show_prescription(document_id: UUID) -> str:
    """One prescription, line by line: how to take it, what was handed over, what is left and until when."""
    patient, by = current_patient(), current_actor()
    viewer = Viewer.of(by)
    with transaction(patient_id=patient.id):
        course = follow_prescriptions(patient_id=patient.id, viewer=viewer, allergies=by.reaches("profile"))
        found = course.find(document_id)
        if found is None:
            raise NotFound("There is no prescription of that id that programs can read.")
        row = documents.get_document(patient_id=patient.id, document_id=document_id, viewer=viewer)
    return render_template(
        "dmp_core/prescription.html",
        patient=patient,
        prescription=found,
        document=row,
        attentions=[one for one in course.attentions if document_id in (one.line.document_id, one.document_id)],
        words=words,
        today=clock.today(),
        open_document=_document_url,
    )


def load_panel(*, by: Actor, patient_id: UUID) -> Mapping[str, Any] | None:
    """How many prescriptions are in use, for the page of the record."""
    if not by.reaches("documents"):
        return None
    return {"count": count_current(patient_id=patient_id, viewer=Viewer.of(by))}


def _document_url(document_id: UUID) -> str:
    return url_for("documents.show_document", document_id=document_id)


def _prescription_url(document_id: UUID) -> str:
    return url_for(".show_prescription", document_id=document_id)
