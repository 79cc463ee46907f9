"""The page where a person types the code that a device shows (RFC 8628 §3.3). Nothing changes by a GET."""

from flask import Blueprint, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import browser_key, current_sign_in, permissions_required
from oauth import service
from oauth.errors import OAuthRefusal
from oauth.service import WaitingDevice
from platform_core import clock
from platform_core.access import Actor, ActorKind
from platform_core.database import transaction
from platform_core.errors import Conflict, TooManyRequests
from platform_core.web import rate_limit

blueprint = Blueprint("oauth_device", __name__, url_prefix="/appareil", template_folder="../templates")


@blueprint.get("")
@permissions_required
def show_form() -> str:
    """The code may come in the address (`verification_uri_complete`): it is still the person who sends it."""
    return _form(request.args.get("user_code", "")[:20])


@blueprint.post("")
@rate_limit("20 per minute")
@permissions_required
def find() -> Response | str | tuple[str, int]:
    """Which app asks, and whether the device seems to be here, before anything is asked (§5.4: remote phishing)."""
    found = _find()
    if not isinstance(found, WaitingDevice):
        return found
    if found.consent_request_id:
        return redirect(f"/consentement/{found.consent_request_id}", 303)
    return render_template("oauth/device_found.html", device=found, code=request.form["code"])


@blueprint.post("/continuer")
@rate_limit("20 per minute")
@permissions_required
def go_on() -> Response | str | tuple[str, int]:
    """The device is theirs: on to the question."""
    found = _find()
    if not isinstance(found, WaitingDevice):
        return found
    by = Actor(ActorKind.APPLICATION, found.client.app_id, found.client.name)
    try:
        with transaction():
            request_id = found.consent_request_id or service.hand_over_device(
                device_id=found.id, person_id=current_sign_in().id, browser_key=browser_key(), by=by, now=clock.now()
            )
    except (Conflict, OAuthRefusal):
        return _wrong()
    return redirect(f"/consentement/{request_id}", 303)


@blueprint.get("/fini")
@permissions_required
def show_end() -> str:
    """Where a question that a device asked leads back to."""
    return render_template("oauth/device_done.html")


def _find() -> WaitingDevice | tuple[str, int]:
    """The device of the code that was typed, or the form again with what is wrong."""
    typed, person_id = request.form.get("code", ""), current_sign_in().id
    try:
        with transaction():
            found = service.find_device(
                typed=typed, person_id=person_id, address=request.remote_addr or "", now=clock.now()
            )
    except TooManyRequests:
        told = gettext("Trop de codes erronés ont été saisis : attendez dix minutes avant de réessayer")
        return _form(typed, told), 429
    return found or _wrong()


def _wrong() -> tuple[str, int]:
    told = gettext("Ce code n’est pas le bon, a déjà servi ou a expiré : vérifiez-le sur l’appareil")
    return _form(request.form.get("code", "")[:20], told), 422


def _form(code: str, error: str = "") -> str:
    return render_template("oauth/device.html", code=code, error=error)
