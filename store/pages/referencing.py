"""What everybody may read of the referencing: how it works, its delays, the grid of criteria, the convention."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from flask import Blueprint, Response, abort, render_template, request
from flask_babel import gettext

from platform_core.french import typeset
from platform_core.web import public
from store.pages import forms
from store.pages.claims import say_answer
from store.rules import convention, course, grid, orientation
from store.rules.procedure import PROCEDURE

blueprint = Blueprint("referencing", __name__, template_folder="../templates")


@blueprint.get("/referencement")
@public("the procedure is public")
def explain() -> str:
    return render_template(
        "store/referencing/explain.html",
        steps=course.STEPS,
        afterwards=course.AFTERWARDS,
        appeals=course.APPEALS,
        procedure=PROCEDURE,
    )


@blueprint.get("/referencement/grille")
@public("the grid of criteria is public")
def show_present_grid() -> str:
    return _grid_page(PROCEDURE["grid"])


@blueprint.get("/referencement/grille/<version>")
@public("the grid of criteria is public")
def show_grid(version: str) -> str:
    return _grid_page(_known(version))


@blueprint.get("/referencement/grille/<version>.json")
@public("the grid of criteria is open data")
def download_grid(version: str) -> Response:
    """The data file itself, as the platform reads it."""
    content = files("store").joinpath(f"data/grid-{_known(version)}.json").read_bytes()
    response = Response(content, mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="grille-{version}.json"'
    response.add_etag()
    response.make_conditional(request)
    return response


@blueprint.get("/referencement/convention")
@public("the text of the convention is public")
def show_convention() -> str:
    return render_template("store/referencing/convention.html", text=convention.present())


def _grid_page(version: str) -> str:
    used = grid.load(version)
    return render_template(
        "store/referencing/grid.html",
        grid=used,
        versions=grid.list_versions(),
        present=PROCEDURE["grid"],
        families=[
            (family, [one for one in used.criteria.values() if one.family == family.code])
            for family in used.families.values()
        ],
        say_condition=say_condition,
        say_evidence=forms.say_evidence,
    )


def _known(version: str) -> str:
    if version not in grid.list_versions():
        abort(404)
    return version


def say_condition(criterion: grid.Criterion) -> str:
    """Which services a criterion concerns, in words: the answers to the orientation that make it apply."""
    return typeset(gettext(" ; ou ").join(_say_alternative(one) for one in criterion.applies_when))


def _say_alternative(alternative: Mapping[str, Sequence[Any]]) -> str:
    return gettext(" et ").join(
        gettext(
            "« %(question)s » : %(answers)s",
            question=gettext(orientation.QUESTIONS[question]["title"]),
            answers=gettext(" ou ").join(say_answer(orientation.Reason(question, one)) for one in accepted),
        )
        for question, accepted in alternative.items()
    )
