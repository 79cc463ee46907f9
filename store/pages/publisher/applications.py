"""The publisher's applications: where each stands, who may apply, a new one, the hub of its dossier."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core import clock
from platform_core.database import transaction
from platform_core.errors import DomainError, Fault, Invalid
from platform_core.navigation import Area, panels
from platform_core.renderers import status_of
from store.pages import forms
from store.pages.publisher import desk as desks
from store.pages.publisher.desk import Desk
from store.queries import queue
from store.queries.history import list_history
from store.queries.listings import ListingView, find_listing
from store.queries.questions import list_questions
from store.rules import dossier, orientation, sections
from store.rules.next_step import ACTS, NextStep, Standing, next_step
from store.rules.sections import SectionStatus
from store.service import dossiers
from store.workflow import EDITABLE, QuestionState, SubmissionKind

blueprint = Blueprint("dossiers", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int]


@blueprint.get("/editeur/applications")
@agent_required("publisher")
def list_applications() -> str:
    with transaction():
        rows = queue.list_applications(by=current_actor())
    cards = [(row, _next(row)) for row in rows]
    acting = [(row, step) for row, step in cards if step in ACTS]
    waiting = [(row, step) for row, step in cards if step not in ACTS]
    return render_template("store/publisher/list.html", groups=[acting, waiting])


def _next(row: queue.Row) -> NextStep:
    return next_step(Standing(row.state, row.waiting_on, row.listing_state, row.expires_on), clock.today())


@blueprint.get("/editeur/applications/eligibilite")
@agent_required("publisher")
def show_eligibility() -> str:
    return _eligibility({})


@blueprint.post("/editeur/applications/eligibilite")
@agent_required("publisher")
def check_eligibility() -> Answer:
    answers = forms.read(orientation.SCHEMA, request.form, orientation.ELIGIBILITY)
    missing = [question for question in orientation.ELIGIBILITY if question not in answers]
    if missing:
        faults = [Fault(f"orientation.{question}", "is missing", "required") for question in missing]
        return _eligibility(answers, faults), 422
    return render_template(
        "store/publisher/eligible.html",
        obstacles=orientation.list_obstacles(answers),
        answers=answers,
        fields=forms.fields_of(orientation.SCHEMA, answers, only=orientation.ELIGIBILITY),
        name="",
        error="",
        forms=forms,
    )


def _eligibility(answers: dict[str, Any], faults: Sequence[Fault] = ()) -> str:
    fields = forms.fields_of(orientation.SCHEMA, answers, faults, orientation.ELIGIBILITY)
    return render_template("store/publisher/eligibility.html", fields=fields)


@blueprint.get("/editeur/applications/nouvelle")
@agent_required("publisher")
def show_new_application() -> str:
    return render_template("store/publisher/new.html", name="", error="", answers={})


@blueprint.post("/editeur/applications/nouvelle")
@agent_required("publisher")
def create_application() -> Answer:
    """Create it with the answers given on the page of eligibility, if any."""
    name, by = request.form.get("name", "").strip(), current_actor()
    answers = forms.read(orientation.SCHEMA, request.form, orientation.ELIGIBILITY)
    try:
        with transaction():
            application_id = dossiers.create_application(name=name, orientation=answers, by=by)
    except Invalid as refused:
        error = forms.say_fault(refused.faults[0])
        return render_template("store/publisher/new.html", name=name, error=error, answers=answers), 422
    return redirect(desks.hub_url(application_id), 303)


@blueprint.get("/editeur/applications/<uuid:application_id>")
@agent_required("publisher")
def show_application(application_id: UUID) -> str:
    by, desk = current_actor(), desks.open_desk(application_id)
    with transaction():
        listing = find_listing(application_id)
        history = list_history(application_id)
        asked = list_questions(desk.file.id)
        found = panels(Area.PUBLISHER, "application", by=by, application_id=application_id)
        blocks = [Markup(render_template(template, **context)) for template, context in found]  # noqa: S704 - our own
    statuses = sections.list_statuses(desk.file.dossier, desk.grid, desk.review, desk.shown)
    return render_template(
        "store/publisher/application.html",
        file=desk.file,
        listing=listing,
        questions=sum(one.state is QuestionState.OPEN for one in asked),
        blocks=blocks,
        motives={entry.verb: entry.motive for entry in reversed(history)},
        groups=_tasks(desk, statuses),
        progress=_progress(statuses),
        next_step=_step_of(desk, listing),
        editable=desk.file.state in EDITABLE,
    )


def _step_of(desk: Desk, listing: ListingView | None) -> NextStep:
    file = desk.file
    state, expires_on = (listing.state, listing.expires_on) if listing else (None, None)
    return next_step(Standing(file.state, file.waiting_on, state, expires_on), clock.today())


def _tasks(desk: Desk, statuses: Mapping[str, SectionStatus]) -> list[tuple[str, list[dict[str, str]]]]:
    """The sections of the dossier with their status, group by group."""
    return [
        (gettext(group["title"]), [_task(desk, section, statuses[section]) for section in group["sections"]])
        for group in dossier.SCHEMA["x-groups"]
    ]


def _task(desk: Desk, section: str, status: SectionStatus) -> dict[str, str]:
    label, kind = say_status(status)
    url = desks.section_url(desk.file.application_id, section)
    return {
        "label": gettext(dossier.SECTIONS[section]["title"]),
        "href": "" if status is SectionStatus.NOT_APPLICABLE else url,
        "status": label,
        "kind": kind,
    }


def say_status(status: SectionStatus) -> tuple[str, str]:
    """A status in words, and the kind of its tag."""
    return {
        SectionStatus.EMPTY: (gettext("Pas commencé"), "neutral"),
        SectionStatus.STARTED: (gettext("En cours"), "info"),
        SectionStatus.COMPLETE: (gettext("Terminé"), "success"),
        SectionStatus.TO_CORRECT: (gettext("À corriger"), "warning"),
        SectionStatus.VALIDATED: (gettext("Validé"), "success"),
        SectionStatus.NOT_APPLICABLE: (gettext("Sans objet"), "neutral"),
    }[status]


def _progress(statuses: Mapping[str, SectionStatus]) -> tuple[int, int]:
    """How many sections are finished, among those that concern the service."""
    concerned = [status for status in statuses.values() if status is not SectionStatus.NOT_APPLICABLE]
    return sum(status in {SectionStatus.COMPLETE, SectionStatus.VALIDATED} for status in concerned), len(concerned)


@blueprint.post("/editeur/applications/<uuid:application_id>/reouverture")
@agent_required("publisher")
def open_submission(application_id: UUID) -> Response:
    asked = request.form.get("kind", "")
    kind = SubmissionKind(asked) if asked in set(SubmissionKind) else None
    try:
        with transaction():
            dossiers.open_submission(application_id=application_id, kind=kind, by=current_actor())
        flash(gettext("Un nouveau dossier est ouvert, rempli avec les réponses du précédent."), "success")
    except DomainError as refused:
        if status_of(refused) != 409:
            raise
        flash(forms.say_refusal(refused), "warning")
    return redirect(desks.hub_url(application_id), 303)
