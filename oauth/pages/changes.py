"""Changes to one client: addresses of return, keys, closing. What cannot be undone asks to be confirmed."""

from datetime import timedelta
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import current_actor
from oauth import service
from oauth.pages.credentials import blueprint, own_client, page, publisher, show_key
from oauth.pages.key_forms import read_key
from platform_core.database import transaction
from platform_core.errors import Conflict, Fault, Invalid
from platform_core.web import rate_limit


@blueprint.post("/<uuid:client_pk>/cle")
@rate_limit("20 per minute")
@publisher
def rotate(application_id: UUID, client_pk: UUID) -> tuple[str, int] | Response:
    """Register the next key of a client; those before it end after the overlap that was chosen."""
    days = request.form.get("overlap", "7")
    try:
        with transaction():
            application, client = own_client(application_id, client_pk)
            offered = read_key(client.profile)
            if offered.public is None:
                raise Invalid("A key is expected.", code="invalid_client_metadata", faults=[Fault("jwk", "missing")])
            overlap = timedelta(days=int(days) if days.isdecimal() and len(days) < 4 else -1)
            service.rotate_key(client_pk=client.pk, jwk=offered.public, by=current_actor(), overlap=overlap)
    except (Invalid, Conflict) as error:
        return page(application_id, error=error, form=request.form), 422
    if offered.private:
        return show_key(application, client, offered.private)
    flash(gettext("Nouvelle clé enregistrée."), "success")
    return _back(application_id)


@blueprint.post("/<uuid:client_pk>/cles/adresse")
@publisher
def publish_keys(application_id: UUID, client_pk: UUID) -> tuple[str, int] | Response:
    """Take the keys of a client from the address where it publishes them."""
    address = request.form.get("jwks_uri", "").strip()
    try:
        with transaction():
            _, client = own_client(application_id, client_pk)
            service.publish_keys_at(client_pk=client.pk, jwks_uri=address, by=current_actor())
    except (Invalid, Conflict) as error:
        return page(application_id, error=error, form=request.form), 422
    flash(gettext("Les clés seront lues à cette adresse."), "success")
    return _back(application_id)


@blueprint.post("/<uuid:client_pk>/cles/<thumbprint>/fin")
@publisher
def end_key(application_id: UUID, client_pk: UUID, thumbprint: str) -> str | tuple[str, int] | Response:
    """End a key at once."""
    if not _confirmed():
        return _ask(
            application_id,
            client_pk,
            gettext("Arrêter cette clé ?"),
            gettext("Les demandes signées avec elle seront refusées dès maintenant."),
            gettext("Arrêter la clé"),
        )
    try:
        with transaction():
            _, client = own_client(application_id, client_pk)
            service.end_key(client_pk=client.pk, thumbprint=thumbprint, by=current_actor())
    except Conflict as error:
        return page(application_id, error=error), 422
    flash(gettext("Clé arrêtée."), "success")
    return _back(application_id)


@blueprint.post("/<uuid:client_pk>/adresses")
@publisher
def add_redirect(application_id: UUID, client_pk: UUID) -> tuple[str, int] | Response:
    """Register one more address of return."""
    try:
        with transaction():
            _, client = own_client(application_id, client_pk)
            address = request.form.get("redirect_uri", "").strip()
            service.add_redirect_uri(client_pk=client.pk, redirect_uri=address, by=current_actor())
    except Invalid as error:
        return page(application_id, error=error), 422
    flash(gettext("Adresse de retour ajoutée."), "success")
    return _back(application_id)


@blueprint.post("/<uuid:client_pk>/adresses/retrait")
@publisher
def remove_redirect(application_id: UUID, client_pk: UUID) -> str | tuple[str, int] | Response:
    """Forget an address of return."""
    address = request.form.get("redirect_uri", "")
    if not _confirmed():
        return _ask(
            application_id,
            client_pk,
            gettext("Retirer cette adresse de retour ?"),
            gettext("Les usagers ne pourront plus y revenir : %(address)s", address=address),
            gettext("Retirer l’adresse"),
            redirect_uri=address,
        )
    try:
        with transaction():
            _, client = own_client(application_id, client_pk)
            service.remove_redirect_uri(client_pk=client.pk, redirect_uri=address, by=current_actor())
    except Invalid as error:
        return page(application_id, error=error), 422
    flash(gettext("Adresse de retour retirée."), "success")
    return _back(application_id)


@blueprint.post("/<uuid:client_pk>/deconnexion")
@rate_limit("20 per minute")
@publisher
def register_logout(application_id: UUID, client_pk: UUID) -> tuple[str, int] | Response:
    """Register where people are sent after signing out, and where the app is told that they did."""
    after, told = f"after-{client_pk}", f"told-{client_pk}"
    uris = [line.strip() for line in request.form.get(after, "").splitlines() if line.strip()]
    try:
        with transaction():
            _, client = own_client(application_id, client_pk)
            service.register_logout(
                client_pk=client.pk,
                post_logout_redirect_uris=uris,
                backchannel_logout_uri=request.form.get(told, "").strip() or None,
                by=current_actor(),
            )
    except Invalid as error:
        where, message = after, gettext("Adresse refusée : donnez des adresses https exactes, sans fragment ni joker.")
        if error.code != "invalid_redirect_uri":
            where, message = told, gettext("Adresse refusée : donnez une adresse https, sans fragment.")
        wrong = Invalid(error.message, faults=[Fault(where, message)])
        return page(application_id, error=wrong, form=request.form), 422
    flash(gettext("Adresses de déconnexion enregistrées."), "success")
    return _back(application_id)


@blueprint.post("/<uuid:client_pk>/fermeture")
@publisher
def close(application_id: UUID, client_pk: UUID) -> str | Response:
    """Close a client for good."""
    if not _confirmed():
        return _ask(
            application_id,
            client_pk,
            gettext("Fermer ces identifiants ?"),
            gettext("Tous les jetons donnés à ces identifiants cessent de valoir, sans retour possible."),
            gettext("Fermer les identifiants"),
        )
    with transaction():
        _, client = own_client(application_id, client_pk)
        service.disable_client(client_pk=client.pk, by=current_actor())
    flash(gettext("Identifiants fermés : leurs jetons sont révoqués."), "success")
    return _back(application_id)


def _confirmed() -> bool:
    return request.form.get("confirm") == "yes"


def _ask(application_id: UUID, client_pk: UUID, title: str, text: str, button: str, **fields: str) -> str:
    """The page that asks again before something that cannot be undone."""
    with transaction():
        application, client = own_client(application_id, client_pk)
    return render_template(
        "oauth/confirm.html",
        application=application,
        client=client,
        title=title,
        text=text,
        button_label=button,
        fields=fields,
        action=request.path,
    )


def _back(application_id: UUID) -> Response:
    return redirect(url_for(".show", application_id=application_id), 303)
