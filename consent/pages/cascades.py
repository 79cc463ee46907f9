"""What the authority sees of its decisions on apps: how far each has come among the people concerned."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template
from flask_babel import gettext

from consent import queries
from consent.queries import CascadeView
from consent.rules.cascade import Change
from identity_core.sessions import agent_required
from platform_core.access import Actor
from platform_core.database import transaction
from store.queries.applications import get_application

blueprint = Blueprint("cascades", __name__, template_folder="../templates")


@blueprint.get("/instruction/effets")
@agent_required("reviewer", "decider")
def show_cascades() -> str:
    """The last suspensions, reinstatements and ends, and the progress of their notices."""
    with transaction():
        found = queries.list_recent_cascades()
        names = {app_id: get_application(app_id).name for app_id in {one.application_id for one in found}}
    rows = [(names[one.application_id], change(one), one.decided_at, state(one), progress(one)) for one in found]
    return render_template("consent/cascades.html", rows=rows)


def load_panel(*, by: Actor | None, application_id: UUID, **_: object) -> Mapping[str, Any]:
    """For the page of a dossier: how many people an act on the listing concerns, and the way of the last one."""
    last = queries.list_cascades(application_id)[:1]
    return {
        "people": queries.count_live(application_id),
        "last": [(change(one), progress(one)) for one in last],
        "may_announce": by is not None and "decider" in by.roles,
        "application_id": application_id,
    }


def change(one: CascadeView) -> str:
    return {
        Change.SUSPENDED: gettext("Suspension"),
        Change.REINSTATED: gettext("Rétablissement"),
        Change.WITHDRAWN: gettext("Retrait"),
        Change.EXPIRED: gettext("Fin du référencement"),
    }[one.change]


def state(one: CascadeView) -> tuple[str, str]:
    """The words and the colour of what became of it."""
    if one.replaced:
        return gettext("Remplacé par la décision suivante"), "neutral"
    return (gettext("Terminé"), "success") if one.ended_at else (gettext("En cours"), "warning")


def progress(one: CascadeView) -> str:
    """`4 200 personnes prévenues ; 4 200 autorisations à jour sur 10 000`."""
    if not one.total:
        return gettext("Personne n’avait d’autorisation en cours")
    said = gettext(
        "%(told)s personnes prévenues ; %(done)s autorisations à jour sur %(total)s",
        told=_number(one.told),
        done=_number(one.done),
        total=_number(one.total),
    )
    return gettext("%(said)s ; %(left)s en attente", said=said, left=_number(one.left)) if one.left else said


def _number(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")
