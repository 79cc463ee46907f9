"""The acts on a dossier and on its listing: what they do, a motive, a preview, a confirmation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core.access import Actor
from platform_core.database import transaction
from platform_core.errors import DomainError
from platform_core.navigation import Area, panels
from platform_core.renderers import status_of
from store.errors import TransitionRefused
from store.pages import forms
from store.pages.reviewer import previews, wording
from store.pages.reviewer.conflicts import show_conflict
from store.pages.reviewer.desk import Desk, dossier_url, open_desk
from store.queries.agreements import find_convention
from store.queries.commission import list_reservations
from store.queries.submissions import SubmissionView, get_submission
from store.rules import commission
from store.rules.messages import Use
from store.service import conventions, decisions, listings, reviews
from store.workflow import (
    LISTING,
    SUBMISSION,
    TABLES,
    ListingVerb,
    Opinion,
    ReservationState,
    Role,
    SubmissionVerb,
    possible,
)

blueprint = Blueprint("acts", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int]
Verb = SubmissionVerb | ListingVerb
_S, _L = SubmissionVerb, ListingVerb


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form of an act holds."""

    motive: str = ""
    opinion: str = ""
    against: bool = False


Act = Callable[[SubmissionView, Asked, Actor], object]

SLUGS: Mapping[str, Verb] = {
    "prise-en-charge": _S.TAKE_IN_CHARGE,
    "rendre": _S.RELEASE,
    "recevable": _S.DECLARE_ADMISSIBLE,
    "irrecevable": _S.DECLARE_INADMISSIBLE,
    "evaluation": _S.START_EVALUATION,
    "proposer": _S.PROPOSE_OPINION,
    "accepter": _S.ACCEPT,
    "refuser": _S.REFUSE,
    "contresigner": _S.COUNTERSIGN_CONVENTION,
    "inscrire": _L.LIST,
    "suspendre": _L.SUSPEND,
    "retablir": _L.REINSTATE,
    "retirer": _L.WITHDRAW,
}
_ACTS: Mapping[Verb, Act] = {
    _S.TAKE_IN_CHARGE: lambda file, _, by: reviews.take_in_charge(submission_id=file.id, by=by),
    _S.RELEASE: lambda file, _, by: reviews.release(submission_id=file.id, by=by),
    _S.DECLARE_ADMISSIBLE: lambda file, _, by: reviews.declare_admissible(submission_id=file.id, by=by),
    _S.DECLARE_INADMISSIBLE: lambda file, asked, by: reviews.declare_inadmissible(
        submission_id=file.id, motive=asked.motive, by=by
    ),
    _S.START_EVALUATION: lambda file, _, by: reviews.start_evaluation(submission_id=file.id, by=by),
    _S.PROPOSE_OPINION: lambda file, asked, by: reviews.propose(
        submission_id=file.id, opinion=Opinion(asked.opinion), motive=asked.motive, by=by
    ),
    _S.ACCEPT: lambda file, asked, by: decisions.accept(
        submission_id=file.id, motive=asked.motive, against_opinion=asked.against, by=by
    ),
    _S.REFUSE: lambda file, asked, by: decisions.refuse(
        submission_id=file.id, motive=asked.motive, against_opinion=asked.against, by=by
    ),
    _S.COUNTERSIGN_CONVENTION: lambda file, _, by: conventions.countersign(submission_id=file.id, by=by),
    _L.LIST: lambda file, _, by: listings.list_application(application_id=file.application_id, by=by),
    _L.SUSPEND: lambda file, asked, by: listings.suspend_listing(
        application_id=file.application_id, motive=asked.motive, by=by
    ),
    _L.REINSTATE: lambda file, asked, by: listings.reinstate_listing(
        application_id=file.application_id, motive=asked.motive, by=by
    ),
    _L.WITHDRAW: lambda file, asked, by: listings.withdraw_listing(
        application_id=file.application_id, motive=asked.motive, by=by
    ),
}
_SANCTIONS = frozenset({_L.SUSPEND, _L.REINSTATE, _L.WITHDRAW})
_USES: Mapping[Verb, Use] = {
    _S.DECLARE_INADMISSIBLE: Use.INADMISSIBLE,
    _S.PROPOSE_OPINION: Use.PROPOSAL,
    _S.ACCEPT: Use.ACCEPTANCE,
    _S.REFUSE: Use.REFUSAL,
    _L.SUSPEND: Use.SUSPENSION,
    _L.REINSTATE: Use.REINSTATEMENT,
    _L.WITHDRAW: Use.WITHDRAWAL,
}


def list_acts(desk: Desk) -> Sequence[tuple[str, Verb]]:
    """The acts to offer: those of the tables for these roles. Listing is offered on the dossier to be listed.

    Nothing is countersigned before the publisher has signed, nor listed before the checks are passed.
    """
    file, listing, roles = desk.file, desk.listing, current_actor().roles & {"reviewer", "decider"}
    verbs = set(possible(SUBMISSION, file.state, roles=roles))
    verbs |= set(possible(LISTING, listing.state if listing else None, roles=roles)) - {_L.LIST}
    if _S.PUBLISH in verbs:
        verbs.add(_L.LIST)
    if file.waiting_on is Role.PUBLISHER:
        verbs -= {_S.COUNTERSIGN_CONVENTION, _L.LIST}
    if file.evaluator_id is None:
        verbs.discard(_S.RELEASE)
    elif file.evaluator_id == current_actor().id:
        verbs.discard(_S.TAKE_IN_CHARGE)
    return [(slug, verb) for slug, verb in SLUGS.items() if verb in verbs]


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/<slug>")
@agent_required("reviewer", "decider")
def confirm_act(submission_id: UUID, slug: str) -> str:
    return _form(open_desk(submission_id), _verb(slug), Asked())


@blueprint.post("/instruction/dossiers/<uuid:submission_id>/<slug>")
@agent_required("reviewer", "decider")
def perform_act(submission_id: UUID, slug: str) -> Answer:
    verb, form = _verb(slug), request.form
    asked = Asked(wording.typed("motive"), form.get("opinion", ""), "against" in form)
    if wording.wants("insert") or wording.wants("correct"):
        return _form(open_desk(submission_id), verb, asked, inserts=wording.wants("insert"))
    if verb is _S.PROPOSE_OPINION and asked.opinion not in set(Opinion):
        return _form(open_desk(submission_id), verb, asked, gettext("Choisissez un avis.")), 422
    if wording.wants("preview") and asked.motive:
        return _preview(open_desk(submission_id), verb, asked)
    try:
        with transaction():
            _ACTS[verb](get_submission(submission_id), asked, current_actor())
    except TransitionRefused:
        return show_conflict(submission_id, act=verb, text=asked.motive, chosen=asked.opinion)
    except DomainError as refused:
        if status_of(refused) not in {403, 409, 422}:
            raise
        return _form(open_desk(submission_id), verb, asked, forms.say_refusal(refused)), status_of(refused)
    flash(gettext("C’est fait."), "success")
    return redirect(dossier_url(submission_id), 303)


def _verb(slug: str) -> Verb:
    if slug not in SLUGS:
        abort(404)
    return SLUGS[slug]


def _form(desk: Desk, verb: Verb, asked: Asked, error: str = "", *, inserts: bool = False) -> str:
    """What an act does and what it asks for; an act without a motive shows here what the publisher will read."""
    if inserts:
        asked = Asked(wording.inserted(asked.motive, desk.file), asked.opinion, asked.against)
    computed = commission.propose(desk.criteria, desk.found)
    with transaction():
        left = [one for one in list_reservations(desk.file.id) if one.state is ReservationState.OPEN]
        convention = find_convention(desk.file.id)
    return render_template(
        "store/reviewer/act.html",
        file=desk.file,
        desk=desk,
        verb=verb,
        asked=asked,
        error=error,
        needs_motive=TABLES[type(verb)][verb].motive,
        templates=wording.offered(_USES[verb]) if verb in _USES else (),
        opinions=commission.list_allowed(desk.unmet),
        computed=computed,
        left=[one for one in left if one.suspensive],
        departs=_departs(verb, desk.file.opinion),
        convention=convention,
        notice=previews.list_notices(verb, desk),
        public=previews.find_public_page(verb, desk),
        blocks=_concerned(desk) if verb in _SANCTIONS else (),
    )


def _preview(desk: Desk, verb: Verb, asked: Asked) -> str:
    """What the publisher and the public will see, before the act is confirmed."""
    return render_template(
        "store/reviewer/preview.html",
        file=desk.file,
        desk=desk,
        verb=verb,
        asked=asked,
        notice=previews.list_notices(verb, desk),
        public=previews.find_public_page(verb, desk),
        blocks=_concerned(desk) if verb in _SANCTIONS else (),
    )


def _departs(verb: Verb, opinion: Opinion | None) -> bool:
    """Whether deciding so departs from the opinion of the commission."""
    if opinion is None or verb not in {_S.ACCEPT, _S.REFUSE}:
        return False
    return commission.goes_against(opinion, accepts=verb is _S.ACCEPT)


def _concerned(desk: Desk) -> Sequence[Markup]:
    """What other rooms say of the people whom an act on the listing concerns."""
    with transaction():
        found = panels(Area.REVIEWER, "dossier", by=current_actor(), application_id=desk.file.application_id)
        return [Markup(render_template(template, **context)) for template, context in found]  # noqa: S704 - our own
