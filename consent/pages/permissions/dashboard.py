"""The list of the authorizations, by filter, and « Tout arrêter »."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response

from consent import queries
from consent.pages import journal_words, words
from consent.pages.explained import explain_refusals
from consent.pages.permissions.activity import Activity, draw
from consent.queries import ConsentState
from consent.queries.accesses import list_unusual
from consent.rules.calendar import midnight
from consent.service import withdrawal
from identity_core.sessions import current_actor, current_patient_id, permissions_required
from platform_core import clock
from platform_core.database import transaction
from platform_core.errors import Invalid
from platform_core.journal import queries as journal

blueprint = Blueprint("permissions", __name__, url_prefix="/espace/applications", template_folder="../../templates")
explain_refusals(blueprint)

RECENT = timedelta(days=30)


@blueprint.get("")
@permissions_required
def list_applications() -> str:
    """Every authorization, by filter, with its last access: those in force, then the old ones."""
    patient_id, wanted = current_patient_id(), request.args.get("statut", words.ALL)
    with transaction(patient_id=patient_id):
        states = queries.list_states(patient_id)
        refused = queries.list_refused(patient_id)
        standing = queries.list_standing(patient_id)
        unusual = list_unusual(patient_id, since=clock.today() - RECENT)
        accesses = journal.last_served(patient_id, [state.grant_id for state in states])
        live = [state for state in states if state.is_live]
        times = {state.grant_id: queries.time_of(state) for state in live}
        activities = load_activities(patient_id, [state.grant_id for state in live])
    counts = {value: sum(words.filter_of(state) == value for state in states) for value, _ in words.filters()}
    counts |= {words.ALL: len(states), "refusees": len(refused)}
    return render_template(
        "consent/applications.html",
        groups=_groups(states, wanted),
        refused=refused if wanted in {words.ALL, "refusees"} else [],
        standing=standing if wanted == words.ALL else [],
        accesses=accesses,
        activities=activities,
        times=times,
        counts=counts,
        with_access=sum(state.status == "active" for state in states),
        any_live=bool(live),
        unusual=unusual,
        says=journal_words,
        wanted=wanted,
        words=words,
    )


def load_activities(patient_id: UUID, grant_ids: Sequence[UUID]) -> Mapping[UUID, Activity]:
    """The accesses of each app on each of the last thirty days, as a small chart."""
    first = clock.today() - RECENT + timedelta(days=1)
    days = [first + timedelta(days=n) for n in range(RECENT.days)]
    counted = journal.count_served_days(patient_id, grant_ids, since=midnight(first))
    return {one: draw([(day, counted.get(one, {}).get(day, 0)) for day in days]) for one in grant_ids}


@blueprint.get("/tout-arreter")
@permissions_required
def show_stop() -> str:
    """What stopping every app does, before it is done."""
    with transaction(patient_id=current_patient_id()):
        live = [state for state in queries.list_states(current_patient_id()) if state.is_live]
    return render_template("consent/stop.html", live=live)


@blueprint.post("/tout-arreter")
@permissions_required
def stop_all() -> Response:
    """Pause or revoke every authorization at once."""
    acts = {"pause": withdrawal.pause_everything, "revoke": withdrawal.stop_everything}
    act = acts.get(request.form.get("act", ""))
    if act is None:
        raise Invalid("This act does not exist.", code="unknown-act")
    with transaction(patient_id=current_patient_id()):
        stopped = act(patient_id=current_patient_id(), by=current_actor())
    said = ngettext("%(num)s application n’a plus accès.", "%(num)s applications n’ont plus accès.", stopped)
    flash(said if stopped else gettext("Aucune application n’avait accès."), "success")
    return redirect(url_for(".list_applications"), 303)


def _groups(states: Sequence[ConsentState], wanted: str) -> list[tuple[str, list[ConsentState]]]:
    """The cards to show under their headings: those in force first."""
    shown = [state for state in states if wanted in {words.ALL, words.filter_of(state)}]
    live, old = ([state for state in shown if state.is_live is kept] for kept in (True, False))
    groups = (gettext("Autorisations en cours"), live), (gettext("Anciennes autorisations"), old)
    return [(title, cards) for title, cards in groups if cards]
