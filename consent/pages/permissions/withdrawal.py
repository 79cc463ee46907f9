"""Revoking one authorization, what the app leaves in the record, and the erasure of its copies."""

from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from consent.pages.permissions import wording
from consent.pages.permissions.dashboard import blueprint
from consent.pages.permissions.modification import get_live
from consent.queries import ConsentState
from consent.service import erasure, withdrawal
from consent.service.withdrawal import Reason
from identity_core.sessions import current_actor, current_patient_id, permissions_required
from platform_core import clock
from platform_core.database import transaction
from platform_core.errors import Invalid
from platform_core.events import ContributionsChoice
from platform_core.journal import queries as journal
from store.queries.listings import find_listing

_Value = TypeVar("_Value", bound=StrEnum)


@blueprint.get("/<uuid:grant_id>/revocation")
@permissions_required
def show_revocation(grant_id: UUID) -> str:
    """What revoking does, before it is done."""
    with transaction(patient_id=current_patient_id()):
        state = get_live(grant_id)
        written = _count_written(state)
        listing = find_listing(state.app_id) if state.environment == "production" else None
    return render_template("consent/revoke.html", state=state, written=written, listing=listing, wording=wording)


@blueprint.post("/<uuid:grant_id>/revocation")
@permissions_required
def revoke_application(grant_id: UUID) -> Response:
    with transaction(patient_id=current_patient_id()):
        withdrawal.withdraw_consent(
            patient_id=current_patient_id(),
            grant_id=grant_id,
            reasons=[_read(Reason, value) for value in request.form.getlist("reasons")],
            contributions=_read(ContributionsChoice, request.form.get("contributions", ContributionsChoice.KEEP)),
            erase=request.form.get("erase") == "yes",
            by=current_actor(),
        )
    flash(gettext("L’autorisation est révoquée. L’application n’accède plus à vos données."), "success")
    return redirect(url_for(".show_application", grant_id=grant_id), 303)


@blueprint.post("/<uuid:grant_id>/contributions")
@permissions_required
def decide_contributions(grant_id: UUID) -> Response:
    """Change one's mind on what the app of an ended authorization had written."""
    choice = _read(ContributionsChoice, request.form.get("contributions", ""))
    with transaction(patient_id=current_patient_id()):
        withdrawal.decide_contributions(
            patient_id=current_patient_id(), grant_id=grant_id, choice=choice, by=current_actor()
        )
    flash(gettext("C’est fait : %(what)s", what=wording.choice(choice)), "success")
    return redirect(url_for(".show_application", grant_id=grant_id), 303)


@blueprint.post("/<uuid:grant_id>/effacement")
@permissions_required
def ask_erasure(grant_id: UUID) -> Response:
    """Ask the publisher to erase its copies: one click, followed on the same page."""
    with transaction(patient_id=current_patient_id()):
        erasure.ask_erasure(patient_id=current_patient_id(), grant_id=grant_id, by=current_actor())
    flash(gettext("Votre demande est envoyée à l’éditeur. Suivez-la ici."), "success")
    return redirect(url_for(".show_application", grant_id=grant_id), 303)


def _count_written(state: ConsentState) -> int:
    """How many resources the app added under this consent, as far as the journal goes back."""
    days = journal.list_activity(state.patient_id, state.grant_id, since=state.valid_from, until=clock.now())
    return sum(int(day.written) for day in days)


def _read(values: type[_Value], text: str) -> _Value:
    try:
        return values(text)
    except ValueError:
        raise Invalid("This choice was not offered.", code="unknown-option") from None
