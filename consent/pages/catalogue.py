"""From the catalogue to an authorization: the question that waits, else where the application puts one."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from consent import queries
from consent.pages.explained import explain_refusals
from consent.service import silences
from identity_core.sessions import current_actor, current_patient_id, permissions_required
from platform_core.database import transaction
from store.queries.catalogue import get_entry

blueprint = Blueprint("authorising", __name__, url_prefix="/espace/autoriser/<slug>", template_folder="../templates")
explain_refusals(blueprint)


@blueprint.get("")
@permissions_required
def show_way(slug: str) -> str:
    """How this patient authorises this application: by its question that waits here, else from the application."""
    patient_id = current_patient_id()
    with transaction(patient_id=patient_id):
        listing = get_entry(slug)
        return render_template(
            "consent/authorise.html",
            listing=listing,
            live=queries.find_live(patient_id, listing.application_id),
            standing=queries.find_standing(patient_id, listing.application_id),
            silent_until=silences.find_silence(patient_id=patient_id, app_id=listing.application_id),
        )


@blueprint.post("/silence")
@permissions_required
def lift_silence(slug: str) -> Response:
    """Let the application ask again."""
    with transaction(patient_id=current_patient_id()):
        listing = get_entry(slug)
        silences.lift_silence(patient_id=current_patient_id(), app_id=listing.application_id, by=current_actor())
    flash(gettext("%(app)s peut de nouveau vous demander un accès.", app=listing.name), "success")
    return redirect(url_for(".show_way", slug=slug), 303)
