"""What a person wants to be told by e-mail, how often, and at which address."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import current_actor, current_patient, current_sign_in, patient_required
from notification_core import queries
from notification_core.categories import OPTIONAL, Topic
from notification_core.pages.words import digests, topics
from notification_core.service import addresses, preferences
from platform_core.access import Actor
from platform_core.database import transaction
from platform_core.errors import Invalid, TooManyRequests
from platform_core.web import rate_limit

blueprint = Blueprint(
    "notification_preferences",
    __name__,
    url_prefix="/espace/parametres/notifications",
    template_folder="../templates",
)


@blueprint.get("")
@patient_required
def show() -> str:
    return _page()


@blueprint.post("")
@patient_required
def choose() -> Response:
    chosen = request.form.getlist("topics")
    patient_id = current_patient().id
    with transaction(patient_id=patient_id):
        preferences.choose(
            patient_id=patient_id,
            person_id=_person_id(),
            by_email=[topic for topic in OPTIONAL if topic in chosen],
            digest_days=_days(request.form.get("digest", "")),
        )
    flash(gettext("Vos préférences sont enregistrées."), "success")
    return redirect(url_for(".show"), 303)


@blueprint.post("/adresse")
@patient_required
@rate_limit("10 per minute")
def change_address() -> Response | tuple[str, int]:
    typed = request.form.get("address", "").strip()
    try:
        with transaction():
            addresses.ask_change(
                person_id=_person_id(), patient_id=_own_patient_id(), address=typed, by=current_actor()
            )
    except Invalid:
        return _page(typed, gettext("Donnez une adresse électronique, comme prenom.nom@exemple.fr.")), 422
    except TooManyRequests:
        return _page(typed, gettext("Vous avez demandé trop de changements aujourd’hui. Réessayez demain.")), 429
    flash(gettext("Un courriel est parti à cette adresse. Ouvrez son lien dans les 24 heures."), "success")
    return redirect(url_for(".show"), 303)


@blueprint.post("/adresse/oubli")
@patient_required
def forget_address() -> Response:
    own = _own_patient_id()
    with transaction(patient_id=own):
        addresses.forget_address(person_id=_person_id(), patient_id=own, by=current_actor())
    flash(gettext("Les courriels partent de nouveau à l’adresse donnée lors de votre connexion."), "success")
    return redirect(url_for(".show"), 303)


def load_panel(*, by: Actor | None, **_: object) -> Mapping[str, Any]:
    """The way here, from the settings."""
    return {}


def _page(typed: str = "", error: str = "") -> str:
    patient, person_id = current_patient(), _person_id()
    with transaction(patient_id=patient.id):
        places = queries.list_addresses(patient.id)
        declined = queries.list_declined(patient_id=patient.id, person_id=person_id)
        days = queries.digest_days(patient.id)
        chosen = queries.find_address(person_id)
        written = next((address for address, reader in places.items() if reader == person_id), None)
        given_up = written is not None and queries.count_recent(queries.address_lookup(written)).given_up
        reads = queries.is_reader(patient_id=patient.id, person_id=person_id)
    return render_template(
        "notification/preferences.html",
        topics=topics(),
        wanted=[str(topic) for topic in Topic if topic not in declined],
        digests=digests(),
        days=days,
        reads=reads,
        address=written,
        chosen=chosen,
        given_up=given_up,
        others=len(places) - (written is not None),
        patient=patient,
        own=patient.id == current_sign_in().patient_id,
        typed=typed,
        error=error,
    )


def _days(text: str) -> int:
    with suppress(ValueError):
        return int(text)
    return 0


def _person_id() -> UUID:
    return current_sign_in().id


def _own_patient_id() -> UUID:
    own = current_sign_in().patient_id
    assert own is not None
    return own
