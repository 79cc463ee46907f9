"""The question of an app: the screen, the confirmation, what became of it. Nothing changes by a GET."""

from datetime import date
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from consent import queries
from consent.pages import words
from consent.pages.explained import explain_refusals
from consent.pages.screen import build_screen, first_answers, read_answers
from consent.rules import answers as rules
from consent.rules import choices, texts
from consent.rules.answers import Answers
from consent.rules.calendar import paris_day
from consent.service import requests
from consent.service.requests import RequestView
from consent.workflow import Answer, RequestStatus
from identity_core.sessions import browser_key, current_actor, current_patient, current_patient_id, patient_required
from platform_core.database import transaction
from platform_core.errors import Forbidden, Invalid
from store.errors import PilotClosed
from store.queries.listings import find_listing

blueprint = Blueprint(
    "consent_question", __name__, url_prefix="/consentement/<uuid:request_id>", template_folder="../templates"
)
explain_refusals(blueprint)


@blueprint.get("")
@patient_required
def show_question(request_id: UUID) -> Response | str:
    """The screen; answered already, what became of it. A pilot first asks in which region the person lives."""
    with transaction(patient_id=current_patient_id()):
        asked = _get(request_id)
        if asked.status is not RequestStatus.REQUESTED:
            return redirect(url_for(".show_outcome", request_id=request_id), 303)
        try:
            requests.check_answerable(asked, patient_id=current_patient_id())
        except PilotClosed as closed:
            if closed.code != "pilot-region-needed":
                raise
            return redirect(url_for("residence.show_region", suite=request.path), 303)
        return _render_screen(asked, _present_answers(asked))


@blueprint.post("")
@patient_required
def answer_question(request_id: UUID) -> Response | tuple[str, int]:
    """« Autoriser » keeps the choice until it is confirmed; refusing and postponing need no confirmation."""
    decision = request.form.get("decision", "")
    if decision in {Answer.REFUSE, Answer.POSTPONE}:
        _decide(request_id, Answer(decision))
        return redirect(url_for(".show_outcome", request_id=request_id), 303)
    given = read_answers(request.form)
    with transaction(patient_id=current_patient_id()):
        asked = _get(request_id)
        try:
            _choose(asked, given)
        except Invalid as error:
            return _render_screen(asked, given, [("items", _what_is_wrong(error))]), 422
    return redirect(url_for(".show_confirmation", request_id=request_id), 303)


@blueprint.get("/confirmation")
@patient_required
def show_confirmation(request_id: UUID) -> Response | str:
    """« Vérifiez votre choix »: what will be granted, before it is."""
    with transaction(patient_id=current_patient_id()):
        asked = _get(request_id)
        if asked.status is not RequestStatus.REQUESTED:
            return redirect(url_for(".show_outcome", request_id=request_id), 303)
        if asked.choice is None or asked.patient_id != current_patient_id():
            return redirect(url_for(".show_question", request_id=request_id), 303)
        live = queries.find_live(current_patient_id(), asked.app_id)
    return render_template(
        "consent/confirm.html",
        asked=asked,
        chosen=asked.choice,
        live=live,
        kept=choices.without(live.permissions, asked.choice.items) if live and asked.merges else [],
        shown=texts.load(),
        patient_name=current_patient().display_name,
        words=words,
    )


@blueprint.post("/confirmation")
@patient_required
def confirm_choice(request_id: UUID) -> Response:
    """Grant what the page showed: a choice changed since in another window is shown again."""
    with transaction(patient_id=current_patient_id()):
        asked = _get(request_id)
    if asked.choice and request.form.get("choice", asked.choice.mark) != asked.choice.mark:
        flash(gettext("Ce choix a changé dans une autre fenêtre : vérifiez-le de nouveau."), "warning")
        return redirect(url_for(".show_confirmation", request_id=request_id), 303)
    _decide(request_id, Answer.GRANT)
    return redirect(url_for(".show_outcome", request_id=request_id), 303)


@blueprint.get("/resultat")
@patient_required
def show_outcome(request_id: UUID) -> Response | str:
    """What became of the request, and the way back to the app."""
    with transaction(patient_id=current_patient_id()):
        asked = _get(request_id)
    if asked.status is RequestStatus.REQUESTED:
        return redirect(url_for(".show_question", request_id=request_id), 303)
    return render_template(
        "consent/outcome.html", asked=asked, shown=texts.load(), patient_name=current_patient().display_name
    )


def _get(request_id: UUID) -> RequestView:
    """The request of this browser, unless somebody else began to answer it there. Raises `NotFound`, `Forbidden`."""
    asked = requests.get_request(request_id=request_id, browser_key=browser_key())
    if asked.patient_id not in {None, current_patient_id()}:
        raise Forbidden("This request is being answered for another record.", code="other-patient")
    return asked


def _decide(request_id: UUID, decision: Answer) -> None:
    with transaction(patient_id=current_patient_id()):
        requests.decide_request(
            request_id=request_id,
            patient_id=current_patient_id(),
            decision=decision,
            by=current_actor(),
            browser_key=browser_key(),
        )


def _choose(asked: RequestView, given: Answers) -> None:
    requests.choose(
        request_id=asked.id,
        browser_key=browser_key(),
        patient_id=current_patient_id(),
        items=rules.to_items(given, asked.items, _today(asked)),
        valid_until=rules.to_last_day(given, asked.valid_until),
    )


def _present_answers(asked: RequestView) -> Answers:
    """The choice not confirmed yet, else a screen with nothing ticked."""
    if asked.choice and asked.patient_id == current_patient_id():
        return rules.from_items(asked.choice.items, asked.choice.valid_until, asked.items, _today(asked))
    return first_answers(asked.items, asked.valid_until, _today(asked))


def _render_screen(asked: RequestView, given: Answers, errors: list[tuple[str, str]] | None = None) -> str:
    live = queries.find_live(current_patient_id(), asked.app_id)
    granted = [rules.item_value(item) for item in live.permissions] if live else []
    screen = build_screen(
        asked=asked.items,
        until=asked.valid_until,
        today=_today(asked),
        answers=given,
        app_name=asked.app_name,
        ceiling=asked.ceiling,
        granted=granted,
    )
    return render_template(
        "consent/screen.html",
        asked=asked,
        screen=screen,
        live=live,
        others=choices.without(live.permissions, asked.items) if live else [],
        words=words,
        listing=find_listing(asked.application_id) if asked.application_id else None,
        shown=texts.load(),
        patient_name=current_patient().display_name,
        actor=current_actor(),
        errors=errors or [],
    )


def _today(asked: RequestView) -> date:
    return paris_day(queries.consent_time(client_pk=asked.client_pk, patient_id=current_patient_id()))


def _what_is_wrong(error: Invalid) -> str:
    if error.code == "nothing-chosen":
        return gettext("Cochez au moins une donnée, ou choisissez « Refuser »")
    return gettext("Ce choix dépasse ce que l’application demande : choisissez parmi ce qui est proposé")
