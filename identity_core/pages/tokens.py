"""Pages of personal access tokens: making one, seeing it once, revoking it."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core import queries
from identity_core.rules import LONGEST_TOKEN_DAYS, Role, granted_scopes
from identity_core.service import tokens
from identity_core.sessions import agent_required, current_actor, current_organisation_id
from platform_core.callers import Scope
from platform_core.database import transaction
from platform_core.errors import Conflict, DomainError, Invalid
from platform_core.web import rate_limit

blueprint = Blueprint("tokens", __name__, url_prefix="/editeur/jetons", template_folder="../templates")
_member = agent_required("publisher", "viewer")
LIVES = (7, 30, 90, LONGEST_TOKEN_DAYS)


@blueprint.get("")
@_member
def list_tokens() -> str:
    """The live tokens: one's own, or all those of the organisation for an administrator."""
    return _page()


@blueprint.post("")
@rate_limit("20 per minute")
@_member
def create() -> tuple[str, int]:
    """Make a token. It is shown in the answer, and nowhere else ever."""
    form = request.form
    days = int(form["days"]) if form.get("days", "").isdecimal() else 0
    try:
        with transaction():
            text = tokens.create_token(
                name=form.get("name", ""), scopes=form.getlist("scopes"), days=days, by=current_actor()
            )
    except (Invalid, Conflict) as error:
        return _page(error), 422
    return render_template("identity/token.html", text=text, name=form["name"]), 201


@blueprint.post("/<uuid:token_id>/revocation")
@_member
def revoke(token_id: UUID) -> Response:
    with transaction():
        tokens.revoke_token(token_id=token_id, by=current_actor())
    flash(gettext("Jeton révoqué : plus rien ne passe avec lui."), "success")
    return redirect(url_for(".list_tokens"), 303)


def scope_names() -> dict[str, str]:
    """The scopes in the words of the page."""
    return {
        Scope.APPLICATIONS_READ: gettext("Lire les applications et leurs dossiers"),
        Scope.APPLICATIONS_WRITE: gettext("Remplir et soumettre les dossiers"),
        Scope.EVIDENCE_READ: gettext("Lire la liste des preuves"),
        Scope.EVIDENCE_WRITE: gettext("Déposer des preuves"),
        Scope.QUESTIONS_READ: gettext("Lire les questions de l’instruction"),
        Scope.QUESTIONS_WRITE: gettext("Répondre aux questions de l’instruction"),
        Scope.CREDENTIALS_READ: gettext("Lire les identifiants techniques"),
        Scope.CREDENTIALS_WRITE: gettext("Remplacer des clés et des adresses de retour"),
        Scope.USAGE_READ: gettext("Lire l’utilisation"),
    }


def _page(error: DomainError | None = None) -> str:
    actor = current_actor()
    with transaction():
        everybody = actor.has_role(Role.ADMINISTRATOR)
        found = queries.list_tokens(current_organisation_id(), agent_id=None if everybody else actor.id)
    names = scope_names()
    return render_template(
        "identity/tokens.html",
        tokens=found,
        me=actor,
        names=names,
        allowed=[scope for scope in names if scope in granted_scopes(names, actor.roles)],
        lives=LIVES,
        form=request.form if error else {},
        chosen=request.form.getlist("scopes") if error else [],
        errors=_said(error),
    )


def _said(error: DomainError | None) -> dict[str, str]:
    """The error in French, by field of the form."""
    if error is None:
        return {}
    words = {
        "name": gettext("Donnez un nom au jeton, de 80 caractères au plus."),
        "scopes": gettext("Choisissez au moins un droit."),
        "days": gettext("Choisissez une durée."),
        "": gettext("Trop de jetons sont en service : révoquez-en d’abord."),
    }
    return {where: words[where] for where in ([fault.where for fault in error.faults] or [""])}
