"""Pages of an organisation's members: who they are, inviting, levels, and the invitations that one has received."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core import queries
from identity_core.rules import MemberLevel, Role
from identity_core.service import members
from identity_core.sessions import (
    act_for_organisation,
    agent_required,
    any_agent_required,
    current_actor,
    current_organisation_id,
    current_sign_in,
)
from platform_core.database import transaction
from platform_core.errors import Conflict, DomainError, Fault, Invalid, NotFound
from platform_core.web import rate_limit

blueprint = Blueprint("members", __name__, url_prefix="/editeur", template_folder="../templates")
_member = agent_required("publisher", "viewer")
_administrator = agent_required("administrator")
_WORDS = {
    "invalid-email": "Donnez une adresse électronique, comme prenom.nom@exemple.fr.",
    "member-already": "Cette personne est déjà membre de l’organisation.",
    "too-many-invitations": "Trop d’invitations attendent une réponse : annulez-en d’abord.",
    "last-administrator": "Il faut au moins un administrateur : nommez-en un autre d’abord.",
    "invalid-level": "Choisissez un niveau.",
}


@blueprint.get("/membres")
@_member
def list_members() -> str:
    """Who belongs to the organisation, and who is invited to."""
    return _page()


@blueprint.post("/membres/invitations")
@rate_limit("20 per minute")
@_administrator
def invite() -> Response | tuple[str, int]:
    """Invite somebody by e-mail."""
    try:
        with transaction():
            members.invite_member(email=request.form.get("email", ""), level=_level(), by=current_actor())
    except (Invalid, Conflict) as error:
        return _page(error), 422
    flash(gettext("Invitation envoyée. Elle vaut sept jours."), "success")
    return redirect(url_for(".list_members"), 303)


@blueprint.post("/membres/invitations/<uuid:invitation_id>/annulation")
@_administrator
def cancel_invitation(invitation_id: UUID) -> Response:
    with transaction():
        members.cancel_invitation(invitation_id=invitation_id, by=current_actor())
    flash(gettext("Invitation annulée."), "success")
    return redirect(url_for(".list_members"), 303)


@blueprint.get("/membres/<uuid:agent_id>")
@_administrator
def show_member(agent_id: UUID) -> str:
    """One member: the level to change, and leaving."""
    return _member_page(agent_id)


@blueprint.post("/membres/<uuid:agent_id>/niveau")
@_administrator
def change_level(agent_id: UUID) -> Response | tuple[str, int]:
    try:
        with transaction():
            members.change_level(agent_id=agent_id, level=_level(), by=current_actor())
    except (Invalid, Conflict) as error:
        return _member_page(agent_id, error), 422
    flash(gettext("Niveau enregistré : il vaut dès la prochaine page de cette personne."), "success")
    return redirect(url_for(".list_members"), 303)


@blueprint.post("/membres/<uuid:agent_id>/retrait")
@agent_required("publisher", "viewer")
def remove(agent_id: UUID) -> Response | tuple[str, int]:
    """Take a member out, or leave the organisation oneself."""
    leaves = agent_id == current_actor().id
    try:
        with transaction():
            members.remove_member(agent_id=agent_id, by=current_actor())
    except Conflict as error:
        return _page(error), 422
    flash(gettext("Vous avez quitté l’organisation.") if leaves else gettext("Membre retiré."), "success")
    return redirect(url_for(".list_offers") if leaves else url_for(".list_members"), 303)


@blueprint.get("/invitations")
@any_agent_required
def list_offers() -> str:
    """The invitations to the address of the agent, and the organisations they belong to already."""
    agent_id = current_sign_in().id
    with transaction():
        offers = queries.list_offers(agent_id)
        own = queries.list_memberships(agent_id)
        address = queries.find_agent_email(agent_id)
    return render_template("identity/offers.html", offers=offers, own=own, address=address, levels=level_names())


@blueprint.post("/invitations/<uuid:invitation_id>/acceptation")
@any_agent_required
def accept(invitation_id: UUID) -> Response:
    with transaction():
        organisation_id = members.accept_invitation(invitation_id=invitation_id, by=current_actor())
    act_for_organisation(organisation_id)
    flash(gettext("Vous avez rejoint l’organisation."), "success")
    return redirect(url_for(".list_members"), 303)


@blueprint.post("/organisation")
@any_agent_required
def choose_organisation() -> Response:
    """Turn to another of the organisations that one belongs to."""
    wanted = request.form.get("organisation", "")
    with transaction():
        own = {str(one.organisation_id): one for one in queries.list_memberships(current_sign_in().id)}
    if wanted not in own:
        raise NotFound("You do not belong to this organisation.")
    act_for_organisation(own[wanted].organisation_id)
    return redirect(url_for(".list_members"), 303)


def level_names() -> dict[str, str]:
    """The levels in the words of the pages."""
    return {
        MemberLevel.VIEWER: gettext("Lecteur"),
        MemberLevel.EDITOR: gettext("Rédacteur"),
        MemberLevel.ADMINISTRATOR: gettext("Administrateur"),
    }


def _level() -> MemberLevel:
    try:
        return MemberLevel(request.form.get("level", ""))
    except ValueError:
        raise Invalid("Choose a level.", code="invalid-level", faults=[Fault("level", "missing")]) from None


def _page(error: DomainError | None = None) -> str:
    actor, organisation_id = current_actor(), current_organisation_id()
    with transaction():
        organisation = queries.get_organisation(organisation_id)
        found = queries.list_members(organisation_id)
        invitations = queries.list_invitations(organisation_id) if actor.has_role(Role.ADMINISTRATOR) else []
        own = queries.list_memberships(current_sign_in().id)
    return render_template(
        "identity/members.html",
        organisation=organisation,
        members=found,
        invitations=invitations,
        me=actor,
        own=own,
        levels=level_names(),
        form=request.form if error else {},
        errors=_said(error),
    )


def _member_page(agent_id: UUID, error: DomainError | None = None) -> str:
    with transaction():
        found = queries.list_members(current_organisation_id())
    member = next((one for one in found if one.agent_id == agent_id), None)
    if member is None:
        raise NotFound("This person is not a member of your organisation.")
    return render_template("identity/member.html", member=member, levels=level_names(), errors=_said(error))


def _said(error: DomainError | None) -> dict[str, str]:
    """The error in French, by field of the form."""
    if error is None:
        return {}
    return {(error.faults[0].where if error.faults else ""): _WORDS[error.code]}
