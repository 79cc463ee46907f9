"""Pages where the patient rules who reads the record: agreements, one-off code, blocked people, choices."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from dmp_core.pages.professionals import words
from dmp_core.queries import professionals as queries
from dmp_core.rules.professionals.agreements import CODE_LASTS, CODE_OPENS, Choices, Mode
from dmp_core.service.professionals import agreements, openings
from identity_core import queries as identity
from identity_core.sessions import current_actor, current_patient, patient_required
from platform_core import clock
from platform_core.database import transaction
from platform_core.errors import Conflict, Invalid, NotFound
from platform_core.web import rate_limit

blueprint = Blueprint("patient_professionals", __name__, template_folder="../../templates")

_PATH = agreements.PAGE
_LEAST_NAME = 2
_USUAL_TEAM = timedelta(days=92)


@blueprint.get(_PATH)
@patient_required
def list_professionals() -> str:
    """Who reads the record and until when, who asks to, who is kept out, what is allowed unasked."""
    patient = current_patient()
    with transaction(patient_id=patient.id):
        found = queries.list_agreements(patient.id)
        blocked = queries.list_blocked(patient.id)
        choices = queries.get_choices(patient.id)
    return render_template(
        "dmp_core/pro/settings.html",
        patient=patient,
        live=[one for one in found if one.is_live],
        waiting=[one for one in found if one.is_waiting],
        past=[one for one in found if not one.is_live and not one.is_waiting],
        blocked=blocked,
        choices=choices,
        words=words,
    )


@blueprint.get(f"{_PATH}/ajouter")
@patient_required
def show_adding() -> str:
    return _adding({}, {})


@blueprint.post(f"{_PATH}/ajouter")
@rate_limit("30 per minute")
@patient_required
def add_professional() -> Response | str | tuple[str, int]:
    """Look for somebody by name, then open the record to whom was chosen, or keep them out."""
    form = request.form
    if form.get("act") == "chercher":
        if len(form.get("name", "").strip()) < _LEAST_NAME:
            return _adding(form, {"name": gettext("Écrivez au moins deux lettres du nom.")}), 422
        return _adding(form, {})
    patient, errors = current_patient(), {}
    try:
        with transaction(patient_id=patient.id):
            _agree(patient.id, form)
    except (Conflict, Invalid) as error:
        errors = words.refusal(error)
        return _adding(form, errors), 422
    if form.get("act") == "bloquer":
        said = gettext("Cette personne est bloquée : elle ne voit plus rien, même en urgence.")
    else:
        said = gettext("C’est fait : cette personne peut consulter le dossier.")
    flash(said, "success")
    return redirect(url_for(".list_professionals"), 303)


@blueprint.post(f"{_PATH}/accords/<uuid:agreement_id>")
@patient_required
def answer(agreement_id: UUID) -> Response:
    """Accept or decline what a doctor proposed, or put an end to an agreement."""
    asked = request.form.get("act", "")
    acts = {
        "accepter": (agreements.accept_treating_doctor, gettext("C’est votre médecin traitant.")),
        "decliner": (agreements.refuse_agreement, gettext("Vous avez décliné.")),
        "terminer": (agreements.end_agreement, gettext("Cette personne ne consulte plus le dossier.")),
    }
    if asked not in acts:
        raise NotFound("There is no such act.")
    act, said = acts[asked]
    patient = current_patient()
    with transaction(patient_id=patient.id):
        act(patient_id=patient.id, agreement_id=agreement_id, by=current_actor())
    flash(said, "success")
    return redirect(url_for(".list_professionals"), 303)


@blueprint.post(f"{_PATH}/bloques/<uuid:professional_id>")
@patient_required
def keep_out(professional_id: UUID) -> Response:
    """Block somebody at once, or no longer."""
    patient, by = current_patient(), current_actor()
    with transaction(patient_id=patient.id):
        if request.form.get("act") == "debloquer":
            agreements.unblock_professional(patient_id=patient.id, professional_id=professional_id, by=by)
            said = gettext("Cette personne n’est plus bloquée. Rien ne lui est rouvert pour autant.")
        else:
            agreements.block_professional(patient_id=patient.id, professional_id=professional_id, by=by)
            said = gettext("Cette personne est bloquée : elle ne voit plus rien, même en urgence.")
    flash(said, "success")
    return redirect(url_for(".list_professionals"), 303)


@blueprint.post(f"{_PATH}/choix")
@patient_required
def choose() -> Response:
    chosen = request.form.getlist("allowed")
    patient = current_patient()
    with transaction(patient_id=patient.id):
        choices = Choices("emergency" in chosen, "writing" in chosen)
        agreements.choose_access(patient_id=patient.id, choices=choices, by=current_actor())
    flash(gettext("Vos choix sont enregistrés."), "success")
    return redirect(url_for(".list_professionals"), 303)


@blueprint.post(f"{_PATH}/code")
@rate_limit("10 per minute")
@patient_required
def make_code() -> str:
    """A new code, shown in the answer and never again."""
    patient = current_patient()
    with transaction(patient_id=patient.id):
        code = openings.issue_code(patient_id=patient.id, by=current_actor())
    return render_template(
        "dmp_core/pro/code.html",
        patient=patient,
        code=f"{code[:4]} {code[4:]}",
        minutes=int(CODE_LASTS.total_seconds() // 60),
        hours=int(CODE_OPENS.total_seconds() // 3600),
        late_at=clock.now() + CODE_LASTS,
    )


def load_panel(*, patient_id: UUID, by: object) -> Mapping[str, Any]:
    """How many professionals read the record, for the page of settings."""
    return {"count": len({one.professional.id for one in queries.list_agreements(patient_id) if one.is_live})}


def _agree(patient_id: UUID, form: Mapping[str, str]) -> None:
    """Open the record, or close it for good, as the form says. Raises `Invalid` on what no page offers."""
    by, professional_id = current_actor(), _uuid(form.get("professional", ""))
    if form.get("act") == "bloquer":
        agreements.block_professional(patient_id=patient_id, professional_id=professional_id, by=by)
    elif form.get("mode") == Mode.TREATING_DOCTOR:
        agreements.declare_treating_doctor(patient_id=patient_id, professional_id=professional_id, by=by)
    else:
        agreements.admit_to_team(
            patient_id=patient_id, professional_id=professional_id, until=_day(form.get("until", "")), by=by
        )


def _adding(form: Mapping[str, str], errors: Mapping[str, str]) -> str:
    name = form.get("name", "")
    with transaction():
        found = identity.search_professionals(name) if name and "name" not in errors else []
    return render_template(
        "dmp_core/pro/add.html",
        patient=current_patient(),
        form=form,
        searched=bool(name) and "name" not in errors,
        people=[{"value": one.id, "label": f"{one.display_name}, {words.profession(one)}"} for one in found],
        until=form.get("until") or f"{clock.today() + _USUAL_TEAM}",
        errors=errors,
    )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("Choose a professional.", code="unknown-professional") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("This is no day.", code="invalid-agreement") from None
