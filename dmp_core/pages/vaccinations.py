"""Pages of vaccinations: where the person stands in the calendar, what was given, adding one by hand."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from dmp_core.pages.provenance import day_of, is_own, told_by
from dmp_core.queries.entries import count_with_newest
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.entries.kinds import VACCINATIONS
from dmp_core.rules.vaccinations.calendar import EDITION, SOURCE, TYPED
from dmp_core.rules.vaccinations.standing import State
from dmp_core.service import vaccinations as service
from dmp_core.service.entries.typed import get_typed_entry, remove_typed_entry
from identity_core.rules import Power
from identity_core.sessions import current_actor, current_patient, helper_allowed, patient_required
from platform_core.access import Actor, ActorKind
from platform_core.database import transaction
from platform_core.errors import Invalid

blueprint = Blueprint("vaccinations", __name__, template_folder="../templates")


@blueprint.get("/espace/dossier/vaccinations")
@helper_allowed(Power.RECORD, families=("vaccinations",))
def show_vaccinations() -> str:
    patient, by = current_patient(), current_actor()
    with transaction(patient_id=patient.id):
        rows = service.list_vaccinations(patient_id=patient.id, viewer=Viewer.of(by))
    writes = by.kind is not ActorKind.HELPER
    standing = service.find_standing(born=patient.birth_date, rows=rows)
    return render_template(
        "dmp_core/vaccinations.html",
        patient=patient,
        rows=[(row, told_by(row), writes and is_own(row)) for row in rows],
        late=[one.target.label for one in standing if one.state is State.LATE],
        due=[one.target.label for one in standing if one.state is State.DUE],
        standing=[one for one in standing if one.state is not State.NOT_CONCERNED],
        others=[one.target.label for one in standing if one.state is State.NOT_CONCERNED],
        states=_state_names(),
        source=f"{SOURCE}, {EDITION}",
        writes=writes,
    )


@blueprint.get("/espace/dossier/vaccinations/ajouter")
@patient_required
def show_adding() -> str:
    return _form({}, {})


@blueprint.post("/espace/dossier/vaccinations/ajouter")
@patient_required
def add_vaccination() -> Response | tuple[str, int]:
    patient, form = current_patient(), request.form
    try:
        with transaction(patient_id=patient.id):
            service.type_vaccination(
                patient_id=patient.id,
                born=patient.birth_date,
                vaccine=form.get("vaccine", ""),
                given_on=day_of(form.get("date", "")),
                product=form.get("product", ""),
                lot=form.get("lot", ""),
                by=current_actor(),
            )
    except Invalid as error:
        return _form(form, {fault.where: _error(fault.where) for fault in error.faults}), 422
    flash(gettext("La vaccination est ajoutée."), "success")
    return redirect(url_for(".show_vaccinations"), 303)


@blueprint.get("/espace/dossier/vaccinations/<uuid:entry_id>/retirer")
@patient_required
def show_removing(entry_id: UUID) -> str:
    patient = current_patient()
    with transaction(patient_id=patient.id):
        row = get_typed_entry(patient_id=patient.id, kind=VACCINATIONS, entry_id=entry_id)
    return render_template("dmp_core/remove_vaccination.html", patient=patient, row=row)


@blueprint.post("/espace/dossier/vaccinations/<uuid:entry_id>/retirer")
@patient_required
def remove_vaccination(entry_id: UUID) -> Response:
    patient = current_patient()
    with transaction(patient_id=patient.id):
        remove_typed_entry(patient_id=patient.id, kind=VACCINATIONS, entry_id=entry_id, by=current_actor())
    flash(gettext("La vaccination est retirée."), "success")
    return redirect(url_for(".show_vaccinations"), 303)


def load_panel(*, by: Actor, patient_id: UUID) -> Mapping[str, Any] | None:
    """How many vaccinations there are and the newest, for the page of the record."""
    if not by.reaches(VACCINATIONS.category):
        return None
    count, newest = count_with_newest(patient_id=patient_id, viewer=Viewer.of(by), category=VACCINATIONS.category)
    return {"count": count, "newest": newest}


def _form(texts: Mapping[str, str], errors: Mapping[str, str]) -> str:
    vaccines = [(one.code, one.label) for one in TYPED.values()]
    return render_template(
        "dmp_core/add_vaccination.html", patient=current_patient(), texts=texts, errors=errors, vaccines=vaccines
    )


def _error(field: str) -> str:
    return {
        "vaccine": gettext("Choisissez un vaccin."),
        "date": gettext("Indiquez le jour, entre la naissance et aujourd’hui."),
    }.get(field) or gettext("Écrivez 80 caractères au plus.")


def _state_names() -> dict[State, tuple[str, str]]:
    """The word and the colour of each state."""
    return {
        State.LATE: (gettext("En retard"), "danger"),
        State.DUE: (gettext("À faire"), "warning"),
        State.UPCOMING: (gettext("À venir"), "info"),
        State.DONE: (gettext("À jour"), "success"),
    }
