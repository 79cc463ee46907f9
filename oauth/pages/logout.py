"""Signing out at an app's request (RP-Initiated Logout 1.0): only who is sure to be meant is signed out unasked."""

from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from identity_core.sessions import Slot, end_sign_in, find_sign_in
from oauth import service
from oauth.errors import OAuthRefusal
from oauth.rules.logout import address_of_return
from oauth.rules.requests import given_once
from oauth.service import Hinted
from platform_core.database import transaction
from platform_core.web import public, rate_limit

blueprint = Blueprint("oauth_logout", __name__, url_prefix="/oauth/end_session", template_folder="../templates")

_BROWSER = public("signing out needs no right")


@blueprint.get("")
@rate_limit("60 per minute")
@_BROWSER
def end_session() -> Response | str:
    """Sign out the citizen that the hint speaks of, and go back to the app; without a sure hint, ask first."""
    try:
        given = given_once(request.args.lists())
    except OAuthRefusal:
        given = {}
    sign_in = find_sign_in(Slot.CITIZEN)
    with transaction():
        hinted = service.find_hinted(given.get("id_token_hint", ""))
    uri = given.get("post_logout_redirect_uri", "")
    if not _is_sound(hinted, given.get("client_id"), uri) or (sign_in and hinted and not hinted.is_about(sign_in.id)):
        return render_template("oauth/end_session.html", name=hinted.client.name if hinted else "", wanted=bool(uri))
    end_sign_in(Slot.CITIZEN)
    done = url_for("identity.show_signed_out")
    return redirect(address_of_return(uri, given.get("state", "")) if uri else done, 303)


@blueprint.post("")
@rate_limit("60 per minute")
@_BROWSER
def end_session_by_form() -> Response:
    """The same parameters in a form. The cookie of the session does not come with another site's form: hence the GET
    that follows."""
    return redirect(f"{url_for('.end_session')}?{urlencode(list(request.form.items(multi=True)))}", 303)


@blueprint.post("/confirmer")
@rate_limit("20 per minute")
@_BROWSER
def confirm() -> Response:
    """The person wants to sign out; nobody is sent to an address that no sure hint came with."""
    end_sign_in(Slot.CITIZEN)
    return redirect(url_for("identity.show_signed_out"), 303)


def _is_sound(hinted: Hinted | None, client_id: str | None, uri: str) -> bool:
    if hinted is None or client_id not in {None, hinted.client.client_id}:
        return False
    return not uri or hinted.may_return_to(uri)
