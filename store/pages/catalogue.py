"""The public catalogue."""

from flask import Blueprint, render_template, request, url_for

from platform_core.database import transaction
from platform_core.pagination import page_number
from platform_core.web import public
from store.pages import forms
from store.queries.catalogue import get_entry, list_listed
from store.rules import dossier

blueprint = Blueprint("catalogue", __name__, template_folder="../templates")

FAMILIES = dossier.SECTIONS["catalogue"]["properties"]["family"]["x-labels"]


@blueprint.get("/catalogue")
@public("everybody may choose an application")
def show_catalogue() -> str:
    text, family = request.args.get("q", "")[:200], request.args.get("rubrique", "")
    with transaction():
        found = list_listed(text=text, family=family, page=page_number(request.args.get("page")))
    return render_template(
        "store/catalogue/list.html",
        found=found,
        text=text,
        family=family,
        families=FAMILIES,
        url_for_page=lambda page: url_for("catalogue.show_catalogue", q=text, rubrique=family, page=page),
    )


@blueprint.get("/catalogue/<slug>")
@public("everybody may choose an application")
def show_entry(slug: str) -> str:
    with transaction():
        listing = get_entry(slug)
    sections = {code: forms.describe_section(code, listing.entry[code]) for code in ("hosting", "privacy")}
    items = [forms.describe_item(item) for item in listing.ceiling.to_json()["items"]]
    return render_template("store/catalogue/entry.html", listing=listing, sections=sections, items=items)
