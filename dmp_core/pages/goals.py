"""The page of a goal: what a person aims at for one kind of measure, set, changed or taken away."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from dmp_core.categories import KINDS, Kind
from dmp_core.pages.courses import words_of
from dmp_core.queries.goals import find_goal
from dmp_core.rules.goals import Bounds, Goal
from dmp_core.rules.references import find_reference
from dmp_core.schemas import read_number
from dmp_core.service import goals as service
from identity_core.queries import PatientView
from identity_core.sessions import current_actor, current_patient, patient_required
from platform_core import clock
from platform_core.database import transaction
from platform_core.errors import Invalid, NotFound

blueprint = Blueprint("goals", __name__, template_folder="../templates")

_REMOVE = "supprimer"


@blueprint.get("/espace/mesures/<name>/objectif")
@patient_required
def show_goal(name: str) -> str:
    kind, patient = kind_of(name), current_patient()
    with transaction(patient_id=patient.id):
        goal = find_goal(patient_id=patient.id, kind=name, on=clock.today())
    return _form(patient, kind, goal, typed_of(goal), {})


@blueprint.post("/espace/mesures/<name>/objectif")
@patient_required
def change_goal(name: str) -> Response | tuple[str, int]:
    """Set the goal of a kind, or take it away."""
    kind, patient, by = kind_of(name), current_patient(), current_actor()
    if request.form.get("act") == _REMOVE:
        with transaction(patient_id=patient.id):
            service.drop_goal(patient_id=patient.id, kind=kind, by=by)
        flash(gettext("L’objectif est supprimé."), "success")
        return redirect(url_for("dmp.show_measures", name=name), 303)
    aim, errors = read_aim(request.form, kind)
    if not errors:
        try:
            with transaction(patient_id=patient.id):
                service.set_goal(patient_id=patient.id, kind=kind, by=by, **aim)
        except Invalid as error:
            errors = in_words(error)
    if errors:
        return _form(patient, kind, None, request.form, errors), 422
    flash(gettext("L’objectif est enregistré."), "success")
    return redirect(url_for("dmp.show_measures", name=name), 303)


def kind_of(name: str) -> Kind:
    """Raises `NotFound`."""
    kind = KINDS.get(name)
    if kind is None:
        raise NotFound(f"There is no measure {name!r}.")
    return kind


def typed_of(goal: Goal | None) -> dict[str, str]:
    """A goal as its form shows it."""
    if goal is None:
        return {}
    shown = {"until": goal.until.isoformat() if goal.until else ""}
    for bounds, suffix in zip(goal.parts, ("", "2"), strict=False):
        shown |= {f"low{suffix}": _text(bounds.low), f"high{suffix}": _text(bounds.high)}
    return shown


def fields_of(kind: Kind) -> list[tuple[str, str]]:
    """The fields of the bounds of a kind, with their labels."""
    unit = kind.shown_unit
    if not kind.components:
        return [
            ("low", gettext("Au moins, en %(unit)s", unit=unit)),
            ("high", gettext("Au plus, en %(unit)s", unit=unit)),
        ]
    return [
        ("low", gettext("Valeur haute : au moins, en %(unit)s", unit=unit)),
        ("high", gettext("Valeur haute : au plus, en %(unit)s", unit=unit)),
        ("low2", gettext("Valeur basse : au moins, en %(unit)s", unit=unit)),
        ("high2", gettext("Valeur basse : au plus, en %(unit)s", unit=unit)),
    ]


def _form(
    patient: PatientView, kind: Kind, goal: Goal | None, typed: Mapping[str, str], errors: Mapping[str, str]
) -> str:
    reference = find_reference(kind.name, born=patient.birth_date, sex=patient.sex, on=clock.today())
    return render_template(
        "dmp_core/goal.html",
        patient=patient,
        kind=kind,
        goal=goal,
        fields=fields_of(kind),
        typed=typed,
        errors=errors,
        reference=reference,
        reference_text=words_of(kind, reference.parts) if reference else "",
    )


def read_aim(form: Mapping[str, str], kind: Kind) -> tuple[dict[str, Any], dict[str, str]]:
    """The bounds and the last day that a form holds, as `set_goal` takes them; errors by field."""
    errors: dict[str, str] = {}
    numbers: dict[str, Decimal | None] = {}
    for name, _ in fields_of(kind):
        typed = form.get(name, "").strip()
        numbers[name] = read_number(typed)
        if typed and numbers[name] is None:
            errors[name] = gettext("Écrivez un nombre, par exemple 72,5.")
    until = None
    try:
        until = date.fromisoformat(form["until"]) if form.get("until") else None
    except ValueError:
        errors["until"] = gettext("Écrivez une date, ou laissez vide.")
    return {"parts": tuple(_parts(numbers, kind)), "until": until}, errors


def in_words(error: Invalid) -> dict[str, str]:
    """Why a goal is refused, by field."""
    return {fault.where: _said(fault.where, fault.code) for fault in error.faults}


def _parts(numbers: Mapping[str, Decimal | None], kind: Kind) -> Iterator[Bounds]:
    for suffix in ("", "2") if kind.components else ("",):
        yield Bounds(numbers.get(f"low{suffix}"), numbers.get(f"high{suffix}"))


def _said(field: str, code: str) -> str:
    if code == "required":
        return gettext("Donnez au moins une limite.")
    if field == "until":
        return gettext("La date est passée.")
    if field.startswith("high"):
        return gettext("Donnez une limite vraisemblable, qui ne soit pas sous l’autre.")
    return gettext("Donnez une limite vraisemblable.")


def _text(value: Decimal | None) -> str:
    return "" if value is None else f"{value:f}".replace(".", ",")
