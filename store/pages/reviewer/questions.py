"""Questions to the publisher, who reads them at once, and internal notes, which they never read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core.access import Actor
from platform_core.database import transaction
from platform_core.errors import DomainError, Invalid, VersionMismatch
from platform_core.renderers import status_of
from store.errors import TransitionRefused
from store.pages import forms
from store.pages.reviewer import wording
from store.pages.reviewer.conflicts import show_conflict
from store.pages.reviewer.desk import open_desk
from store.rules import dossier
from store.rules.messages import Use
from store.service import questions

blueprint = Blueprint("inquiries", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int]
_ACTS: Mapping[str, Callable[[UUID, str, Actor], None]] = {
    "rouvrir": lambda one, text, by: questions.reopen(question_id=one, text=text, by=by),
    "clore": lambda one, text, by: questions.close(question_id=one, by=by),
}


@dataclass(frozen=True, slots=True)
class Typed:
    """A question as it was typed. `target` is the id of a criterion or the code of a section, `sent` the number of the
    version of the dossier that was read."""

    target: str = ""
    text: str = ""
    due_on: str = ""
    sent: str = ""


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/questions")
@agent_required("reviewer", "decider", "commission")
def list_questions(submission_id: UUID) -> str:
    desk = open_desk(submission_id)
    files = {one.id: one for found in desk.evidence.values() for one in found}
    return render_template(
        "store/reviewer/questions.html",
        tab="questions",
        desk=desk,
        file=desk.file,
        files=files,
        parts=_parts(),
        reviews="reviewer" in current_actor().roles,
    )


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/questions/nouvelle")
@agent_required("reviewer")
def new_question(submission_id: UUID) -> str:
    return _form(submission_id, Typed(target=request.args.get("sur", "")))


@blueprint.post("/instruction/dossiers/<uuid:submission_id>/questions")
@agent_required("reviewer")
def ask(submission_id: UUID) -> Answer:
    read, sent = request.form, request.form.get("sent", "")
    typed = Typed(read.get("target", ""), wording.typed("text"), read.get("due_on", ""), sent)
    try:
        day = wording.typed_day("due_on")
        if wording.wants("insert"):
            return _form(submission_id, typed, inserts=True, day=day)
        with transaction():
            section = typed.target if typed.target in dossier.SECTIONS else None
            questions.ask(
                submission_id=submission_id,
                text=typed.text,
                section=section,
                criterion=None if section else typed.target or None,
                due_on=day,
                sent=int(sent) if wording.NUMBER.fullmatch(sent) else None,
                by=current_actor(),
            )
    except VersionMismatch:
        return _form(submission_id, typed, conflict=True), 409
    except TransitionRefused:
        return show_conflict(submission_id, act="question:poser", text=typed.text)
    except ValueError:
        return _form(submission_id, typed, gettext("La date n’est pas lisible.")), 422
    except DomainError as refused:
        if status_of(refused) not in {409, 422}:
            raise
        return _form(submission_id, typed, forms.say_refusal(refused)), status_of(refused)
    flash(gettext("La question est posée : l’éditeur en est averti."), "success")
    return redirect(_back(submission_id, typed.target), 303)


@blueprint.post("/instruction/dossiers/<uuid:submission_id>/questions/<uuid:question_id>/<slug>")
@agent_required("reviewer")
def act(submission_id: UUID, question_id: UUID, slug: str) -> Answer:
    perform, text = _ACTS.get(slug) or abort(404), wording.typed("text")
    try:
        with transaction():
            perform(question_id, text, current_actor())
        flash(gettext("C’est fait."), "success")
    except TransitionRefused:
        return show_conflict(submission_id, act=f"question:{slug}", text=text)
    except Invalid as refused:
        flash(forms.say_refusal(refused), "danger")
    return redirect(url_for("inquiries.list_questions", submission_id=submission_id), 303)


@blueprint.post("/instruction/dossiers/<uuid:submission_id>/notes")
@agent_required("reviewer", "decider", "commission")
def write_note(submission_id: UUID) -> Response:
    criterion = request.form.get("criterion", "")
    try:
        with transaction():
            questions.write_note(
                submission_id=submission_id, text=wording.typed("note"), criterion=criterion or None, by=current_actor()
            )
        flash(gettext("Note interne enregistrée. L’éditeur ne la verra pas."), "success")
    except Invalid as refused:
        flash(forms.say_refusal(refused), "danger")
    return redirect(_back(submission_id, criterion), 303)


def _back(submission_id: UUID, target: str) -> str:
    """To the criterion that was written about, else to the questions."""
    if target and target not in dossier.SECTIONS:
        return url_for("criteria.show_criterion", submission_id=submission_id, criterion=target)
    return url_for("inquiries.list_questions", submission_id=submission_id)


def _form(
    submission_id: UUID,
    typed: Typed,
    error: str = "",
    *,
    inserts: bool = False,
    day: date | None = None,
    conflict: bool = False,
) -> str:
    """The form of a question. In a conflict it shows what the publisher sent meanwhile beside what was typed, and
    carries the number of the version shown, so that asking again is a choice."""
    desk = open_desk(submission_id)
    if inserts:
        text = wording.inserted(typed.text, desk.file, criterion=typed.target, day=day)
        typed = replace(typed, text=text)
    return render_template(
        "store/reviewer/question.html",
        tab="questions",
        file=desk.file,
        typed=typed,
        error=error,
        conflict=conflict,
        version=desk.sent,
        sent=typed.sent if typed.sent and not conflict else desk.sent.number,
        changes=desk.changes_of(typed.target),
        parts=_parts(),
        templates=wording.offered(Use.QUESTION),
    )


def _parts() -> Mapping[str, str]:
    """The sections of the dossier that a question may be about."""
    return {code: gettext(s["title"]) for code, s in dossier.SECTIONS.items() if code != "criteria"}
