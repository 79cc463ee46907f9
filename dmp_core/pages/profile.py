"""Pages of the health profile: one subject a page, then all of it to check, print, save and carry abroad."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import format_date, gettext
from werkzeug.wrappers import Response as AnyResponse

from dmp_core.fhir.entries import own_resource
from dmp_core.fhir.profile import read_told
from dmp_core.fhir.summary import Person
from dmp_core.models.entries import EntryRow
from dmp_core.pages import steps as words
from dmp_core.pages.provenance import is_own, told_by
from dmp_core.queries.profile import Answer, find_answer, list_answers
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.profile.steps import STEPS, Step
from dmp_core.rules.profile.told import Told
from dmp_core.service.entries.typed import get_typed_entry
from dmp_core.service.profile import saving, summing, telling
from dmp_core.service.profile.printing import Part
from identity_core.queries import PatientView
from identity_core.rules import Power
from identity_core.sessions import current_actor, current_patient, helper_allowed, patient_required
from platform_core import clock
from platform_core.access import Actor, ActorKind
from platform_core.database import transaction
from platform_core.errors import Conflict, Invalid, NotFound
from platform_core.fhir import wire

blueprint = Blueprint("profile", __name__, template_folder="../templates", url_prefix="/espace/dossier/profil")

_FIELDS = ("label", "choice", "detail", "since")


@blueprint.get("")
@helper_allowed(Power.RECORD, families=("profile",))
def show_profile() -> str:
    """The whole profile, to be checked, with what is left to tell."""
    return _profile("dmp_core/profile.html")


@blueprint.get("/imprimer")
@helper_allowed(Power.RECORD, families=("profile",))
def print_profile() -> str:
    return _profile("dmp_core/profile_print.html")


@blueprint.post("")
@patient_required
def save_profile() -> AnyResponse:
    """File what was told by hand as a document of the record."""
    patient, by = current_patient(), current_actor()
    with transaction(patient_id=patient.id):
        answers = list_answers(patient_id=patient.id, viewer=Viewer.of(by))
        document_id = saving.save_profile(
            patient_id=patient.id,
            title=gettext("Profil médical de %(name)s", name=patient.display_name),
            head=_head(patient),
            parts=[_part(answer) for answer in answers],
            by=by,
        )
    flash(gettext("Le profil est enregistré parmi les documents."), "success")
    return redirect(url_for("documents.show_document", document_id=document_id), 303)


@blueprint.get("/resume.json")
@patient_required
def download_summary() -> Response:
    """The International Patient Summary, as FHIR."""
    patient, by = current_patient(), current_actor()
    person = Person(patient.id, patient.family_name, patient.given_name, patient.birth_date, patient.sex)
    with transaction(patient_id=patient.id):
        text = wire.write(summing.write_patient_summary(person=person, by=by))
    headers = {"Content-Disposition": 'attachment; filename="resume-de-sante.json"'}
    return Response(text, content_type="application/fhir+json", headers=headers)


@blueprint.get("/<name>")
@helper_allowed(Power.RECORD, families=("profile",))
def show_step(name: str) -> str:
    return _step_page(_step(name), Told(), {})


@blueprint.post("/<name>")
@patient_required
def tell(name: str) -> AnyResponse | tuple[str, int]:
    """Add something, or say that there is nothing or that one does not know."""
    step, patient, by = _step(name), current_patient(), current_actor()
    if (said := request.form.get("absence")) in {"none", "unknown"}:
        try:
            with transaction(patient_id=patient.id):
                telling.tell_absence(patient_id=patient.id, step=step, known=said == "none", by=by)
        except Conflict:
            flash(gettext("Ce dossier contient déjà quelque chose ici : retirez-le d’abord."), "warning")
            return redirect(url_for(".show_step", name=name), 303)
        return redirect(_next_url(step), 303)
    told = _told()
    try:
        with transaction(patient_id=patient.id):
            telling.tell(patient_id=patient.id, born=patient.birth_date, step=step, told=told, by=by)
    except Invalid as error:
        return _step_page(step, told, words.errors(error)), 422
    flash(gettext("C’est ajouté au profil."), "success")
    return redirect(url_for(".show_step", name=name), 303)


@blueprint.get("/<name>/<uuid:entry_id>")
@patient_required
def show_entry(name: str, entry_id: UUID) -> str:
    step, patient = _step(name), current_patient()
    with transaction(patient_id=patient.id):
        row = get_typed_entry(patient_id=patient.id, kind=step.kind, entry_id=entry_id)
    return _entry_page(step, entry_id, read_told(step, own_resource(row, patient.id)), {})


@blueprint.post("/<name>/<uuid:entry_id>")
@patient_required
def change_entry(name: str, entry_id: UUID) -> AnyResponse | tuple[str, int]:
    """Correct what was told, or take it back."""
    step, patient, by, told = _step(name), current_patient(), current_actor(), _told()
    try:
        with transaction(patient_id=patient.id):
            if request.form.get("act") == "retirer":
                telling.take_back_told(patient_id=patient.id, step=step, entry_id=entry_id, by=by)
                flash(gettext("C’est retiré du profil."), "success")
            else:
                telling.change_told(
                    patient_id=patient.id, born=patient.birth_date, step=step, entry_id=entry_id, told=told, by=by
                )
                flash(gettext("C’est corrigé."), "success")
    except Invalid as error:
        return _entry_page(step, entry_id, told, words.errors(error)), 422
    return redirect(url_for(".show_step", name=name), 303)


def load_panel(*, by: Actor, patient_id: UUID) -> Mapping[str, Any] | None:
    """How much of the profile is told, for the page of the record."""
    if not by.reaches("profile"):
        return None
    answers = list_answers(patient_id=patient_id, viewer=Viewer.of(by))
    rows = sorted((row for one in answers for row in one.rows), key=lambda row: row.updated_at, reverse=True)
    given = sum(one.is_given for one in answers)
    return {"given": given, "total": len(answers), "count": len(rows), "newest": rows[0] if rows else None}


def _profile(template: str) -> str:
    patient, by = current_patient(), current_actor()
    with transaction(patient_id=patient.id):
        answers = list_answers(patient_id=patient.id, viewer=Viewer.of(by))
    return render_template(
        template,
        patient=patient,
        answers=[
            (words.words(answer.step), answer, [_line(answer.step, row) for row in answer.rows]) for answer in answers
        ],
        given=sum(answer.is_given for answer in answers),
        left=next((answer.step.name for answer in answers if not answer.is_given), None),
        today=clock.today(),
        writes=by.kind is not ActorKind.HELPER,
    )


def _step_page(step: Step, told: Told, errors: Mapping[str, str]) -> str:
    patient, by = current_patient(), current_actor()
    writes = by.kind is not ActorKind.HELPER
    with transaction(patient_id=patient.id):
        answer = find_answer(patient_id=patient.id, viewer=Viewer.of(by), step=step)
    names = list(STEPS)
    return render_template(
        "dmp_core/profile_step.html",
        patient=patient,
        step=step,
        words=words.words(step),
        number=names.index(step.name) + 1,
        total=len(names),
        answer=answer,
        lines=[(_line(step, row), row, told_by(row), writes and is_own(row)) for row in answer.rows],
        told=told,
        errors=errors,
        following=_next_url(step),
        writes=writes,
    )


def _entry_page(step: Step, entry_id: UUID, told: Told, errors: Mapping[str, str]) -> str:
    return render_template(
        "dmp_core/profile_entry.html",
        patient=current_patient(),
        step=step,
        words=words.words(step),
        entry_id=entry_id,
        told=told,
        errors=errors,
    )


def _part(answer: Answer) -> Part:
    """What the document says of a step: what was told by hand, never what was read in a document that may be hidden."""
    lines = [_line(answer.step, row) for row in answer.rows if is_own(row)]
    if not lines:
        lines = [answer.absence.text if answer.absence else gettext("Rien n’a été dit.")]
    return Part(words.words(answer.step).title, lines)


def _line(step: Step, row: EntryRow) -> str:
    return words.line(step, read_told(step, own_resource(row, current_patient().id)), row.label)


def _head(patient: PatientView) -> list[str]:
    born = format_date(patient.birth_date, "long")
    by = gettext("Rempli le %(day)s par %(name)s.", day=format_date(clock.today(), "long"), name=current_actor().name)
    return [gettext("Né(e) le %(day)s", day=born), by, gettext("Ces réponses n’ont pas été vérifiées par un médecin.")]


def _told() -> Told:
    return Told.read(**{name: request.form.get(name, "") for name in _FIELDS})


def _next_url(step: Step) -> str:
    names = list(STEPS)
    following = names[names.index(step.name) + 1 :][:1]
    return url_for(".show_step", name=following[0]) if following else url_for(".show_profile")


def _step(name: str) -> Step:
    step = STEPS.get(name)
    if step is None:
        raise NotFound("There is no such step of the profile.")
    return step
