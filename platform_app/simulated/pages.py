"""The endpoints and the page of the simulated providers."""

from flask import Blueprint, abort, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response

from platform_app.simulated.people import list_people
from platform_app.simulated.provider import SimulatedProvider, find_provider
from platform_core.errors import Invalid
from platform_core.web import public

blueprint = Blueprint(
    "simulated",
    __name__,
    template_folder="templates",
    url_prefix="/simulateurs/<any(citizen, pro, agent):kind>",
)

_WHY = "simulated identity provider, absent from production"


@blueprint.get("/.well-known/openid-configuration")
@public(_WHY)
def show_metadata(kind: str) -> Response:
    return jsonify(_provider(kind).metadata())


@blueprint.get("/jwks")
@public(_WHY)
def show_keys(kind: str) -> Response:
    return jsonify(_provider(kind).jwks())


@blueprint.get("/authorize")
@public(_WHY)
def show_people(kind: str) -> str:
    """The people who can sign in; a wrong request is refused before anybody is shown."""
    _provider(kind).check_request(request.args)
    people = list_people(kind).values()
    return render_template("simulated/authorize.html", people=people, action=request.full_path)


@blueprint.post("/authorize")
@public(_WHY)
def choose_person(kind: str) -> Response:
    provider = _provider(kind)
    asked = provider.check_request(request.args)
    return redirect(provider.answer(asked, request.form.get("person") or None), 303)


@blueprint.post("/token")
@public(_WHY)
def give_tokens(kind: str) -> Response | tuple[Response, int]:
    try:
        return jsonify(_provider(kind).redeem(request.form))
    except Invalid as error:
        return jsonify(error=error.code, error_description=error.message), 400


@blueprint.get("/userinfo")
@public(_WHY)
def give_userinfo(kind: str) -> Response | tuple[str, int]:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    signed = _provider(kind).userinfo(token) if scheme.lower() == "bearer" else None
    return ("", 401) if signed is None else Response(signed, mimetype="application/jwt")


@blueprint.get("/end_session")
@public(_WHY)
def end_session(kind: str) -> Response:
    """Nobody stays signed in here: send the browser back to the one address registered."""
    provider = _provider(kind)
    if request.args.get("post_logout_redirect_uri") != provider.signed_out_uri:
        raise Invalid("This address is not one to return to.")
    return redirect(provider.signed_out_uri, 303)


def _provider(kind: str) -> SimulatedProvider:
    provider = find_provider(kind)
    if provider is None:
        abort(404)
    return provider
