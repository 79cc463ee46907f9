"""What the reviewers ask the publisher, and the answers."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core.database import transaction
from platform_core.errors import DomainError, NotFound
from platform_core.renderers import status_of
from store.pages import forms
from store.pages.evidence.refusals import say_errors
from store.pages.publisher import attachments
from store.pages.publisher import desk as desks
from store.queries.questions import QuestionView, list_questions
from store.queries.submissions import SubmissionView, get_own_submission
from store.rules import dossier, grid
from store.service import questions
from store.workflow import QuestionState, editable_sections

blueprint = Blueprint("own_questions", __name__, template_folder="../../templates")
attachments.accept(blueprint)

Answer = str | Response | tuple[str, int]


@blueprint.get("/editeur/applications/<uuid:application_id>/questions")
@agent_required("publisher")
def list_all(application_id: UUID) -> str:
    with transaction():
        file = get_own_submission(application_id, by=current_actor())
        asked, files = list_questions(file.id), attachments.list_files()
    return render_template(
        "store/publisher/questions.html",
        file=file,
        tab="questions",
        groups={state: [one for one in asked if one.state is state] for state in QuestionState},
        subjects={one.id: say_subject(file, one) for one in asked},
        links=_links(file, asked),
        files=files,
        reopened=_reopened(file),
    )


@blueprint.get("/editeur/applications/<uuid:application_id>/questions/<uuid:question_id>")
@agent_required("publisher")
def show(application_id: UUID, question_id: UUID) -> str:
    return _page(application_id, question_id)


@blueprint.post("/editeur/applications/<uuid:application_id>/questions/<uuid:question_id>")
@agent_required("publisher")
def answer(application_id: UUID, question_id: UUID) -> Answer:
    text = request.form.get("text", "").replace("\r\n", "\n")
    try:
        with attachments.received() as upload, transaction():
            by = current_actor()
            _find(get_own_submission(application_id, by=by), question_id)
            joined = attachments.join(upload, by=by)
            questions.answer(question_id=question_id, text=text, evidence_ids=joined, by=by)
    except DomainError as refused:
        if status_of(refused) not in attachments.REFUSALS:
            raise
        errors = say_errors(refused) or {"text": _say(refused)}
        return _page(application_id, question_id, text, errors), status_of(refused)
    flash(gettext("Votre réponse est transmise à l’instruction."), "success")
    return redirect(url_for("own_questions.list_all", application_id=application_id), 303)


def _say(refused: DomainError) -> str:
    if refused.code == "transition-refused":
        return str(gettext("Cette question n’attend plus de réponse : quelqu’un y a répondu, ou elle est close."))
    return forms.say_refusal(refused)


def _page(application_id: UUID, question_id: UUID, text: str = "", errors: Mapping[str, str] | None = None) -> str:
    with transaction():
        file = get_own_submission(application_id, by=current_actor())
        question, files = _find(file, question_id), attachments.list_files()
    return render_template(
        "store/publisher/question.html",
        file=file,
        tab="questions",
        question=question,
        subject=say_subject(file, question),
        link=_links(file, [question]).get(question.id),
        files=files,
        chosen=attachments.chosen(),
        text=text,
        sent=attachments.describe(_asked_kind(file, question)),
        errors=errors or {},
    )


def _asked_kind(file: SubmissionView, question: QuestionView) -> str:
    """The kind of evidence that the criterion of a question asks for first."""
    return grid.load(file.grid_version).get(question.criterion).evidence[0] if question.criterion else ""


def _find(file: SubmissionView, question_id: UUID) -> QuestionView:
    for one in list_questions(file.id):
        if one.id == question_id:
            return one
    raise NotFound("This question does not exist.")


def say_subject(file: SubmissionView, question: QuestionView) -> str:
    """The part of the dossier that a question is about, in words."""
    if question.criterion:
        return f"{question.criterion} : {gettext(grid.load(file.grid_version).get(question.criterion).title)}"
    return str(gettext(dossier.SECTIONS[question.section or ""]["title"]))


def _links(file: SubmissionView, asked: Sequence[QuestionView]) -> Mapping[UUID, str]:
    """For the questions on a part that may be changed now, the address of that part."""
    open_parts = editable_sections(file.state, flagged=file.flagged, sections=dossier.SECTIONS)
    return {
        one.id: part_url(file, one.criterion or one.section or "")
        for one in asked
        if {one.criterion, one.section} & open_parts or (one.criterion and "criteria" in open_parts)
    }


def _reopened(file: SubmissionView) -> list[tuple[str, str]]:
    """The parts of the dossier sent back for correction: what each is called, where it is."""
    if not file.flagged or not editable_sections(file.state, flagged=file.flagged, sections=()):
        return []
    return [(say_part(file, part), part_url(file, part)) for part in file.flagged]


def say_part(file: SubmissionView, part: str) -> str:
    """A section or a criterion of the dossier in words."""
    if part in dossier.SECTIONS:
        return str(gettext(dossier.SECTIONS[part]["title"]))
    return f"{part} : {gettext(grid.load(file.grid_version).get(part).title)}"


def part_url(file: SubmissionView, part: str) -> str:
    """The page where a section or a criterion of the dossier is written."""
    if part in dossier.SECTIONS:
        return desks.section_url(file.application_id, part)
    used = grid.load(file.grid_version)
    family = used.families[used.get(part).family].slug
    return f"{desks.section_url(file.application_id, 'criteria', family)}#{part}-level"
