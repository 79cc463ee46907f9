"""How a professional comes to a record: the patients who agreed, a code, an emergency; filing without reading."""

import io
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from dmp_core.categories import FACILITIES
from dmp_core.pages import words as document_words
from dmp_core.pages.professionals import words
from dmp_core.pages.professionals.records import reading
from dmp_core.queries import professionals as queries
from dmp_core.service.documents.contents import MOST
from dmp_core.service.professionals import openings, writing
from dmp_core.service.professionals.agreements import professional_of
from identity_core.queries import PatientView
from identity_core.sessions import current_actor, professional_required
from platform_core import clock
from platform_core.access import Actor
from platform_core.database import transaction
from platform_core.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    TooLarge,
    TooManyRequests,
    UnsupportedType,
)
from platform_core.web import rate_limit, request_id

blueprint = Blueprint("professional_entries", __name__, template_folder="../../templates")

Answer = Response | tuple[str, int]


@blueprint.get("/pro/code")
@professional_required
def show_code() -> str:
    return render_template("dmp_core/pro/enter_code.html", form={}, errors={})


@blueprint.post("/pro/code")
@rate_limit("10 per minute")
@professional_required
def enter_code() -> Answer:
    """Open the record of the person who gave a code."""
    by, code, errors = current_actor(), request.form.get("code", ""), {}
    try:
        with transaction():
            patient_id = openings.find_patient_of_code(code=code, birth_date=_day("birth_date"), by=by)
        if patient_id is not None:
            with transaction(patient_id=patient_id):
                openings.use_code(patient_id=patient_id, code=code, by=by)
            return redirect(url_for("professional_records.show_record", patient_id=patient_id), 303)
        errors["code"] = gettext("Ce code et cette date de naissance n’ouvrent aucun dossier. Demandez un autre code.")
    except TooManyRequests as error:
        errors = words.refusal(error)
    except (Conflict, Forbidden):
        errors["code"] = gettext("Ce code et cette date de naissance n’ouvrent aucun dossier. Demandez un autre code.")
    return render_template("dmp_core/pro/enter_code.html", form=request.form, errors=errors), 422


@blueprint.get("/pro/urgence")
@professional_required
def show_emergency() -> str:
    return render_template("dmp_core/pro/emergency.html", form={}, errors={})


@blueprint.post("/pro/urgence")
@rate_limit("10 per minute")
@professional_required
def open_in_emergency() -> Answer:
    """Open the record of somebody in danger who cannot answer: with a motive, and the patient is told."""
    by = current_actor()

    def act(patient: PatientView) -> Response:
        with transaction(patient_id=patient.id):
            openings.break_glass(patient_id=patient.id, motive=request.form.get("motive", ""), by=by)
        return redirect(url_for("professional_records.show_record", patient_id=patient.id), 303)

    if request.form.get("danger") != "oui":
        errors = {"danger": gettext("Cochez pour confirmer : l’urgence seule permet cet accès.")}
    else:
        answer = _for_identified(by, act)
        if isinstance(answer, Response):
            return answer
        errors = answer
    return render_template("dmp_core/pro/emergency.html", form=request.form, errors=errors), 422


@blueprint.get("/pro/deposer")
@professional_required
def show_filing() -> str:
    return _filing_page(None, {})


@blueprint.post("/pro/deposer")
@rate_limit("20 per minute")
@professional_required
def file_document() -> Answer:
    """File a document into the record of somebody named by their matricule, without reading it."""
    by = current_actor()

    def act(patient: PatientView) -> Response:
        _write(patient.id, by)
        flash(gettext("Le document est déposé dans le dossier de cette personne."), "success")
        return redirect(url_for(".show_filing"), 303)

    answer = _for_identified(by, act)
    return answer if isinstance(answer, Response) else (_filing_page(None, answer), 422)


@blueprint.get("/pro/patients/<uuid:patient_id>/deposer")
@professional_required
def show_filing_for(patient_id: UUID) -> str:
    with reading(patient_id) as opening:
        patient = opening.patient
    return _filing_page(patient, {})


@blueprint.post("/pro/patients/<uuid:patient_id>/deposer")
@professional_required
def file_document_for(patient_id: UUID) -> Answer:
    """File a document into a record that is open to the professional."""
    with reading(patient_id) as opening:
        patient = opening.patient
    try:
        _write(patient_id, current_actor())
    except (Forbidden, Invalid, UnsupportedType, TooLarge) as error:
        return _filing_page(patient, _errors(error)), 422
    flash(gettext("Le document est déposé."), "success")
    return redirect(url_for("professional_records.show_record", patient_id=patient_id), 303)


def load_panel(*, by: Actor) -> Mapping[str, Any]:
    """The patients whose record is open to the professional."""
    return {"patients": queries.list_patients_of(professional_of(by))}


def _for_identified(by: Actor, act: Callable[[PatientView], Response]) -> Response | dict[str, str]:
    """Do an act for the patient whom the form identifies; the errors of the form when there is none, or it fails."""
    form = request.form
    try:
        with transaction():
            found = openings.identify_patient(
                matricule=form.get("matricule", ""),
                family_name=form.get("family_name", ""),
                birth_date=_day("birth_date"),
                by=by,
            )
        if found is None:
            return {"matricule": gettext("Aucun dossier ouvert ne correspond à ces trois réponses.")}
        return act(found)
    except (Conflict, Forbidden, Invalid, UnsupportedType, TooLarge, TooManyRequests) as error:
        return _errors(error)


def _errors(error: DomainError) -> dict[str, str]:
    if isinstance(error, Conflict):
        return words.opposition()
    if error.code == "invalid-document" and any(fault.where == "place" for fault in error.faults):
        return {"place": gettext("Choisissez votre lieu d’exercice.")}
    if error.code == "invalid-document" or isinstance(error, UnsupportedType | TooLarge) or _is_of_file(error):
        return document_words.errors_of_form(error)
    return words.refusal(error)


def _is_of_file(error: DomainError) -> bool:
    return error.code.startswith(("file-", "pdf-", "text-"))


def _write(patient_id: UUID, by: Actor) -> None:
    """File what the form holds: a file, else the text typed."""
    posted, text = request.files.get("file"), request.form.get("text", "").strip()
    stream, name = io.BytesIO(f"{text}\n".encode()), "note.txt"
    if posted is not None and posted.filename:
        stream, name = posted.stream, posted.filename  # type: ignore[assignment]
    elif not text:
        raise Invalid("Choose a file, or type a text.", code="content-missing")
    filed = writing.Filed(
        title=request.form.get("title", ""),
        type_code=request.form.get("type", ""),
        made_on=_day("date") or clock.today(),
        place=request.form.get("place", ""),
        withheld=request.form.get("withheld") == "oui",
    )
    with transaction(patient_id=patient_id):
        writing.write_into_record(
            patient_id=patient_id, stream=stream, file_name=name, filed=filed, by=by, request_id=request_id()
        )


def _filing_page(patient: PatientView | None, errors: Mapping[str, str]) -> str:
    """The form; without a patient, it asks who they are."""
    with transaction():
        types = writing.written_types(professional_of(current_actor()))
    return render_template(
        "dmp_core/pro/file.html",
        patient=patient,
        form=request.form,
        errors=errors,
        types=types,
        places=[(code, FACILITIES[code].label) for code in writing.PLACES],
        accept=",".join(f".{extension}" for extension in writing.EXTENSIONS),
        most=MOST // 2**20,
        today=f"{clock.today()}",
    )


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        return None
