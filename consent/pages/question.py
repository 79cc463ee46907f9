"""The question of an app: the screen, the confirmation, what became of it. No answer is given by a GET."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from consent import queries
from consent.pages import words
from consent.pages.explained import explain_refusals
from consent.pages.screen import build_screen, first_answers, read_answers
from consent.queries import Choice, ConsentState, RequestView
from consent.rules import answers as rules
from consent.rules import choices, texts
from consent.rules.answers import Answers
from consent.rules.calendar import paris_day
from consent.service import deciders, granting, requests, silences
from consent.workflow import Answer, RequestStatus
from identity_core.sessions import (
    browser_key,
    current_actor,
    current_patient,
    current_patient_id,
    find_proof_url,
    permissions_required,
)
from platform_core.database import transaction
from platform_core.errors import Forbidden, Invalid
from platform_core.permission import PermissionItem
from store.errors import PilotClosed
from store.queries.listings import find_listing

blueprint = Blueprint(
    "consent_question", __name__, url_prefix="/consentement/<uuid:request_id>", template_folder="../templates"
)
explain_refusals(blueprint)


@blueprint.get("")
@permissions_required
def show_question(request_id: UUID) -> Response | str:
    """The screen; answered already, what became of it. A pilot first asks in which region the person lives.

    An app that is kept silent is answered at once for the patient, who decided so before: no answer of theirs is given.
    """
    with transaction(patient_id=current_patient_id()):
        asked = _get(request_id)
        if not asked.is_open or requests.refuse_if_silent(**_names(request_id), by=current_actor()):
            return redirect(url_for(".show_outcome", request_id=request_id), 303)
        try:
            requests.check_answerable(asked, patient_id=current_patient_id())
        except PilotClosed as closed:
            if closed.code != "pilot-region-needed":
                raise
            return redirect(url_for("residence.show_region", suite=request.path), 303)
        return _render_screen(asked)


@blueprint.post("")
@permissions_required
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
@permissions_required
def show_confirmation(request_id: UUID) -> Response | str:
    """« Vérifiez votre choix »: what will be granted, before it is."""
    with transaction(patient_id=current_patient_id()):
        asked = _get(request_id)
        if not asked.is_open:
            return redirect(url_for(".show_outcome", request_id=request_id), 303)
        if asked.choice is None or asked.patient_id != current_patient_id():
            return redirect(url_for(".show_question", request_id=request_id), 303)
        live = queries.find_live(current_patient_id(), asked.app_id)
        before = queries.get_version(live.patient_id, live.grant_id, live.version).snapshot if live else None
    kept = choices.without(live.permissions, asked.choice.items) if live and asked.merges else []
    return render_template(
        "consent/confirm.html",
        asked=asked,
        chosen=asked.choice,
        live=live,
        kept=kept,
        changes=words.changes(before, _told([*kept, *asked.choice.items], asked)) if before else [],
        proof_url=_find_proof_url(asked),
        shown=texts.load(),
        patient_name=current_patient().display_name,
        actor=current_actor(),
        words=words,
    )


@blueprint.post("/confirmation")
@permissions_required
def confirm_choice(request_id: UUID) -> Response:
    """Grant what the page showed and nothing else: a choice changed since in another window is shown again, one that
    was put off there is made anew, and sensitive data wait for a fresh proof of identity."""
    with transaction(patient_id=current_patient_id()):
        asked = _get(request_id)
    if asked.is_open and asked.choice is None:
        return redirect(url_for(".show_question", request_id=request_id), 303)
    if asked.choice and request.form.get("choice", asked.choice.mark) != asked.choice.mark:
        flash(gettext("Ce choix a changé dans une autre fenêtre : vérifiez-le de nouveau."), "warning")
        return redirect(url_for(".show_confirmation", request_id=request_id), 303)
    if asked.is_open and _find_proof_url(asked):
        return redirect(url_for(".show_confirmation", request_id=request_id), 303)
    _decide(request_id, Answer.GRANT, asked.choice)
    return redirect(url_for(".show_outcome", request_id=request_id), 303)


@blueprint.get("/resultat")
@permissions_required
def show_outcome(request_id: UUID) -> Response | str:
    """What became of the request, and the way back to the app."""
    with transaction(patient_id=current_patient_id()):
        asked = _get(request_id)
        silent_until = silences.find_silence(patient_id=current_patient_id(), app_id=asked.app_id)
    if asked.status is RequestStatus.REQUESTED:
        return redirect(url_for(".show_question", request_id=request_id), 303)
    return render_template(
        "consent/outcome.html",
        asked=asked,
        silent_until=silent_until,
        shown=texts.load(),
        patient_name=current_patient().display_name,
    )


@blueprint.post("/silence")
@permissions_required
def lift_silence(request_id: UUID) -> Response:
    """Let the app ask again, from its next request on; it is not told."""
    with transaction(patient_id=current_patient_id()):
        asked = _get(request_id)
        silences.lift_silence(patient_id=current_patient_id(), app_id=asked.app_id, by=current_actor())
    flash(gettext("%(app)s peut de nouveau vous demander un accès.", app=asked.app_name), "success")
    return redirect(url_for(".show_outcome", request_id=request_id), 303)


def _get(request_id: UUID) -> RequestView:
    """The request of this browser, unless somebody else began to answer it there, or a helper may answer nothing of
    it. Raises `NotFound`, `Forbidden`."""
    asked = requests.get_request(**_names(request_id))
    if asked.patient_id not in {None, current_patient_id()}:
        raise Forbidden("This request is being answered for another record.", code="other-patient")
    return deciders.as_put_to(asked, by=current_actor())


def _names(request_id: UUID) -> dict[str, Any]:
    """Which request, in whose hands."""
    return {"request_id": request_id, "browser_key": browser_key(), "patient_id": current_patient_id()}


def _decide(request_id: UUID, decision: Answer, confirmed: Choice | None = None) -> None:
    """Answer, if the question is this person's to answer. Raises as `_get`, and as `requests.decide_request`."""
    with transaction(patient_id=current_patient_id()):
        _get(request_id)
        requests.decide_request(
            **_names(request_id),
            decision=decision,
            items=confirmed.items if confirmed else None,
            valid_until=confirmed.valid_until if confirmed else None,
            by=current_actor(),
        )


def _choose(asked: RequestView, given: Answers) -> None:
    live = queries.find_live(current_patient_id(), asked.app_id)
    requests.choose(
        **_names(asked.id),
        items=rules.to_items(given, asked.items, _today(asked), live.permissions if live else ()),
        valid_until=rules.to_last_day(given, asked.valid_until),
    )


def _find_proof_url(asked: RequestView) -> str | None:
    """Where the person proves who they are before the choice is granted; None when nothing asks for it."""
    if not asked.choice or asked.environment != "production" or not requests.needs_proof(asked.choice.items):
        return None
    return find_proof_url(
        url_for(".show_confirmation", request_id=asked.id), acr=requests.PROOF, within=requests.PROVEN_WITHIN
    )


def _told(items: Sequence[PermissionItem], asked: RequestView) -> dict[str, Any]:
    """What a choice would grant, in the words of a version."""
    assert asked.choice
    return {
        "items": [granting.describe_item(item, "") for item in items],
        "valid_until": asked.choice.valid_until.isoformat(),
    }


def _present_answers(asked: RequestView, live: ConsentState | None) -> Answers:
    """The choice not confirmed yet, else what the patient granted before, else a screen with nothing ticked."""
    today = _today(asked)
    if asked.choice and asked.patient_id == current_patient_id():
        present = live.permissions if live else ()
        return rules.from_items(asked.choice.items, asked.choice.valid_until, asked.items, today, present)
    if live:
        until = choices.present_end(live.valid_until, asked.valid_until, today)
        return rules.from_present(live.permissions, asked.items, until, today)
    return first_answers(asked.items, asked.valid_until, today)


def _render_screen(
    asked: RequestView, given: Answers | None = None, errors: list[tuple[str, str]] | None = None
) -> str:
    live = queries.find_live(current_patient_id(), asked.app_id)
    today = _today(asked)
    screen = build_screen(
        asked=asked.items,
        until=asked.valid_until,
        today=today,
        answers=given or _present_answers(asked, live),
        app_name=asked.app_name,
        ceiling=asked.ceiling,
        present=live.permissions if live else (),
        ends_on=live.valid_until if live else None,
    )
    return render_template(
        "consent/screen.html",
        asked=asked,
        screen=screen,
        live=live,
        renews=live is not None and choices.is_renewal(live.valid_until, asked.valid_until, today),
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
