"""One authorization: what it covers, its history, its accesses; pausing, resuming, keeping a resource from the app."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from consent import queries
from consent.pages import words
from consent.pages.permissions import wording
from consent.pages.permissions.dashboard import blueprint, load_activities
from consent.queries import ConsentState, erasures, exclusions
from consent.rules import texts
from consent.service import exclusions as service
from consent.service import lifecycle
from identity_core.rules import Power, local_path
from identity_core.sessions import current_actor, current_patient_id, permissions_required
from platform_core.access import Access, Actor, ActorKind
from platform_core.database import transaction
from platform_core.errors import Invalid
from platform_core.journal import queries as journal
from platform_core.journal.queries import JournalFilter
from store.queries.listings import find_listing

_ACTS = {
    "pause": lifecycle.pause_consent,
    "resume": lifecycle.resume_consent,
    "synchronise": lifecycle.request_presence_window,
}
_LINES = 10


@blueprint.get("/<uuid:grant_id>")
@permissions_required
def show_application(grant_id: UUID) -> str:
    """One authorization: what it covers and how much of it was used, its history, its last accesses."""
    patient_id = current_patient_id()
    with transaction(patient_id=patient_id):
        state = queries.get_state(patient_id, grant_id)
        events = queries.list_events(patient_id, grant_id)
        return render_template(
            "consent/application.html",
            state=state,
            clusters=wording.clusters(state),
            history=wording.history(
                events, queries.list_versions(patient_id, grant_id), queries.list_receipts(patient_id, grant_id)
            ),
            lines=journal.list_entries(patient_id, JournalFilter(grant_id=grant_id), size=_LINES),
            activity=load_activities(patient_id, [grant_id])[grant_id],
            excluded=[
                one
                for one in exclusions.list_exclusions(patient_id, state.app_id)
                if current_actor().reaches(one.category)
            ],
            erasure=erasures.find_erasure(patient_id, grant_id),
            contributions=wording.contributions(events),
            listing=find_listing(state.app_id) if state.environment == "production" else None,
            now=queries.time_of(state),
            shown=texts.load(),
            words=words,
            wording=wording,
        )


@blueprint.post("/<uuid:grant_id>")
@permissions_required
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


@blueprint.post("/<uuid:grant_id>/exclusions")
@permissions_required
def exclude_resource(grant_id: UUID) -> Response:
    """Keep one resource from the app, or let it read it again; back to the page that asked."""
    patient_id, resource_id = current_patient_id(), _identifier(request.form.get("resource", ""))
    with transaction(patient_id=patient_id):
        if request.form.get("act") == "show":
            service.include_resource(
                patient_id=patient_id, grant_id=grant_id, resource_id=resource_id, by=current_actor()
            )
            said = gettext("L’application peut de nouveau lire cette donnée, si votre autorisation la couvre.")
        else:
            service.exclude_resource(
                patient_id=patient_id,
                grant_id=grant_id,
                category=request.form.get("category", ""),
                resource_id=resource_id,
                by=current_actor(),
            )
            said = gettext("Cette donnée n’est plus montrée à l’application.")
    flash(said, "success")
    back = url_for(".show_application", grant_id=grant_id)
    return redirect(local_path(request.form.get("suite", ""), back), 303)


def load_resource_panel(*, by: Actor, patient_id: UUID, category: str, resource_id: UUID) -> Mapping[str, Any] | None:
    """For the page of one resource: the apps that may read its category, and whether it is kept from each. Nothing for
    a helper who reads the record and has no say in the authorizations."""
    if by.kind is ActorKind.HELPER and not by.has_role(Power.PERMISSIONS):
        return None
    kept = exclusions.list_apps_without(patient_id, resource_id)
    readers = [state for state in queries.list_states(patient_id) if _reads(state, category)]
    if not readers:
        return None
    return {
        "apps": [(state, state.app_id in kept) for state in readers],
        "category": category,
        "resource_id": resource_id,
        "back": request.path,
    }


def _reads(state: ConsentState, category: str) -> bool:
    return state.is_live and any(i.category == category and i.access is Access.READ for i in state.items)


def _identifier(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("The resource is not named.", code="unknown-resource") from None
