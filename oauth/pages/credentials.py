"""The publisher's credentials: sandbox clients at once, production ones when the application is listed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.rules import Role
from identity_core.sessions import agent_required, current_actor
from oauth import queries, service
from oauth.pages.key_forms import OfferedKey, read_key, said
from oauth.rules.clients import Client, Environment, Profile
from platform_core.access import Actor
from platform_core.config import current
from platform_core.database import transaction
from platform_core.errors import Conflict, DomainError, Fault, Invalid, NotFound
from platform_core.web import rate_limit
from store.queries.applications import ApplicationView, get_own_application

blueprint = Blueprint(
    "oauth_credentials",
    __name__,
    url_prefix="/editeur/applications/<uuid:application_id>/identifiants",
    template_folder="../templates",
)
publisher = agent_required("publisher")


def load_panel(*, by: Actor, application_id: UUID) -> dict[str, Any]:
    """What the panel of the application's page shows: how many clients of each environment."""
    clients = queries.list_clients(application_id)
    sandbox = sum(client.is_sandbox for client in clients)
    return {"application_id": application_id, "sandbox": sandbox, "production": len(clients) - sandbox}


@blueprint.get("")
@publisher
def show(application_id: UUID) -> str:
    """The clients of the application, their keys, and the form for another."""
    return page(application_id)


@blueprint.post("")
@rate_limit("20 per minute")
@publisher
def issue(application_id: UUID) -> tuple[str, int] | Response:
    """Register a client. A key made here is shown in the answer, and nowhere else ever."""
    try:
        with transaction():
            application = get_own_application(application_id, by=current_actor())
            client, offered = _issue(application, current_actor())
    except (Invalid, Conflict) as error:
        return page(application_id, error=error, form=request.form), 422
    if offered.private:
        return show_key(application, client, offered.private)
    flash(gettext("Identifiants créés."), "success")
    return redirect(url_for(".show", application_id=application_id), 303)


def _issue(application: ApplicationView, by: Actor) -> tuple[Client, OfferedKey]:
    uris = [line.strip() for line in request.form.get("redirect_uris", "").splitlines() if line.strip()]
    if request.form.get("environment") == Environment.PRODUCTION:
        profile = Profile(application.listing.profile) if application.listing else Profile.FAPI2
        offered = read_key(profile)
        client = service.issue_client(
            application_id=application.id,
            redirect_uris=uris,
            jwk=offered.public,
            jwks_uri=offered.address,
            by=by,
        )
        return client, offered
    profile = _profile(request.form.get("profile"))
    offered = read_key(profile)
    client = service.issue_sandbox_client(
        name=application.name,
        profile=profile,
        redirect_uris=uris,
        jwk=offered.public,
        jwks_uri=offered.address,
        by=by,
        application_id=application.id,
        organisation_id=application.organisation_id,
    )
    return client, offered


def _profile(text: str | None) -> Profile:
    try:
        return Profile(text or "")
    except ValueError:
        raise Invalid("Choose a profile.", faults=[Fault("profile", gettext("Choisissez un profil."))]) from None


def own_client(application_id: UUID, client_pk: UUID) -> tuple[ApplicationView, Client]:
    """The client, when it is one of an application of the publisher's own organisation. Raises `NotFound`."""
    application = get_own_application(application_id, by=current_actor())
    client = queries.get_client(client_pk)
    if client.application_id != application.id:
        raise NotFound("This client does not exist.")
    return application, client


def page(application_id: UUID, *, error: DomainError | None = None, form: Mapping[str, str] | None = None) -> str:
    """The page of the credentials, with what was typed and what is wrong with it."""
    with transaction():
        application = get_own_application(application_id, by=current_actor())
        clients = [(client, queries.list_keys(client.pk)) for client in queries.list_clients(application.id)]
        openings = queries.list_openings(application.id)
    return render_template(
        "oauth/credentials.html",
        application=application,
        clients=clients,
        openings=openings,
        form=form or {},
        errors=said(error),
        may_write=current_actor().has_role(Role.PUBLISHER),
    )


def show_key(application: ApplicationView, client: Client, private: Mapping[str, Any]) -> tuple[str, int]:
    """The page that shows a private key made here, once."""
    configuration = {
        "issuer": current().base_url,
        "client_id": client.client_id,
        "profile": client.profile,
        "redirect_uri": client.redirect_uris[0],
        "private_key": dict(private),
    }
    return render_template(
        "oauth/private_key.html",
        application=application,
        client=client,
        jwk=_indented(private),
        configuration=_indented(configuration),
    ), 201


def _indented(value: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(value), option=orjson.OPT_INDENT_2).decode()
