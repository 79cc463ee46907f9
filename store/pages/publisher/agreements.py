"""What the publisher does after the opinion: meet reservations, sign the convention, show behaviours in the sandbox."""

from collections.abc import Mapping
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
from store.queries.agreements import ConventionView, find_convention, find_current_convention, list_checks
from store.queries.commission import ReservationView, list_reservations
from store.queries.history import list_history
from store.queries.submissions import SubmissionView, get_own_submission
from store.rules import convention, dossier
from store.service import conventions, reservations
from store.workflow import ReservationState, ReservationVerb, SubmissionState

blueprint = Blueprint("own_agreements", __name__, template_folder="../../templates")
attachments.accept(blueprint)

Answer = str | Response | tuple[str, int]


@blueprint.get("/editeur/applications/<uuid:application_id>/reserves/<uuid:reservation_id>")
@agent_required("publisher")
def show_reservation(application_id: UUID, reservation_id: UUID) -> str:
    return _reservation_page(application_id, reservation_id)


@blueprint.post("/editeur/applications/<uuid:application_id>/reserves/<uuid:reservation_id>")
@agent_required("publisher")
def claim_reservation(application_id: UUID, reservation_id: UUID) -> Answer:
    text, by = request.form.get("answer", "").replace("\r\n", "\n"), current_actor()
    try:
        with attachments.received() as upload, transaction():
            _find(get_own_submission(application_id, by=by), reservation_id)
            joined = attachments.join(upload, by=by)
            reservations.claim(reservation_id=reservation_id, answer=text, evidence_ids=joined, by=by)
    except DomainError as refused:
        if status_of(refused) not in attachments.REFUSALS:
            raise
        errors = say_errors(refused) or {"answer": _say(refused)}
        return _reservation_page(application_id, reservation_id, text, errors), status_of(refused)
    flash(gettext("C’est transmis : l’instruction va vérifier que la réserve est levée."), "success")
    return redirect(url_for("follow_up.show", application_id=application_id, _anchor="reserves"), 303)


def _say(refused: DomainError) -> str:
    if refused.code == "transition-refused":
        return str(gettext("Cette réserve n’est plus ouverte."))
    return forms.say_refusal(refused)


def _reservation_page(
    application_id: UUID, reservation_id: UUID, text: str = "", errors: Mapping[str, str] | None = None
) -> str:
    with transaction():
        file = get_own_submission(application_id, by=current_actor())
        one, files = _find(file, reservation_id), attachments.list_files()
        declined = [entry for entry in list_history(application_id) if entry.subject_id == reservation_id]
    return render_template(
        "store/publisher/reservation.html",
        file=file,
        tab="follow_up",
        one=one,
        files=files,
        chosen=attachments.chosen(),
        said=[entry for entry in declined if entry.verb in {ReservationVerb.DECLINE, ReservationVerb.LIFT}],
        text=text or one.claim,
        sent=attachments.describe(),
        errors=errors or {},
        may_claim=one.state is ReservationState.OPEN,
    )


def _find(file: SubmissionView, reservation_id: UUID) -> ReservationView:
    for one in list_reservations(file.id):
        if one.id == reservation_id:
            return one
    raise NotFound("This reservation does not exist.")


@blueprint.get("/editeur/applications/<uuid:application_id>/convention")
@agent_required("publisher")
def show_convention(application_id: UUID) -> str:
    return _convention_page(application_id)


@blueprint.post("/editeur/applications/<uuid:application_id>/convention")
@agent_required("publisher")
def sign_convention(application_id: UUID) -> Answer:
    quality, by = request.form.get("quality", "").strip(), current_actor()
    if request.form.get("attest") != "yes":
        error = gettext("Attestez que vous êtes habilité à signer.")
        return _convention_page(application_id, quality, {"attest": error}), 422
    try:
        with transaction():
            submission_id = get_own_submission(application_id, by=by).id
            text_hash = request.form.get("text_hash", "")
            conventions.sign(submission_id=submission_id, quality=quality, text_hash=text_hash, by=by)
    except DomainError as refused:
        if status_of(refused) not in {409, 422}:
            raise
        field = "quality" if refused.code == "quality-required" else ""
        return _convention_page(application_id, quality, {field: forms.say_refusal(refused)}), status_of(refused)
    flash(gettext("La convention est signée. L’autorité doit la contresigner."), "success")
    return redirect(url_for("own_agreements.show_convention", application_id=application_id), 303)


def _convention_page(application_id: UUID, quality: str = "", errors: dict[str, str] | None = None) -> str:
    by = current_actor()
    with transaction():
        file = get_own_submission(application_id, by=by)
        signed = find_convention(file.id) or _carried_over(file)
    return render_template(
        "store/publisher/convention.html",
        file=file,
        tab="follow_up",
        signed=signed,
        text=convention.load(signed.version) if signed else convention.present(),
        may_sign=file.state is SubmissionState.ACCEPTED and signed is None,
        signatory=by.name,
        quality=quality or file.dossier.get("contacts", {}).get("signatory_role", ""),
        errors=errors or {},
    )


def _carried_over(file: SubmissionView) -> ConventionView | None:
    """The convention signed for an earlier dossier; an accepted one that must sign anew has none."""
    return None if file.state is SubmissionState.ACCEPTED else find_current_convention(file.application_id)


@blueprint.get("/editeur/applications/<uuid:application_id>/tests")
@agent_required("publisher")
def show_tests(application_id: UUID) -> str:
    with transaction():
        file = get_own_submission(application_id, by=current_actor())
        checks = list_checks(file.id)
    asked = dossier.asked_ceiling(file.dossier)
    return render_template(
        "store/publisher/tests.html",
        file=file,
        tab="follow_up",
        checks=checks,
        items=asked.items,
        purposes=sorted(asked.purposes),
        say_access=forms.say_access,
        say_category=forms.say_category,
    )
