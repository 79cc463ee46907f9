"""Changing an authorization: narrower at once; wider or longer by a fresh decision, on the screen of every decision."""

from datetime import datetime
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from consent import queries
from consent.pages.permissions.dashboard import blueprint
from consent.pages.screen import build_screen, read_answers
from consent.queries import ConsentState
from consent.rules import answers as rules
from consent.rules import texts
from consent.rules.answers import Answers
from consent.rules.calendar import paris_day
from consent.service import granting, renewals
from identity_core.sessions import current_actor, current_patient_id, permissions_required
from platform_core.database import transaction
from platform_core.errors import Invalid, NotFound


@blueprint.get("/<uuid:grant_id>/modification")
@permissions_required
def show_modification(grant_id: UUID) -> str:
    """What is granted, ready to be narrowed."""
    with transaction(patient_id=current_patient_id()):
        state = get_live(grant_id)
        present = Answers(
            ticked=frozenset(rules.item_value(item) for item in state.permissions),
            until=state.valid_until.isoformat(),
        )
        return _render(state, present)


@blueprint.post("/<uuid:grant_id>/modification")
@permissions_required
def modify_application(grant_id: UUID) -> Response | tuple[str, int]:
    given = read_answers(request.form)
    with transaction(patient_id=current_patient_id()):
        state = get_live(grant_id)
        try:
            granting.amend_consent(
                patient_id=current_patient_id(),
                grant_id=grant_id,
                items=rules.to_items(given, state.permissions, paris_day(_now(state))),
                valid_until=rules.to_last_day(given, state.valid_until),
                by=current_actor(),
            )
        except Invalid as error:
            return _render(state, given, [("items", _what_is_wrong(error))]), 422
    flash(gettext("Votre nouveau choix vaut dès maintenant."), "success")
    return redirect(url_for(".show_application", grant_id=grant_id), 303)


@blueprint.post("/<uuid:grant_id>/demande")
@permissions_required
def ask_again(grant_id: UUID) -> Response:
    """Put the question anew, to renew or to widen: nothing changes until it is answered."""
    wider = request.form.get("act") == "widen"
    with transaction(patient_id=current_patient_id()):
        request_id = renewals.open_renewal(
            patient_id=current_patient_id(), grant_id=grant_id, wider=wider, by=current_actor()
        )
    return redirect(url_for("consent_question.show_question", request_id=request_id), 303)


def get_live(grant_id: UUID) -> ConsentState:
    """A live consent of the present patient. Raises `NotFound`."""
    state = queries.get_state(current_patient_id(), grant_id)
    if not state.is_live:
        raise NotFound("This consent has ended.")
    return state


def _render(state: ConsentState, given: Answers, errors: list[tuple[str, str]] | None = None) -> str:
    screen = build_screen(
        asked=state.permissions,
        until=state.valid_until,
        today=paris_day(_now(state)),
        answers=given,
        app_name=state.app_name,
        keep=True,
    )
    return render_template("consent/modify.html", state=state, screen=screen, shown=texts.load(), errors=errors or [])


def _now(state: ConsentState) -> datetime:
    return queries.consent_time(client_pk=state.client_pk, patient_id=state.patient_id)


def _what_is_wrong(error: Invalid) -> str:
    if error.code == "nothing-chosen":
        return gettext("Gardez au moins une donnée. Pour tout arrêter, choisissez « Révoquer »")
    return gettext("Une autorisation se réduit ici ; pour l’élargir, choisissez « Autoriser davantage »")
