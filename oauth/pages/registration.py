"""The tokens that let an app register its own clients (RFC 7591): made, shown once, closed."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import current_actor
from oauth import service
from oauth.pages.credentials import blueprint, page, publisher
from oauth.rules.clients import Environment
from platform_core import clock
from platform_core.config import current
from platform_core.database import transaction
from platform_core.errors import Conflict, Fault, Invalid
from platform_core.web import rate_limit
from store.queries.applications import get_own_application


@blueprint.post("/enregistrement")
@rate_limit("20 per minute")
@publisher
def open_registration(application_id: UUID) -> tuple[str, int]:
    """Make an initial access token. It is shown in the answer, and nowhere else ever."""
    production = request.form.get("registration_environment") == Environment.PRODUCTION
    environment = Environment.PRODUCTION if production else Environment.SANDBOX
    try:
        with transaction():
            application = get_own_application(application_id, by=current_actor())
            if production and not (application.listing and application.listing.is_live):
                raise Conflict("Only a listed application registers for production.", code="application-not-listed")
            token = service.open_registration(
                application_id=application.id,
                environment=environment,
                uses=_number("uses"),
                days=_number("days"),
                by=current_actor(),
                now=clock.now(),
            )
    except (Invalid, Conflict) as error:
        return page(application_id, error=error, form=request.form), 422
    endpoint = f"{current().base_url}/oauth/register"
    return render_template("oauth/initial_token.html", application=application, token=token, endpoint=endpoint), 201


@blueprint.post("/enregistrement/<uuid:token_id>/fermer")
@publisher
def close_registration(application_id: UUID, token_id: UUID) -> Response:
    """Close an initial access token before its time."""
    with transaction():
        application = get_own_application(application_id, by=current_actor())
        service.close_registration(application_id=application.id, token_id=token_id, by=current_actor())
    flash(gettext("Jeton d’enregistrement fermé."), "success")
    return redirect(url_for(".show", application_id=application_id), 303)


def _number(name: str) -> int:
    text = request.form.get(name, "")
    if not text.isdecimal() or len(text) > 4:
        raise Invalid(f"{name} is a number.", faults=[Fault(name, gettext("Donnez un nombre."))])
    return int(text)
