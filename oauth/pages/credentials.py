"""The publisher's credentials: sandbox clients at once, production ones when the application is listed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from oauth import queries, service
from oauth.rules.clients import Client, Environment, Profile
from platform_core.access import Actor
from platform_core.config import current
from platform_core.database import transaction
from platform_core.errors import Conflict, DomainError, Fault, Invalid, NotFound
from platform_core.web import rate_limit
from store.queries.applications import ApplicationView, get_application

blueprint = Blueprint(
    "oauth_credentials",
    __name__,
    url_prefix="/editeur/applications/<uuid:application_id>/identifiants",
    template_folder="../templates",
)
_publisher = agent_required("publisher")
GENERATE, PASTE, PUBLIC = "generate", "paste", "public"


def load_panel(*, by: Actor, application_id: UUID) -> dict[str, Any]:
    """What the panel of the application's page shows: how many clients of each environment."""
    clients = queries.list_clients(application_id)
    sandbox = sum(client.is_sandbox for client in clients)
    return {"application_id": application_id, "sandbox": sandbox, "production": len(clients) - sandbox}


@blueprint.get("")
@_publisher
def show(application_id: UUID) -> str:
    """The clients of the application, their keys, and the form for another."""
    return _page(application_id)


@blueprint.post("")
@rate_limit("20 per minute")
@_publisher
def issue(application_id: UUID) -> tuple[str, int] | Response:
    """Register a client. A key made here is shown in the answer, and nowhere else ever."""
    try:
        with transaction():
            application = _own(application_id)
            client, private = _issue(application, current_actor())
    except (Invalid, Conflict) as error:
        return _page(application_id, error=error, form=request.form), 422
    if private:
        return _show_key(application, client, private)
    flash(gettext("Identifiants créés."), "success")
    return redirect(url_for(".show", application_id=application_id), 303)


@blueprint.post("/<uuid:client_pk>/cle")
@rate_limit("20 per minute")
@_publisher
def rotate(application_id: UUID, client_pk: UUID) -> tuple[str, int] | Response:
    """Register the next key of a client; the one before it counts for another week."""
    try:
        with transaction():
            application, client = _own_client(application_id, client_pk)
            public, private = _key(client.profile)
            if public is None:
                raise Invalid("A key is expected.", code="invalid_client_metadata")
            service.rotate_key(client_pk=client.pk, jwk=public, by=current_actor())
    except (Invalid, Conflict) as error:
        return _page(application_id, error=error, form=request.form), 422
    if private:
        return _show_key(application, client, private)
    flash(gettext("Nouvelle clé enregistrée. L’ancienne reste valable sept jours."), "success")
    return redirect(url_for(".show", application_id=application_id), 303)


@blueprint.post("/<uuid:client_pk>/adresses")
@_publisher
def redirect_elsewhere(application_id: UUID, client_pk: UUID) -> tuple[str, int] | Response:
    """Replace the addresses of return of a client."""
    try:
        with transaction():
            _, client = _own_client(application_id, client_pk)
            uris = _lines(request.form.get("redirect_uris", ""))
            service.replace_redirect_uris(client_pk=client.pk, redirect_uris=uris, by=current_actor())
    except Invalid as error:
        return _page(application_id, error=error), 422
    flash(gettext("Adresses de retour enregistrées."), "success")
    return redirect(url_for(".show", application_id=application_id), 303)


@blueprint.post("/<uuid:client_pk>/fermeture")
@_publisher
def close(application_id: UUID, client_pk: UUID) -> Response:
    """Close a client for good."""
    with transaction():
        _, client = _own_client(application_id, client_pk)
        service.disable_client(client_pk=client.pk, by=current_actor())
    flash(gettext("Identifiants fermés : leurs jetons sont révoqués."), "success")
    return redirect(url_for(".show", application_id=application_id), 303)


def _issue(application: ApplicationView, by: Actor) -> tuple[Client, dict[str, Any] | None]:
    uris = _lines(request.form.get("redirect_uris", ""))
    if request.form.get("environment") == Environment.PRODUCTION:
        profile = Profile(application.listing.profile) if application.listing else Profile.FAPI2
        public, private = _key(profile)
        client = service.issue_client(application_id=application.id, redirect_uris=uris, jwk=public, by=by)
        return client, private
    profile = _profile(request.form.get("profile"))
    public, private = _key(profile)
    client = service.issue_sandbox_client(
        name=application.name,
        profile=profile,
        redirect_uris=uris,
        jwk=public,
        by=by,
        application_id=application.id,
        organisation_id=application.organisation_id,
    )
    return client, private


def _key(profile: Profile) -> tuple[Mapping[str, Any] | None, dict[str, Any] | None]:
    """The public key to register, and its private half when it was made here."""
    match request.form.get("key"):
        case "generate":
            private = service.generate_key(profile)
            return service.public_half(private), private
        case "paste":
            return _pasted(request.form.get("jwk", "")), None
        case "public":
            return None, None
    raise Invalid("Choose a key.", faults=[Fault("key", gettext("Choisissez comment la clé est fournie."))])


def _pasted(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Invalid("The JWK is not readable.", faults=[Fault("jwk", gettext("Collez un objet JSON (JWK public)."))])
    return found


def _profile(text: str | None) -> Profile:
    try:
        return Profile(text or "")
    except ValueError:
        raise Invalid("Choose a profile.", faults=[Fault("profile", gettext("Choisissez un profil."))]) from None


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _own(application_id: UUID) -> ApplicationView:
    """The application, of the publisher's own organisation. Raises `NotFound`."""
    application = get_application(application_id)
    if application.organisation_id != current_actor().organisation_id:
        raise NotFound("This application does not exist.")
    return application


def _own_client(application_id: UUID, client_pk: UUID) -> tuple[ApplicationView, Client]:
    application = _own(application_id)
    client = queries.get_client(client_pk)
    if client.application_id != application.id:
        raise NotFound("This client does not exist.")
    return application, client


def _page(application_id: UUID, *, error: DomainError | None = None, form: Mapping[str, str] | None = None) -> str:
    with transaction():
        application = _own(application_id)
        clients = [(client, queries.list_keys(client.pk)) for client in queries.list_clients(application.id)]
    return render_template(
        "oauth/credentials.html", application=application, clients=clients, form=form or {}, errors=_said(error)
    )


def _said(error: DomainError | None) -> dict[str, str]:
    """The error in French, by field of the form."""
    if error is None:
        return {}
    sentences = {
        "invalid_redirect_uri": gettext(
            "Adresse de retour refusée : donnez des adresses https sans fragment ni joker, une par ligne"
            " (http://127.0.0.1 est admis en bac à sable)."
        ),
        "invalid_client_metadata": gettext(
            "Clé refusée : collez une clé publique (jamais la clé privée) d’un algorithme admis par le profil."
        ),
        "application-not-listed": gettext(
            "Les identifiants de production attendent que l’application soit référencée."
        ),
        "key-known": gettext("Cette clé est déjà enregistrée."),
        "too-many-keys": gettext("Trop de clés se recouvrent : attendez la fin des plus anciennes."),
        "public-client": gettext("Un client public n’a pas de clé."),
    }
    fields = [fault.where for fault in error.faults] or [""]
    return {field: sentences.get(error.code) or error.faults[0].message for field in fields}


def _show_key(application: ApplicationView, client: Client, private: Mapping[str, Any]) -> tuple[str, int]:
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
