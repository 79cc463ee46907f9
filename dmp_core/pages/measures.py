"""Pages of the record: the latest measures, the course of each kind, adding one by hand."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, stream_with_context, url_for
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from dmp_core.categories import BMI, DOCUMENT_TYPES, KINDS, Kind
from dmp_core.pages.courses import Asked, tell_course
from dmp_core.pages.spreadsheets import stream
from dmp_core.queries import points as queries
from dmp_core.queries.documents import list_latest_documents
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.schemas import TypedMeasure, read_typed, value_fields
from dmp_core.service import contributions
from dmp_core.service import typed as service
from identity_core.rules import Power
from identity_core.sessions import current_actor, current_patient, helper_allowed, patient_required
from platform_core import clock
from platform_core.access import Actor, ActorKind
from platform_core.clock import PARIS
from platform_core.database import transaction
from platform_core.errors import Invalid, NotFound
from platform_core.navigation import Area, panels

blueprint = Blueprint("dmp", __name__, template_folder="../templates")

_PANEL_MEASURES = 4


@blueprint.get("/espace/dossier")
@helper_allowed(Power.RECORD)
def show_record() -> str:
    patient, by = current_patient(), current_actor()
    with transaction(patient_id=patient.id):
        latest = queries.list_latest(patient_id=patient.id) if by.reaches("measures") else None
        documents = (
            list_latest_documents(patient_id=patient.id, viewer=Viewer.of(by)) if by.reaches("documents") else None
        )
        blocks = panels(Area.PATIENT, "record", by=by, patient_id=patient.id)
    return render_template(
        "dmp_core/record.html",
        patient=patient,
        points=latest,
        documents=documents,
        types=DOCUMENT_TYPES,
        blocks=[Markup(render_template(template, **context)) for template, context in blocks],  # noqa: S704 - our own
        kinds=_typed_kinds() if _writes() else [],
    )


@blueprint.get("/espace/mesures/<name>")
@helper_allowed(Power.RECORD, families=("measures",))
def show_measures(name: str) -> str:
    kind, patient, asked = _kind(name), current_patient(), Asked.of(request.args)
    with transaction(patient_id=patient.id):
        told = tell_course(patient, kind, asked, here=partial(_here, kind, asked))
    return render_template(
        "dmp_core/measures.html",
        patient=patient,
        can_add=kind.name != BMI and _writes(),
        opens=_writes(),
        **told,
    )


@blueprint.get("/espace/mesures/<name>/valeurs.csv")
@helper_allowed(Power.RECORD, families=("measures",))
def export_measures(name: str) -> Response:
    """Every value of the period as a spreadsheet reads it in French, none merged."""
    kind, patient, asked = _kind(name), current_patient(), Asked.of(request.args)
    return Response(
        stream_with_context(stream(patient.id, kind, asked.span)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{kind.name}.csv"'},
    )


@blueprint.get("/espace/mesures/<name>/<uuid:measure_id>")
@patient_required
def show_measure(name: str, measure_id: UUID) -> str:
    """One measure, and what other rooms let the patient do with it."""
    kind, patient = _kind(name), current_patient()
    with transaction(patient_id=patient.id):
        point = queries.get_point(patient_id=patient.id, kind=kind.name, measure_id=measure_id)
        about = {"patient_id": patient.id, "category": kind.category, "resource_id": measure_id}
        found = panels(Area.PATIENT, "resource", by=current_actor(), **about)
        blocks = [Markup(render_template(template, **context)) for template, context in found]  # noqa: S704 - our own
    return render_template("dmp_core/measure.html", patient=patient, point=point, blocks=blocks)


@blueprint.post("/espace/mesures/<name>/<uuid:measure_id>")
@patient_required
def unhide_measure(name: str, measure_id: UUID) -> Response:
    patient = current_patient()
    with transaction(patient_id=patient.id):
        contributions.show_measure(patient_id=patient.id, measure_id=measure_id, by=current_actor())
    flash(gettext("La mesure n’est plus masquée."), "success")
    return redirect(url_for(".show_measure", name=name, measure_id=measure_id), 303)


def _writes() -> bool:
    """A helper reads the record and adds nothing to it."""
    return current_actor().kind is not ActorKind.HELPER


@blueprint.get("/espace/mesures/<name>/ajouter")
@patient_required
def show_typing(name: str) -> str:
    kind = service.get_typed_kind(name)
    now = clock.now().astimezone(PARIS)
    return _form(kind, TypedMeasure({"date": f"{now:%Y-%m-%d}", "time": f"{now:%H:%M}"}))


@blueprint.post("/espace/mesures/<name>/ajouter")
@patient_required
def type_measure(name: str) -> Response | tuple[str, int]:
    kind = service.get_typed_kind(name)
    typed = read_typed(request.form, kind, service.circumstances(kind))
    plausible = True if typed.errors else _store(kind, typed)
    if typed.errors:
        return _form(kind, typed), 422
    if plausible:
        flash(gettext("La mesure est ajoutée."), "success")
    else:
        flash(gettext("La mesure est ajoutée. Sa valeur est inhabituelle : vérifiez-la."), "warning")
    return redirect(url_for(".show_measures", name=kind.name), 303)


def load_panel(*, by: Actor, patient_id: UUID) -> Mapping[str, Any] | None:
    """The latest measures, for the home page of the space; nothing while there are none."""
    found = queries.list_latest(patient_id=patient_id)
    newest = sorted(found, key=lambda point: point.effective_at, reverse=True)[:_PANEL_MEASURES]
    return {"points": newest} if newest else None


def _store(kind: Kind, typed: TypedMeasure) -> bool:
    """Store what was typed; what is refused becomes an error of its field."""
    patient, by = current_patient(), current_actor()
    assert typed.at is not None
    try:
        with transaction(patient_id=patient.id):
            return service.type_measure(
                patient_id=patient.id,
                kind=kind,
                values=typed.values,
                at=typed.at,
                circumstance=typed.circumstance,
                by=by,
            )
    except Invalid as error:
        if error.code != "future-measure":
            raise
        typed.errors["date"] = gettext("La mesure ne peut pas être dans le futur.")
        return False


def _form(kind: Kind, typed: TypedMeasure) -> str:
    labels = {
        "value": gettext("Valeur en %(unit)s", unit=kind.shown_unit),
        "systolic": gettext("Valeur haute en %(unit)s", unit=kind.shown_unit),
        "diastolic": gettext("Valeur basse en %(unit)s", unit=kind.shown_unit),
    }
    choices = [{"value": code, "label": label} for (_, code), label in service.circumstances(kind).items()]
    return render_template(
        "dmp_core/add_measure.html",
        patient=current_patient(),
        kind=kind,
        typed=typed,
        fields=[(name, labels[name]) for name in value_fields(kind)],
        choices=choices,
        legend=gettext("Moment de la mesure") if kind.moment == "required" else gettext("Durée de la mesure"),
    )


def _here(kind: Kind, asked: Asked, **changes: Any) -> str:
    return url_for(".show_measures", name=kind.name, **asked.choices(**changes))


def _typed_kinds() -> list[Kind]:
    return [kind for kind in KINDS.values() if kind.name != BMI]


def _kind(name: str) -> Kind:
    kind = KINDS.get(name)
    if kind is None:
        raise NotFound(f"There is no measure {name!r}.")
    return kind
