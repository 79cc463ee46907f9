"""The story of a record: years, months, and documents that belong together as one episode."""

from flask import Blueprint, render_template, request
from flask_babel import gettext, ngettext

from dmp_core.queries.timeline import list_items, list_years
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.episodes import Episode, group
from identity_core.rules import Power
from identity_core.sessions import current_actor, current_patient, helper_allowed
from platform_core.database import transaction
from platform_core.french import day_in_words, month_in_words

blueprint = Blueprint("timeline", __name__, template_folder="../templates")


@blueprint.get("/espace/dossier/histoire")
@helper_allowed(Power.RECORD, families=("documents",))
def show_timeline() -> str:
    """One year of the record, the latest by default."""
    patient, viewer = current_patient(), Viewer.of(current_actor())
    with transaction(patient_id=patient.id):
        years = list_years(patient_id=patient.id, viewer=viewer)
        known = [one.year for one in years]
        asked = request.args.get("annee", type=int)
        year = asked if asked in known else next(iter(known), None)
        items = list_items(patient_id=patient.id, viewer=viewer, year=year) if year else []
    return render_template(
        "dmp_core/timeline.html",
        patient=patient,
        years=years,
        year=year,
        months=[(month_in_words(month.first_day), month.episodes) for month in group(items)],
        name_of=_name,
        span_of=_span,
    )


def _name(episode: Episode) -> str:
    """What an episode is called: its specialty and its place, what there is of them."""
    known = [one for one in (episode.specialty, episode.institution) if one]
    return ", ".join(known) or gettext("Plusieurs spécialités")


def _span(episode: Episode) -> str:
    """When it was, and of how many documents it is made."""
    number = ngettext("%(num)s document", "%(num)s documents", len(episode.items))
    first, last = day_in_words(episode.begins_at), day_in_words(episode.ends_at)
    if first == last:
        return gettext("%(number)s, le %(day)s", number=number, day=last)
    return gettext("%(number)s, du %(first)s au %(last)s", number=number, first=first, last=last)
