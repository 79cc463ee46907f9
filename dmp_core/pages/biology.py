"""Results of biology: the latest of each examination in words, and the course of one over the years."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, render_template
from flask_babel import format_date, gettext

from dmp_core.models.entries import EntryRow
from dmp_core.pages.spreadsheets import inert
from dmp_core.queries.entries import count_with_newest, list_entries
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.entries.kinds import RESULTS
from dmp_core.rules.results import Course, Flag, Move, flag_of, gather, unit_in_words
from identity_core.rules import Power
from identity_core.sessions import current_actor, current_patient, helper_allowed
from platform_core import charts
from platform_core.access import Actor
from platform_core.clock import PARIS
from platform_core.database import transaction
from platform_core.errors import NotFound
from platform_core.fhir import wire
from platform_core.french import number_in_words

blueprint = Blueprint("biology", __name__, template_folder="../templates")

_MOST = 5000


@blueprint.get("/espace/dossier/resultats")
@helper_allowed(Power.RECORD, families=("results",))
def show_results() -> str:
    """The latest result of each examination."""
    return render_template(
        "dmp_core/results.html",
        patient=current_patient(),
        courses=_courses(),
        value=told,
        usual=usual,
        unit=unit,
        flag=_flag,
        move=_move,
    )


@blueprint.get("/espace/dossier/resultats/<uuid:entry_id>")
@helper_allowed(Power.RECORD, families=("results",))
def show_course(entry_id: UUID) -> str:
    """All the results of one examination. It is named by one of its results: its code in the address would tell."""
    course = _course(entry_id)
    series = charts.Series(gettext("Résultats"), [_reading(row) for row in reversed(course.numbers)])
    return render_template(
        "dmp_core/result_course.html",
        patient=current_patient(),
        course=course,
        chart=charts.line_chart([series], bands=_bands(course.latest)) if len(series.readings) > 1 else None,
        value=told,
        usual=usual,
        unit=unit,
        flag=_flag,
        move=_move,
    )


@blueprint.get("/espace/dossier/resultats/<uuid:entry_id>/valeurs.csv")
@helper_allowed(Power.RECORD, families=("results",))
def export_course(entry_id: UUID) -> Response:
    """The same as a spreadsheet reads it in French: semicolons, decimal commas, a byte order mark."""
    course, text = _course(entry_id), io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow([gettext("Date"), gettext("Examen"), gettext("Résultat"), gettext("Unité"), *_bounds(), "Par"])
    writer.writerows(_cells(course))
    return Response(
        text.getvalue().encode("utf-8-sig"),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="resultats.csv"'},
    )


def load_panel(*, by: Actor, patient_id: UUID) -> Mapping[str, Any] | None:
    """How many results there are and the newest, for the page of the record."""
    if not by.reaches(RESULTS.category):
        return None
    count, newest = count_with_newest(patient_id=patient_id, viewer=Viewer.of(by), category=RESULTS.category)
    return {"count": count, "newest": newest}


def told(row: EntryRow) -> str:
    """A result in words: a number with its unit, or what the laboratory wrote."""
    if row.value is not None:
        return f"{number_in_words(row.value)} {unit(row)}".strip()
    body = wire.read(row.body.encode())
    coded = body.get("valueCodeableConcept", {})
    labels = (one.get("display") for one in coded.get("coding", ()))
    found = (body.get("valueString"), coded.get("text"), *labels)
    return next((str(words) for words in found if words), gettext("Voir le document"))


def unit(row: EntryRow) -> str:
    """A unit as people write it: « µg/L », « mUI/L »."""
    return unit_in_words(row.unit)


def usual(row: EntryRow) -> str:
    """The usual values that the laboratory printed beside the result."""
    low, high = (None if side is None else number_in_words(side) for side in (row.low, row.high))
    if low and high:
        return gettext("%(low)s à %(high)s %(unit)s", low=low, high=high, unit=unit(row))
    if low:
        return gettext("au moins %(low)s %(unit)s", low=low, unit=unit(row))
    return gettext("au plus %(high)s %(unit)s", high=high, unit=unit(row)) if high else gettext("Non indiquées")


def _courses() -> Sequence[Course[EntryRow]]:
    patient, viewer = current_patient(), Viewer.of(current_actor())
    with transaction(patient_id=patient.id):
        return gather(list_entries(patient_id=patient.id, viewer=viewer, categories=[RESULTS.category], limit=_MOST))


def _course(entry_id: UUID) -> Course[EntryRow]:
    found = next((one for one in _courses() if any(row.id == entry_id for row in one.results)), None)
    if found is None:
        raise NotFound("There is no such result in the record.")
    return found


def _reading(row: EntryRow) -> charts.Reading:
    at = format_date(row.effective_at.astimezone(PARIS), "long")
    return charts.Reading(row.effective_at, float(row.value or 0), f"{at} : {told(row)}")


def _bands(row: EntryRow) -> list[charts.Band]:
    """The usual values of the last result, behind the course."""
    low, high = (None if side is None else float(side) for side in (row.low, row.high))
    return [] if low is None and high is None else [charts.Band(gettext("Habituel"), low, high)]


def _cells(course: Course[EntryRow]) -> Iterator[list[str]]:
    for row in course.results:
        result = inert(told(row)) if row.value is None else _number(row.value)
        day = row.effective_at.astimezone(PARIS).date().isoformat()
        bounds = (_number(row.low), _number(row.high))
        yield [day, inert(row.label), result, inert(row.unit), *bounds, inert(row.author_name)]


def _bounds() -> list[str]:
    return [gettext("Valeur habituelle basse"), gettext("Valeur habituelle haute")]


def _number(value: object) -> str:
    return "" if value is None else f"{value:f}".replace(".", ",")


def _flag(row: EntryRow) -> tuple[str, str]:
    """Where a value stands in words, and the colour that underlines it."""
    return {
        Flag.LOW: (gettext("Sous l’intervalle"), "warning"),
        Flag.HIGH: (gettext("Au-dessus de l’intervalle"), "warning"),
        Flag.ABNORMAL: (gettext("Signalé par le laboratoire"), "warning"),
        Flag.WITHIN: (gettext("Dans l’intervalle"), "success"),
        Flag.UNSAID: ("", "neutral"),
    }[flag_of(row)]


def _move(course: Course[EntryRow]) -> str:
    """How the last value compares with the one before, in words."""
    words = {
        Move.FIRST: gettext("Premier résultat"),
        Move.UP: gettext("Plus haut que le précédent"),
        Move.DOWN: gettext("Plus bas que le précédent"),
        Move.SAME: gettext("Comme le précédent"),
    }
    return words[course.move] if course.move else ""
