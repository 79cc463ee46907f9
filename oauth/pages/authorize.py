"""The authorization endpoint: it shows nothing itself, it opens the request and hands over to the consent."""

from urllib.parse import urlencode, urlsplit
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from identity_core.sessions import SLOT_OF, Slot, browser_key, find_sign_in, sign_in_url
from oauth import queries, service
from oauth.errors import OAuthRefusal, RequestGone, UnknownRedirect
from oauth.rules.clients import Client
from oauth.rules.demands import is_new
from oauth.rules.requests import AuthorizationAnswer, ResponseMode, given_once
from oauth.service import OpenedRequest
from platform_core import clock
from platform_core.access import Actor, ActorKind
from platform_core.database import transaction
from platform_core.errors import Conflict, DomainError, NotFound
from platform_core.navigation import Area
from platform_core.renderers import status_of
from platform_core.web import public, rate_limit

blueprint = Blueprint("oauth_authorize", __name__, url_prefix="/oauth/authorize", template_folder="../templates")

_BROWSER = public("the patient signs in on the consent page that it leads to")


@blueprint.get("")
@rate_limit("60 per minute")
@_BROWSER
def authorize() -> Response:
    """Open a pushed request, or store one whose parameters came in the address (SMART App Launch 2.2)."""
    if "request_uri" not in request.args:
        return _store(request.args)
    with transaction():
        opened = service.open_pushed_request(
            request_uri=request.args["request_uri"], client_id=request.args.get("client_id", ""), now=clock.now()
        )
    return _go_on(opened)


@blueprint.get("/suite/<uuid:authorization_id>")
@rate_limit("60 per minute")
@_BROWSER
def go_on(authorization_id: UUID) -> Response:
    """Back from signing in as the app demands."""
    with transaction():
        opened = service.find_opened_request(authorization_id=authorization_id, now=clock.now())
    return _go_on(opened, is_back=True)


def _go_on(opened: OpenedRequest, *, is_back: bool = False) -> Response:
    """On to the question, once the person has signed in as the app demands; on to signing in before, once."""
    area = Area.PROFESSIONAL if opened.asked is None else Area.PATIENT
    demand, sign_in, now = opened.demand, find_sign_in(SLOT_OF[area]), clock.now()
    with transaction():
        client = queries.get_client(opened.client_pk)
        met = sign_in is not None and opened.is_met(
            client, person_id=sign_in.id, acr=sign_in.acr, proven_at=sign_in.auth_time, now=now
        )
        if demand.is_silent:
            return send(service.refuse_silence(opened=opened, is_signed_in=met, now=now))
        if is_back and sign_in and is_new(sign_in.auth_time, opened.opened_at):
            told = service.find_mismatch(opened=opened, client=client, person_id=sign_in.id, acr=sign_in.acr, now=now)
            if told:
                return send(told)
        if met or demand.is_plain:
            return _ask(opened, client)
    again = demand.again or demand.max_age is not None or demand.subject is not None
    url = sign_in_url(area, url_for(".go_on", authorization_id=opened.id), acr=demand.acr, again=again)
    return redirect(url, 303)


def _ask(opened: OpenedRequest, client: Client) -> Response:
    """Put the question, in the transaction of the caller: to a professional when it is software of theirs."""
    if opened.asked is None:
        service.give_to_browser(opened=opened, browser_key=browser_key(), now=clock.now())
        return redirect(url_for("oauth_software.show_question", authorization_id=opened.id), 303)
    by = Actor(ActorKind.APPLICATION, client.app_id, client.name)
    try:
        consent_request = service.hand_over(opened=opened, browser_key=browser_key(), by=by)
    except OAuthRefusal as error:
        return send(service.refusal(opened, error))
    return redirect(f"/consentement/{consent_request}", 303)


@blueprint.post("")
@rate_limit("60 per minute")
@_BROWSER
def authorize_by_form() -> Response:
    """The same parameters in a form. The cookie of the session does not come with another site's form: hence the GET
    that follows."""
    return _store(request.form)


@blueprint.get("/resume/<uuid:authorization_id>")
@rate_limit("60 per minute")
@_BROWSER
def resume(authorization_id: UUID) -> Response:
    """Back from the consent: tell the app, once."""
    sign_in = find_sign_in(Slot.CITIZEN)
    with transaction():
        answer = service.answer_request(
            authorization_id=authorization_id,
            browser_key=browser_key(),
            signed_in_at=sign_in.auth_time if sign_in else None,
            session_id=sign_in.session_id if sign_in else None,
            amr=sign_in.amr if sign_in else "",
            now=clock.now(),
        )
    return send(answer)


def send(answer: AuthorizationAnswer) -> Response:
    """Send the browser back to the app, by a redirection or by a form that it posts (form_post 1.0 §2).

    `form-action` binds the redirections after a form too: whatever https address the app goes on to is let through,
    on this page alone.
    """
    if answer.mode is ResponseMode.QUERY:
        return redirect(answer.address, 303)
    target = urlsplit(answer.redirect_uri)
    response = make_response(render_template("oauth/form_post.html", answer=answer, host=target.netloc))
    response.headers["Cache-Control"] = "no-store"
    response.content_security_policy.default_src = "'self'"
    response.content_security_policy.img_src = "'self' data:"
    response.content_security_policy.base_uri = response.content_security_policy.frame_ancestors = "'none'"
    response.content_security_policy.form_action = f"{target.scheme}://{target.netloc} https:"
    return response


def _store(parameters: MultiDict[str, str]) -> Response:
    try:
        given = given_once(parameters.lists())
    except OAuthRefusal as error:
        raise UnknownRedirect(error.message) from None
    with transaction():
        client = queries.find_client(given.get("client_id", ""))
        if client is None:
            raise UnknownRedirect("The application is not known.")
        try:
            uri = service.store_direct_request(client=client, parameters=given, now=clock.now())
        except OAuthRefusal as error:
            return send(service.direct_refusal(client, given, error))
    query = urlencode({"client_id": client.client_id, "request_uri": uri})
    return redirect(f"{url_for('.authorize')}?{query}", 303)


@blueprint.errorhandler(RequestGone)
@blueprint.errorhandler(UnknownRedirect)
@blueprint.errorhandler(NotFound)
@blueprint.errorhandler(Conflict)
def explain(error: DomainError) -> tuple[str, int]:
    """Nothing is sent to an address that is not known to be the app's: the person reads why."""
    status = 400 if isinstance(error, RequestGone | UnknownRedirect) else status_of(error)
    return render_template("oauth/cannot_continue.html", code=error.code), status
