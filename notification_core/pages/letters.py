"""Where the links in e-mails lead: unsubscribing and confirming an address, both without signing in.

Opening a link changes nothing, since mail servers open links too: a button does.
"""

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from notification_core import queries
from notification_core.pages.words import label
from notification_core.service import addresses, preferences
from platform_core.database import transaction
from platform_core.errors import NotFound
from platform_core.web import public, rate_limit

unsubscribing = Blueprint(
    "unsubscribing", __name__, url_prefix="/notifications/desabonnement", template_folder="../templates"
)
blueprint = Blueprint("letters", __name__, url_prefix="/notifications/adresse", template_folder="../templates")
mailbox = Blueprint("mailbox", __name__, template_folder="../templates")


@unsubscribing.get("/<token>")
@public("the token of an e-mail is the whole authority, and stops e-mails only")
@rate_limit("30 per minute")
def show_unsubscription(token: str) -> str | tuple[str, int]:
    return _unsubscription(token, done=False)


@unsubscribing.post("/<token>")
@public("the token of an e-mail is the whole authority, and stops e-mails only")
@rate_limit("30 per minute")
def unsubscribe(token: str) -> str | tuple[str, int]:
    """The button of the page, or the mail reader itself (RFC 8058), which has neither page nor cookie."""
    try:
        with transaction():
            preferences.unsubscribe(token=token, everything="everything" in request.form)
    except NotFound:
        return _unknown()
    return _unsubscription(token, done=True, everything="everything" in request.form)


@blueprint.get("/<token>")
@public("the token of an e-mail shows that its reader owns the address")
@rate_limit("30 per minute")
def show_confirmation(token: str) -> str | tuple[str, int]:
    with transaction():
        known = queries.find_waiting_change(token)
    return render_template("notification/address.html", token=token, done=False) if known else _unknown()


@blueprint.post("/<token>")
@public("the token of an e-mail shows that its reader owns the address")
@rate_limit("30 per minute")
def confirm(token: str) -> str | tuple[str, int]:
    try:
        with transaction():
            addresses.confirm_change(token=token)
    except NotFound:
        return _unknown()
    return render_template("notification/address.html", token=token, done=True)


@mailbox.get("/boite-aux-lettres")
@public("shows the e-mails of a development machine; absent from production")
def show_mailbox() -> str:
    with transaction():
        emails, counts = queries.list_emails(), queries.count_emails()
    return render_template("notification/mailbox.html", emails=emails, counts=counts)


def keep_address_from_others(response: Response) -> Response:
    """The address of the page is the secret: no other site, and no cache, learns it."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


for _secret in (unsubscribing, blueprint):
    _secret.after_request(keep_address_from_others)


def _unsubscription(token: str, *, done: bool, everything: bool = False) -> str | tuple[str, int]:
    try:
        topic = preferences.read_unsubscription(token).topic
    except NotFound:
        return _unknown()
    return render_template(
        "notification/unsubscription.html", token=token, topic=label(topic), done=done, everything=everything
    )


def _unknown() -> tuple[str, int]:
    return render_template("notification/unknown_link.html"), 404
