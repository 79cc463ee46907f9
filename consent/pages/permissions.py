"""The permissions dashboard: every app that has or had access, what it may do, and how to stop it."""

from datetime import datetime, timedelta
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from consent import queries
from consent.pages import words
from consent.pages.explained import explain_refusals
from consent.pages.screen import build_screen, read_answers
from consent.queries import ConsentState
from consent.rules import answers as rules
from consent.rules import texts
from consent.rules.answers import Answers
from consent.rules.calendar import paris_day
from consent.service import granting, lifecycle
from identity_core.sessions import current_actor, current_patient_id, patient_required
from platform_core import clock
from platform_core.database import transaction
from platform_core.errors import Invalid, NotFound
from platform_core.journal import queries as journal
from platform_core.journal.queries import JournalFilter
from store.queries.listings import find_listing

blueprint = Blueprint("permissions", __name__, url_prefix="/espace/applications", template_folder="../templates")
explain_refusals(blueprint)

RECENT = timedelta(days=30)
_ACTS = {
    "pause": lifecycle.pause_consent,
    "resume": lifecycle.resume_consent,
    "synchronise": lifecycle.request_presence_window,
}


@blueprint.get("")
@patient_required
def list_applications() -> str:
    """Every authorization, by filter, with its last access."""
    patient_id, wanted = current_patient_id(), request.args.get("statut", words.ALL)
    with transaction(patient_id=patient_id):
        states = queries.list_states(patient_id)
        refused = queries.list_refused(patient_id)
        accesses = journal.last_served(patient_id, [s.grant_id for s in states], since=clock.now() - RECENT)
        times = {state.grant_id: _now(state) for state in states if state.is_live}
    counts = {value: sum(words.filter_of(state) == value for state in states) for value, _ in words.filters()}
    counts |= {words.ALL: len(states), "refusees": len(refused)}
    return render_template(
        "consent/applications.html",
        states=[state for state in states if wanted in {words.ALL, words.filter_of(state)}],
        refused=refused if wanted in {words.ALL, "refusees"} else [],
        accesses=accesses,
        times=times,
        counts=counts,
        wanted=wanted,
        words=words,
    )


@blueprint.get("/<uuid:grant_id>")
@patient_required
def show_application(grant_id: UUID) -> str:
    """One authorization: what it covers and how much of it was used, its history, its last accesses."""
    patient_id = current_patient_id()
    with transaction(patient_id=patient_id):
        state = queries.get_state(patient_id, grant_id)
        receipts = queries.list_receipts(patient_id, grant_id)
        events = queries.list_events(patient_id, grant_id)
        lines = journal.list_entries(patient_id, JournalFilter(grant_id=grant_id), page=1, size=10)
        listing = find_listing(state.app_id) if state.environment == "production" else None
        now = queries.consent_time(client_pk=state.client_pk, patient_id=patient_id)
    return render_template(
        "consent/application.html",
        state=state,
        receipts=receipts,
        events=events[::-1],
        lines=lines.items,
        listing=listing,
        now=now,
        shown=texts.load(),
        words=words,
    )


@blueprint.post("/<uuid:grant_id>")
@patient_required
def act_on_application(grant_id: UUID) -> Response:
    """Pause, resume, or open a window at once."""
    try:
        act = _ACTS[request.form.get("act", "")]
    except KeyError:
        raise Invalid("This act does not exist.", code="unknown-act") from None
    with transaction(patient_id=current_patient_id()):
        act(patient_id=current_patient_id(), grant_id=grant_id, by=current_actor())
    flash(words.done(request.form["act"]), "success")
    return redirect(url_for(".show_application", grant_id=grant_id), 303)


@blueprint.get("/<uuid:grant_id>/revocation")
@patient_required
def show_revocation(grant_id: UUID) -> str:
    """What revoking does, before it is done."""
    with transaction(patient_id=current_patient_id()):
        state = _live(grant_id)
    return render_template("consent/revoke.html", state=state, words=words)


@blueprint.post("/<uuid:grant_id>/revocation")
@patient_required
def revoke_application(grant_id: UUID) -> Response:
    with transaction(patient_id=current_patient_id()):
        lifecycle.revoke_consent(patient_id=current_patient_id(), grant_id=grant_id, by=current_actor())
    flash(gettext("L’autorisation est révoquée. L’application n’accède plus à vos données."), "success")
    return redirect(url_for(".show_application", grant_id=grant_id), 303)


@blueprint.get("/<uuid:grant_id>/modification")
@patient_required
def show_modification(grant_id: UUID) -> str:
    """What is granted, ready to be narrowed."""
    with transaction(patient_id=current_patient_id()):
        state = _live(grant_id)
        present = Answers(
            ticked=frozenset(rules.item_value(item) for item in state.permissions),
            until=state.valid_until.isoformat(),
        )
        return _render_modification(state, present)


@blueprint.post("/<uuid:grant_id>/modification")
@patient_required
def modify_application(grant_id: UUID) -> Response | tuple[str, int]:
    given = read_answers(request.form)
    with transaction(patient_id=current_patient_id()):
        state = _live(grant_id)
        try:
            granting.amend_consent(
                patient_id=current_patient_id(),
                grant_id=grant_id,
                items=rules.to_items(given, state.permissions, paris_day(_now(state))),
                valid_until=rules.to_last_day(given, state.valid_until),
                by=current_actor(),
            )
        except Invalid as error:
            return _render_modification(state, given, [("items", _what_is_wrong(error))]), 422
    flash(gettext("Votre nouveau choix vaut dès maintenant."), "success")
    return redirect(url_for(".show_application", grant_id=grant_id), 303)


def _live(grant_id: UUID) -> ConsentState:
    state = queries.get_state(current_patient_id(), grant_id)
    if not state.is_live:
        raise NotFound("This consent has ended.")
    return state


def _render_modification(state: ConsentState, given: Answers, errors: list[tuple[str, str]] | None = None) -> str:
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
    return gettext("Une autorisation se réduit ici ; pour l’élargir, recommencez depuis l’application")
