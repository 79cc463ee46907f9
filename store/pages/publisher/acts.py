"""What a publisher may decide alone about their application: give a request up, suspend it, withdraw it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core.access import Actor
from platform_core.database import transaction
from platform_core.errors import DomainError
from platform_core.renderers import status_of
from store.pages import forms
from store.queries.listings import find_listing
from store.queries.submissions import get_own_submission
from store.service import drafts, listings
from store.workflow import (
    LISTING,
    SUBMISSION,
    ListingState,
    ListingVerb,
    Role,
    SubmissionState,
    SubmissionVerb,
    Table,
    possible,
)

blueprint = Blueprint("own_acts", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int]
Act = Callable[[UUID, str, Actor], None]


@dataclass(frozen=True, slots=True)
class OwnAct:
    """One of the acts: its verb, whether it must say why, what does it."""

    verb: StrEnum
    act: Act

    @property
    def table(self) -> Table:
        return SUBMISSION if isinstance(self.verb, SubmissionVerb) else LISTING

    @property
    def needs_motive(self) -> bool:
        return self.table[self.verb].motive


def _suspend(application_id: UUID, motive: str, by: Actor) -> None:
    listings.suspend_listing(application_id=application_id, motive=motive, by=by)


def _withdraw(application_id: UUID, motive: str, by: Actor) -> None:
    listings.withdraw_listing(application_id=application_id, motive=motive, by=by)


def _abandon(application_id: UUID, motive: str, by: Actor) -> None:
    drafts.abandon(application_id=application_id, by=by)


ACTS: Mapping[str, OwnAct] = {
    "abandon": OwnAct(SubmissionVerb.ABANDON, _abandon),
    "suspension": OwnAct(ListingVerb.SUSPEND, _suspend),
    "retrait": OwnAct(ListingVerb.WITHDRAW, _withdraw),
}


def list_own_acts(state: SubmissionState, listing: ListingState | None) -> Sequence[tuple[str, OwnAct]]:
    """Those possible now, each with the word of its address."""
    verbs = {*possible(SUBMISSION, state, roles={Role.PUBLISHER})}
    if listing:
        verbs |= {*possible(LISTING, listing, roles={Role.PUBLISHER})}
    return [(slug, one) for slug, one in ACTS.items() if one.verb in verbs]


@blueprint.get("/editeur/applications/<uuid:application_id>/actes/<any(abandon, suspension, retrait):slug>")
@agent_required("publisher")
def confirm(application_id: UUID, slug: str) -> str:
    return _page(application_id, slug)


@blueprint.post("/editeur/applications/<uuid:application_id>/actes/<any(abandon, suspension, retrait):slug>")
@agent_required("publisher")
def do(application_id: UUID, slug: str) -> Answer:
    motive, by = request.form.get("motive", "").strip().replace("\r\n", "\n"), current_actor()
    try:
        with transaction():
            get_own_submission(application_id, by=by)
            ACTS[slug].act(application_id, motive, by)
    except DomainError as refused:
        if status_of(refused) not in {409, 422}:
            raise
        if refused.code == "motive-required":
            return _page(application_id, slug, motive, forms.say_refusal(refused)), 422
        flash(forms.say_refusal(refused), "warning")
    else:
        flash(gettext("C’est fait. L’acte est inscrit à l’historique."), "success")
    return redirect(url_for("follow_up.show", application_id=application_id), 303)


def _page(application_id: UUID, slug: str, motive: str = "", error: str = "") -> str:
    with transaction():
        file = get_own_submission(application_id, by=current_actor())
        listing = find_listing(application_id)
    found = dict(list_own_acts(file.state, listing.state if listing else None))
    if slug not in found:
        abort(404)
    return render_template(
        "store/publisher/own_act.html",
        file=file,
        tab="follow_up",
        verb=found[slug].verb,
        needs_motive=found[slug].needs_motive,
        listing=listing,
        motive=motive,
        error=error,
    )
