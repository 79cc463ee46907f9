"""The page where a professional sets a goal for a kind of measure."""

from collections.abc import Mapping
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from dmp_core.categories import Kind
from dmp_core.pages.goals import fields_of, in_words, kind_of, read_aim, typed_of
from dmp_core.pages.professionals.records import reading
from dmp_core.queries.goals import find_goal
from dmp_core.service.professionals import goals as service
from dmp_core.service.professionals import records
from dmp_core.service.professionals.records import Opening
from identity_core.sessions import professional_required
from platform_core import clock
from platform_core.errors import Invalid
from platform_core.web import request_id

blueprint = Blueprint("professional_goals", __name__, template_folder="../../templates")

_PATH = "/pro/patients/<uuid:patient_id>/mesures/<name>/objectif"


@blueprint.get(_PATH)
@professional_required
def show_goal(patient_id: UUID, name: str) -> str:
    kind = kind_of(name)
    with reading(patient_id) as opening:
        service.check_may_set_goal(opening, kind)
        goal = find_goal(patient_id=patient_id, kind=name, on=clock.today())
        if goal:
            records.note_reading(opening, {kind.category: 1}, resource="Goal", request_id=request_id())
    return _form(opening, kind, typed_of(goal), {})


@blueprint.post(_PATH)
@professional_required
def set_goal(patient_id: UUID, name: str) -> Response | tuple[str, int]:
    kind = kind_of(name)
    aim, errors = read_aim(request.form, kind)
    with reading(patient_id) as opening:
        service.check_may_set_goal(opening, kind)
        if not errors:
            try:
                service.set_goal(opening, kind=kind, request_id=request_id(), **aim)
            except Invalid as error:
                errors = in_words(error)
    if errors:
        return _form(opening, kind, request.form, errors), 422
    flash(gettext("L’objectif est enregistré : la personne le voit dans son espace et peut le changer."), "success")
    return redirect(url_for("professional_records.show_measures", patient_id=patient_id, name=name), 303)


def _form(opening: Opening, kind: Kind, typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    return render_template(
        "dmp_core/pro/goal.html", opening=opening, kind=kind, fields=fields_of(kind), typed=typed, errors=errors
    )
