"""A professional lets software work for them, sees which does, and ends it. No patient is asked: none is named yet."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import browser_key, current_actor, current_sign_in, professional_required, sign_in_url
from oauth import queries, service
from oauth.errors import RequestGone
from oauth.pages.authorize import explain, send
from oauth.rules import user_scopes
from oauth.rules.tokens import WORKING_DAY
from oauth.service import OpenedRequest, Presence
from platform_core import clock
from platform_core.access import Actor
from platform_core.database import transaction
from platform_core.errors import NotFound
from platform_core.navigation import Area
from platform_core.web import rate_limit

blueprint = Blueprint("oauth_software", __name__, url_prefix="/pro/logiciels", template_folder="../templates")


@blueprint.get("/autoriser/<uuid:authorization_id>")
@rate_limit("60 per minute")
@professional_required
def show_question(authorization_id: UUID) -> Response:
    """Which software asks, for which structure, to do what in the name of the professional."""
    sign_in, now = current_sign_in(), clock.now()
    if sign_in.auth_time + WORKING_DAY <= now:
        return redirect(sign_in_url(Area.PROFESSIONAL, request.path, again=True), 303)
    with transaction():
        opened, client = service.find_question(authorization_id=authorization_id, browser_key=browser_key(), now=now)
    page = render_template(
        "oauth/software.html",
        client=client,
        authorization_id=opened.id,
        name=current_actor().name,
        asked=user_scopes.in_words(opened.scope),
        stays=user_scopes.stays(opened.scope),
        until=sign_in.auth_time + WORKING_DAY,
    )
    return _letting_through(make_response(page), opened)


@blueprint.post("/autoriser/<uuid:authorization_id>")
@rate_limit("20 per minute")
@professional_required
def answer_question(authorization_id: UUID) -> Response:
    """Send the browser back to the software with a code, or with a refusal."""
    sign_in, by = current_sign_in(), current_actor()
    presence = Presence(sign_in.id, sign_in.session_id, sign_in.acr, sign_in.amr, sign_in.auth_time)
    with transaction():
        answer = service.answer_question(
            authorization_id=authorization_id,
            browser_key=browser_key(),
            allowed=request.form.get("decision") == "grant",
            presence=presence,
            by=by,
            now=clock.now(),
        )
    return send(answer)


@blueprint.post("/<uuid:client_pk>/fin")
@rate_limit("20 per minute")
@professional_required
def unlink(client_pk: UUID) -> Response:
    """End what some software does in the name of the professional, at once."""
    by = current_actor()
    with transaction():
        service.unlink_software(professional_id=current_sign_in().id, client_pk=client_pk, by=by)
    flash(gettext("Ce logiciel n’agit plus en votre nom."), "success")
    return redirect(url_for("shell.professional_home"), 303)


def load_panel(*, by: Actor) -> Mapping[str, Any] | None:
    """The software that works for the professional now; no panel when there is none."""
    linked = queries.list_linked_software(by.id) if by.id else []
    return {"linked": linked} if linked else None


def _letting_through(response: Response, opened: OpenedRequest) -> Response:
    """`form-action` binds the redirections after a form too: the one of this page ends at the software."""
    target = urlsplit(opened.redirect_uri)
    policy = response.content_security_policy
    policy.default_src, policy.img_src, policy.object_src = "'self'", "'self' data:", "'none'"
    policy.base_uri = policy.frame_ancestors = "'none'"
    policy.form_action = f"'self' {target.scheme}://{target.netloc} https:"
    return response


blueprint.register_error_handler(RequestGone, explain)
blueprint.register_error_handler(NotFound, explain)
