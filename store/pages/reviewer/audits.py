"""Audits of listed applications: planned, on documents, on site, reported, corrected, closed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core.access import Actor
from platform_core.database import transaction
from platform_core.errors import DomainError
from platform_core.renderers import status_of
from store.pages import forms
from store.pages.reviewer import wording
from store.queries.applications import get_application
from store.queries.audits import get_audit, list_audits
from store.queries.evidence import EvidenceView, get_submitted_evidence
from store.service import audits
from store.service.transitions import check_other_organisation
from store.workflow import AUDIT, AuditVerb, possible

blueprint = Blueprint("audits", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int]
Form = Mapping[str, str]
_CORRECTIONS = 5

SLUGS: Mapping[str, AuditVerb] = {
    "documents": AuditVerb.REQUEST_DOCUMENTS,
    "visite": AuditVerb.VISIT,
    "rapport": AuditVerb.ISSUE_REPORT,
    "corrections": AuditVerb.REQUIRE_CORRECTIONS,
    "cloture": AuditVerb.CLOSE,
}
_ACTS: Mapping[AuditVerb, Callable[[UUID, str, Actor], object]] = {
    AuditVerb.REQUEST_DOCUMENTS: lambda audit_id, text, by: audits.request_documents(audit_id=audit_id, by=by),
    AuditVerb.VISIT: lambda audit_id, text, by: audits.visit(audit_id=audit_id, motive=text, by=by),
    AuditVerb.ISSUE_REPORT: lambda audit_id, text, by: audits.issue_report(audit_id=audit_id, report=text, by=by),
    AuditVerb.REQUIRE_CORRECTIONS: lambda audit_id, text, by: audits.require_corrections(
        audit_id=audit_id, actions=_corrections(), by=by
    ),
    AuditVerb.CLOSE: lambda audit_id, text, by: audits.close(audit_id=audit_id, motive=text, by=by),
}


@blueprint.get("/instruction/audits")
@agent_required("reviewer", "decider", "commission")
def list_all() -> str:
    closed = request.args.get("clos") == "oui"
    with transaction():
        found = list_audits(open_only=not closed)
    return render_template("store/reviewer/audits.html", found=found, closed=closed)


@blueprint.get("/instruction/applications/<uuid:application_id>/audit")
@agent_required("reviewer")
def prepare(application_id: UUID) -> str:
    return _plan_page(application_id)


@blueprint.post("/instruction/applications/<uuid:application_id>/audit")
@agent_required("reviewer")
def plan(application_id: UUID) -> Answer:
    try:
        first, last = wording.typed_day("starts_on"), wording.typed_day("ends_on")
        if first is None or last is None:
            raise ValueError
        with transaction():
            audit_id = audits.plan(
                application_id=application_id,
                scope=wording.typed("scope"),
                starts_on=first,
                ends_on=last,
                by=current_actor(),
            )
    except ValueError:
        return _plan_page(application_id, gettext("Indiquez le premier et le dernier jour de l’audit.")), 422
    except DomainError as refused:
        if status_of(refused) not in {409, 422}:
            raise
        return _plan_page(application_id, forms.say_refusal(refused)), status_of(refused)
    flash(gettext("L’audit est prévu : l’éditeur en est averti."), "success")
    return redirect(url_for("audits.show_audit", audit_id=audit_id), 303)


def _plan_page(application_id: UUID, error: str = "") -> str:
    with transaction():
        application = get_application(application_id)
    return render_template("store/reviewer/audit_plan.html", application=application, form=request.form, error=error)


@blueprint.get("/instruction/audits/<uuid:audit_id>")
@agent_required("reviewer", "decider", "commission")
def show_audit(audit_id: UUID) -> str:
    return _audit_page(audit_id)


@blueprint.post("/instruction/audits/<uuid:audit_id>/<slug>")
@agent_required("reviewer")
def act(audit_id: UUID, slug: str) -> Answer:
    verb = SLUGS.get(slug) or abort(404)
    try:
        with transaction():
            _ACTS[verb](audit_id, wording.typed(f"text-{slug}"), current_actor())
    except ValueError:
        return _audit_page(audit_id, slug, gettext("Indiquez l’échéance de chaque mesure.")), 422
    except DomainError as refused:
        if status_of(refused) not in {409, 422}:
            raise
        return _audit_page(audit_id, slug, forms.say_refusal(refused)), status_of(refused)
    flash(gettext("C’est fait."), "success")
    return redirect(url_for("audits.show_audit", audit_id=audit_id), 303)


def _corrections() -> Sequence[tuple[str, date]]:
    """The corrections typed, each with its last day. Raises `ValueError`."""
    lines = ((wording.typed(f"action-{n}"), request.form.get(f"due-{n}", "")) for n in range(_CORRECTIONS))
    return [(text, date.fromisoformat(day)) for text, day in lines if text]


def _audit_page(audit_id: UUID, slug: str = "", error: str = "") -> str:
    """An audit and the acts that its state allows; in a refusal the form keeps what was typed."""
    by = current_actor()
    with transaction():
        audit = get_audit(audit_id)
        check_other_organisation(audit.organisation_id, by)
        documents: Sequence[EvidenceView] = [get_submitted_evidence(one) for one in audit.evidence_ids]
    verbs = possible(AUDIT, audit.state, roles=by.roles & {"reviewer"})
    return render_template(
        "store/reviewer/audit.html",
        audit=audit,
        documents=documents,
        acts=[(name, verb) for name, verb in SLUGS.items() if verb in verbs],
        form=request.form,
        slug=slug,
        error=error,
        corrections=range(_CORRECTIONS),
    )
