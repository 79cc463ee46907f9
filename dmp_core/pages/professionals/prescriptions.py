"""The prescriptions of a record as a professional sees them: the same, within what their profession reaches."""

from uuid import UUID

from flask import Blueprint, render_template, url_for

from dmp_core.categories import DOCUMENT_KINDS
from dmp_core.pages import medicines as words
from dmp_core.pages.professionals.records import reading
from dmp_core.queries.prescriptions import follow_prescriptions
from dmp_core.rules.entries.kinds import ALLERGIES
from dmp_core.rules.professionals.matrix import Level
from dmp_core.service.professionals import records as service
from identity_core.sessions import professional_required
from platform_core import clock
from platform_core.web import request_id

blueprint = Blueprint("professional_prescriptions", __name__, template_folder="../../templates")


@blueprint.get("/pro/patients/<uuid:patient_id>/prescriptions")
@professional_required
def show_prescriptions(patient_id: UUID) -> str:
    """What was prescribed and handed over, and what deserves a look."""
    with reading(patient_id) as opening:
        allergies = opening.reach.reads(ALLERGIES.category)
        course = follow_prescriptions(
            patient_id=patient_id,
            viewer=opening.viewer,
            types=opening.reach.types_at(Level.READ),
            allergies=allergies,
        )
        counts = {
            DOCUMENT_KINDS["prescriptions"].category: len(course.current) + len(course.finished),
            DOCUMENT_KINDS["dispensations"].category: course.dispensed,
            **({ALLERGIES.category: course.known} if allergies else {}),
        }
        shown = {category: count for category, count in counts.items() if count}
        service.note_reading(opening, shown, resource="DocumentReference", request_id=request_id())
    return render_template(
        "dmp_core/pro/prescriptions.html",
        opening=opening,
        course=course,
        words=words,
        today=clock.today(),
        open_document=lambda document_id: url_for(
            "professional_records.show_document", patient_id=patient_id, document_id=document_id
        ),
    )
