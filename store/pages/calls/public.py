"""The calls for applications, as everybody reads them, with what their pilots measured."""

from flask import Blueprint, render_template

from platform_core.database import transaction
from platform_core.web import public
from store.pages import forms
from store.pages.calls.wording import say_regions, show_use
from store.queries import calls as queries

blueprint = Blueprint("calls", __name__, template_folder="../../templates")


@blueprint.get("/appels")
@public("everybody may read which needs the authority makes known")
def list_calls() -> str:
    with transaction():
        found = queries.list_public_calls()
    return render_template("store/calls/list.html", found=found)


@blueprint.get("/appels/<slug>")
@public("everybody may read which needs the authority makes known")
def show_call(slug: str) -> str:
    with transaction():
        call = queries.get_public_call(slug)
        pilots = queries.list_pilots(call.id)
        use = {pilot.limits.id: show_use(pilot) for pilot in pilots if pilot.results}
    return render_template(
        "store/calls/call.html",
        call=call,
        pilots=pilots,
        use=use,
        say_regions=say_regions,
        say_category=forms.say_category,
    )
