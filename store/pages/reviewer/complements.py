"""Asking the publisher for complements: what to reopen, why, until when; read again as they will read it; sent."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core import clock
from platform_core.database import transaction
from platform_core.errors import DomainError
from platform_core.renderers import status_of
from store.errors import TransitionRefused
from store.pages import forms
from store.pages.reviewer import previews, wording
from store.pages.reviewer.conflicts import show_conflict
from store.pages.reviewer.desk import Desk, dossier_url, open_desk
from store.rules import dossier
from store.rules.grid import Verdict
from store.rules.messages import Use
from store.rules.procedure import PROCEDURE
from store.service import reviews
from store.workflow import SubmissionVerb

blueprint = Blueprint("complements", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be reopened, codes of sections and ids of criteria, and why."""

    flagged: tuple[str, ...]
    motive: str = ""


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/complements")
@agent_required("reviewer")
def prepare(submission_id: UUID) -> str:
    """The form, the criteria that need something checked in advance."""
    desk = open_desk(submission_id)
    needs = {Verdict.NOT_CONFORMING, Verdict.TO_CLARIFY}
    return _form(desk, Asked(tuple(one.id for one in desk.criteria if desk.found.get(one.id) in needs)))


@blueprint.post("/instruction/dossiers/<uuid:submission_id>/complements")
@agent_required("reviewer")
def request_complements(submission_id: UUID) -> Answer:
    asked = Asked(tuple(request.form.getlist("flagged")), wording.typed("motive"))
    desk = open_desk(submission_id)
    if wording.wants("insert"):
        day = clock.today() + timedelta(days=PROCEDURE["delays_days"]["complements"])
        return _form(desk, Asked(asked.flagged, wording.inserted(asked.motive, desk.file, day=day)))
    if wording.wants("correct"):
        return _form(desk, asked)
    if wording.wants("preview") and asked.motive and (asked.flagged or desk.waiting_questions):
        return _preview(desk, asked)
    try:
        with transaction():
            reviews.request_complements(
                submission_id=submission_id, motive=asked.motive, flagged=asked.flagged, by=current_actor()
            )
    except TransitionRefused:
        return show_conflict(submission_id, act=SubmissionVerb.REQUEST_COMPLEMENTS, text=asked.motive)
    except DomainError as refused:
        if status_of(refused) not in {409, 422}:
            raise
        return _form(desk, asked, forms.say_refusal(refused)), status_of(refused)
    flash(gettext("La demande est envoyée : l’éditeur en est averti."), "success")
    return redirect(dossier_url(submission_id), 303)


def _form(desk: Desk, asked: Asked, error: str = "") -> str:
    sections = [
        {"value": code, "label": gettext(schema["title"])}
        for code, schema in dossier.SECTIONS.items()
        if code != "criteria" and dossier.section_applies(desk.answers, code)
    ]
    families = [
        (gettext(family.label), [_option(desk, one.id) for one in desk.criteria if one.family == family.code])
        for family in desk.grid.families.values()
    ]
    return render_template(
        "store/reviewer/complements.html",
        tab="summary",
        desk=desk,
        file=desk.file,
        asked=asked,
        error=error,
        sections=sections,
        families=[(label, options) for label, options in families if options],
        parts=_parts(desk),
        days=PROCEDURE["delays_days"]["complements"],
        templates=wording.offered(Use.COMPLEMENTS),
    )


def _option(desk: Desk, criterion: str) -> dict[str, str]:
    return {"value": criterion, "label": f"{criterion} {gettext(desk.grid.get(criterion).title)}"}


def _parts(desk: Desk) -> dict[str, str]:
    """What can be flagged, in words."""
    titles = {code: str(gettext(schema["title"])) for code, schema in dossier.SECTIONS.items()}
    return {**titles, **{one.id: f"{one.id} {gettext(one.title)}" for one in desk.criteria}}


def _preview(desk: Desk, asked: Asked) -> str:
    """The request as the publisher will read it; the targets of the questions still open are reopened with it."""
    targets = {question.criterion or question.section or "" for question in desk.waiting_questions}
    parts = _parts(desk)
    return render_template(
        "store/reviewer/complements_preview.html",
        tab="summary",
        file=desk.file,
        asked=asked,
        reopened=[label for code, label in parts.items() if code in {*asked.flagged, *targets}],
        questions=desk.waiting_questions,
        parts=parts,
        due_on=clock.today() + timedelta(days=PROCEDURE["delays_days"]["complements"]),
        notice=previews.list_notices(SubmissionVerb.REQUEST_COMPLEMENTS, desk),
    )
