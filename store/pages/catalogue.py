"""The public catalogue: search, facets, the page of an application, how to authorise it."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from identity_core.sessions import Slot, find_sign_in
from platform_core.categories import registry
from platform_core.database import transaction
from platform_core.pagination import page_number
from platform_core.web import public
from store.pages import forms
from store.pages.calls.wording import say_regions
from store.queries.catalogue import Counts, get_entry, list_levels, list_public_history, search_catalogue
from store.queries.listings import ListingView
from store.rules import dossier
from store.rules.catalogue import PUBLIC, Chosen, Facet

blueprint = Blueprint("catalogue", __name__, template_folder="../templates")

Labels = Mapping[str, str]

_PARAMETERS = {
    Facet.FAMILY: "rubrique",
    Facet.AUDIENCE: "public",
    Facet.DATA: "donnees",
    Facet.COST: "cout",
    Facet.PLATFORM: "support",
    Facet.OWNERSHIP: "nature",
    Facet.TERRITORY: "territoire",
    Facet.REGION: "region",
}


@blueprint.get("/catalogue")
@public("everybody may choose an application")
def show_catalogue() -> str:
    text, chosen = request.args.get("q", "")[:200], _chosen(request.args)
    with transaction():
        found = search_catalogue(text=text, chosen=chosen, page=page_number(request.args.get("page")))
    return render_template(
        "store/catalogue/list.html",
        found=found,
        text=text,
        facets=_facets(found.counts, chosen),
        removals=_removals(text, chosen),
        labels=_labels(),
        url_for_page=lambda page: _address(text, chosen, page=page),
    )


def _chosen(args: MultiDict[str, str]) -> Chosen:
    """The values asked in each facet; those that do not exist find nothing."""
    values = {facet: frozenset(args.getlist(name)) - {""} for facet, name in _PARAMETERS.items()}
    return {facet: found for facet, found in values.items() if found}


def _facets(counts: Counts, chosen: Chosen) -> list[dict[str, Any]]:
    """Each facet as a group of boxes with their counts; a value that would show nothing is left out unless chosen."""
    labels = _labels()
    groups = []
    for facet, name in _PARAMETERS.items():
        values = chosen.get(facet, frozenset())
        options = [
            {"value": code, "label": f"{label} ({counts[facet].get(code, 0)})"}
            for code, label in labels[facet].items()
            if code in counts[facet] or code in values
        ]
        groups.append({"name": name, "legend": _legend(facet), "options": options, "values": sorted(values)})
    return [group for group in groups if group["options"]]


def _removals(text: str, chosen: Chosen) -> list[tuple[str, str]]:
    """What is chosen now, each with the address that no longer asks for it."""
    labels = _labels()
    return [
        (labels[facet].get(value, value), _address(text, {**chosen, facet: values - {value}}))
        for facet, values in chosen.items()
        for value in sorted(values)
    ]


def _address(text: str, chosen: Chosen, page: int = 1) -> str:
    values: dict[str, Any] = {_PARAMETERS[facet]: sorted(found) for facet, found in chosen.items()}
    return url_for("catalogue.show_catalogue", q=text or None, page=page if page > 1 else None, **values)


def _labels() -> dict[Facet, Labels]:
    """The words for each value of each facet, in the order of the dossier's schema."""
    service, entry = (dossier.SECTIONS[section]["properties"] for section in ("service", "catalogue"))
    shapes = {
        Facet.AUDIENCE: service["audience"],
        Facet.PLATFORM: service["platforms"],
        **{facet: entry[facet] for facet in Facet if facet in entry},
    }
    said = {facet: {code: gettext(text) for code, text in shape["x-labels"].items()} for facet, shape in shapes.items()}
    return {**said, Facet.DATA: {family.code: gettext(family.label_fr) for family in registry.families()}}


def _legend(facet: Facet) -> str:
    return str(
        {
            Facet.FAMILY: gettext("Rubrique"),
            Facet.AUDIENCE: gettext("Public"),
            Facet.DATA: gettext("Données demandées"),
            Facet.COST: gettext("Coût"),
            Facet.PLATFORM: gettext("Où l’utiliser"),
            Facet.OWNERSHIP: gettext("Service public ou privé"),
            Facet.TERRITORY: gettext("Territoire"),
            Facet.REGION: gettext("Région"),
        }[facet]
    )


@blueprint.get("/catalogue/<slug>")
@public("everybody may choose an application")
def show_entry(slug: str) -> str:
    with transaction():
        listing = get_entry(slug)
        levels = list_levels(listing.submission_id)
        history = list_public_history(listing.application_id)
    return render_template(
        "store/catalogue/entry.html", listing=listing, levels=levels, history=history, **describe_entry(listing)
    )


def describe_entry(listing: ListingView) -> Mapping[str, Any]:
    """A listing in words, as `store/catalogue/sheet.html` shows it."""
    return {
        "labels": _labels(),
        "facts": _facts(listing),
        "hosting": [
            {"key": field.label, "value": forms.describe(field)}
            for field in forms.fields_of(dossier.SECTIONS["hosting"], listing.entry["hosting"])
            if field.name in PUBLIC["hosting"]
        ],
        "asked": _asked(listing.ceiling.to_json()["items"]),
        "pilot_regions": say_regions(listing.pilot.regions) if listing.pilot else "",
    }


def _facts(listing: ListingView) -> list[dict[str, str]]:
    """For whom, where and by whom: rows of key and value."""
    labels, service, entry = _labels(), listing.entry["service"], listing.entry["catalogue"]
    place = [
        labels[Facet.TERRITORY].get(entry.get("territory"), gettext("Non renseigné")),
        entry.get("establishment"),
        labels[Facet.REGION].get(entry.get("region")),
    ]
    return [
        {"key": gettext("Pour qui"), "value": _say(labels[Facet.AUDIENCE], service["audience"])},
        {"key": gettext("Où l’utiliser"), "value": _say(labels[Facet.PLATFORM], service["platforms"])},
        {"key": gettext("Territoire"), "value": ", ".join(filter(None, place))},
        {"key": gettext("Éditeur"), "value": listing.publisher_name},
        {"key": gettext("Assistance"), "value": entry["support_contact"]},
    ]


def _say(labels: Labels, codes: Iterable[str]) -> str:
    return ", ".join(labels.get(code, code) for code in codes)


def _asked(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The data that the application may ask, a family after the other, each access in words."""
    families = {family.code: gettext(family.label_fr) for family in registry.families()}
    groups: dict[str, list[tuple[str, ...]]] = {}
    for item in items:
        groups.setdefault(item["category"].partition(".")[0], []).append(forms.describe_item(item))
    return [{"family": families.get(code, code), "items": found} for code, found in groups.items()]


@blueprint.get("/catalogue/<slug>/autoriser")
@public("everybody may read how an authorization is given")
def explain_authorization(slug: str) -> Response | str:
    """A patient who is signed in goes on in their own space, where a question may wait for them."""
    if find_sign_in(Slot.CITIZEN):
        return redirect(f"/espace/autoriser/{slug}", 303)
    with transaction():
        listing = get_entry(slug)
    return render_template("store/catalogue/authorize.html", listing=listing)
