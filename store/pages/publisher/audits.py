"""An audit as the publisher lives it: its plan, the documents to hand over, the report, the corrections to make."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core.database import transaction
from platform_core.errors import DomainError, NotFound
from platform_core.renderers import status_of
from store.pages import forms
from store.pages.evidence.refusals import say_errors
from store.pages.publisher import attachments
from store.queries.audits import get_own_audit
from store.queries.history import list_history
from store.queries.submissions import get_own_submission
from store.service import audits
from store.workflow import AuditState, AuditVerb

blueprint = Blueprint("own_audits", __name__, template_folder="../../templates")
attachments.accept(blueprint)

Answer = str | Response | tuple[str, int]


@blueprint.get("/editeur/audits/<uuid:audit_id>")
@agent_required("publisher")
def show(audit_id: UUID) -> str:
    return _page(audit_id)


@blueprint.post("/editeur/audits/<uuid:audit_id>/documents")
@agent_required("publisher")
def send_documents(audit_id: UUID) -> Answer:
    try:
        with attachments.received() as upload, transaction():
            by = current_actor()
            audits.send_documents(audit_id=audit_id, evidence_ids=attachments.join(upload, by=by), by=by)
    except DomainError as refused:
        if status_of(refused) not in attachments.REFUSALS:
            raise
        return _page(audit_id, say_errors(refused) or {"evidence": forms.say_refusal(refused)}), status_of(refused)
    flash(gettext("Les pièces sont transmises aux auditeurs."), "success")
    return redirect(url_for("own_audits.show", audit_id=audit_id), 303)


@blueprint.post("/editeur/audits/<uuid:audit_id>/mesures/<uuid:action_id>")
@agent_required("publisher")
def report_correction(audit_id: UUID, action_id: UUID) -> Answer:
    text = request.form.get(f"answer-{action_id}", "").replace("\r\n", "\n")
    try:
        with transaction():
            if action_id not in {one.id for one in get_own_audit(audit_id, by=current_actor()).actions}:
                raise NotFound("This correction does not exist.")
            audits.report_correction(action_id=action_id, answer=text, by=current_actor())
    except DomainError as refused:
        if status_of(refused) not in {409, 422}:
            raise
        return _page(audit_id, errors={f"answer-{action_id}": forms.say_refusal(refused)}), status_of(refused)
    flash(gettext("C’est transmis aux auditeurs."), "success")
    return redirect(url_for("own_audits.show", audit_id=audit_id), 303)


def _page(audit_id: UUID, errors: dict[str, str] | None = None) -> str:
    with transaction():
        audit = get_own_audit(audit_id, by=current_actor())
        file, files = get_own_submission(audit.application_id, by=current_actor()), attachments.list_files()
        acts = [entry for entry in list_history(audit.application_id) if entry.subject_id == audit_id]
    return render_template(
        "store/publisher/audit.html",
        file=file,
        tab="follow_up",
        audit=audit,
        files=files,
        chosen=attachments.chosen(),
        sent=attachments.describe(),
        said=[entry for entry in acts if entry.verb in {AuditVerb.VISIT, AuditVerb.CLOSE}],
        sends=audit.state is AuditState.DOCUMENTS,
        corrects=audit.state is AuditState.CORRECTIVE_ACTION,
        errors=errors or {},
    )
