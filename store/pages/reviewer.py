"""The reviewers' pages: the queue, a dossier with its criteria, the acts on it and on its listing."""

import re
from collections.abc import Callable, Mapping
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core.access import Actor
from platform_core.database import transaction
from platform_core.errors import DomainError, Invalid, VersionMismatch
from platform_core.pagination import page_number
from platform_core.renderers import status_of
from store.pages import forms
from store.queries.history import list_history
from store.queries.listings import ListingView, find_listing
from store.queries.queue import count_by_state, list_queue
from store.queries.submissions import SubmissionView, get_submission
from store.queries.verdicts import list_verdicts
from store.rules import dossier, grid
from store.rules.grid import Verdict
from store.service import listings, reviews
from store.service.transitions import check_other_organisation
from store.workflow import TRANSITIONS, ListingState, SubmissionState, Verb, possible

blueprint = Blueprint("reviews", __name__, template_folder="../templates")

Answer = str | Response | tuple[str, int]
Act = Callable[[SubmissionView, str, Actor], object]

SLUGS = {
    "prise-en-charge": Verb.TAKE_IN_CHARGE,
    "complements": Verb.REQUEST_COMPLEMENTS,
    "proposer-acceptation": Verb.PROPOSE_ACCEPTANCE,
    "proposer-refus": Verb.PROPOSE_REFUSAL,
    "accepter": Verb.ACCEPT,
    "refuser": Verb.REFUSE,
    "inscrire": Verb.LIST,
    "suspendre": Verb.SUSPEND,
    "retablir": Verb.REINSTATE,
    "retirer": Verb.WITHDRAW,
}
_ACTS: Mapping[Verb, Act] = {
    Verb.TAKE_IN_CHARGE: lambda file, _, by: reviews.take_in_charge(submission_id=file.id, by=by),
    Verb.REQUEST_COMPLEMENTS: lambda file, motive, by: reviews.request_complements(
        submission_id=file.id, motive=motive, by=by
    ),
    Verb.PROPOSE_ACCEPTANCE: lambda file, motive, by: reviews.propose(
        submission_id=file.id, favourable=True, motive=motive, by=by
    ),
    Verb.PROPOSE_REFUSAL: lambda file, motive, by: reviews.propose(
        submission_id=file.id, favourable=False, motive=motive, by=by
    ),
    Verb.ACCEPT: lambda file, motive, by: reviews.accept(submission_id=file.id, motive=motive, by=by),
    Verb.REFUSE: lambda file, motive, by: reviews.refuse(submission_id=file.id, motive=motive, by=by),
    Verb.LIST: lambda file, _, by: listings.list_application(application_id=file.application_id, by=by),
    Verb.SUSPEND: lambda file, motive, by: listings.suspend_listing(
        application_id=file.application_id, motive=motive, by=by
    ),
    Verb.REINSTATE: lambda file, motive, by: listings.reinstate_listing(
        application_id=file.application_id, motive=motive, by=by
    ),
    Verb.WITHDRAW: lambda file, motive, by: listings.withdraw_listing(
        application_id=file.application_id, motive=motive, by=by
    ),
}
_DECISIONS = {Verb.ACCEPT, Verb.REFUSE}


@blueprint.get("/instruction/dossiers")
@agent_required("reviewer", "decider", "commission")
def show_queue() -> str:
    asked = request.args.get("etat", "")
    state = SubmissionState(asked) if asked in set(SubmissionState) else None
    with transaction():
        found = list_queue(state=state, page=page_number(request.args.get("page")))
        counts = count_by_state()
    return render_template(
        "store/reviewer/queue.html",
        found=found,
        counts=counts,
        state=state,
        states=[one for one in SubmissionState if one is not SubmissionState.DRAFT],
        url_for_page=lambda page: url_for("reviews.show_queue", etat=asked, page=page),
    )


@blueprint.get("/instruction/dossiers/<uuid:submission_id>")
@agent_required("reviewer", "decider", "commission")
def show_dossier(submission_id: UUID) -> str:
    with transaction():
        file = _file(submission_id)
        listing = find_listing(file.application_id)
        verdicts = list_verdicts(submission_id)
        history = list_history(file.application_id, internal=True)
    used = grid.load(file.grid_version)
    return render_template(
        "store/reviewer/dossier.html",
        file=file,
        listing=listing,
        verdicts=verdicts,
        history=history,
        grid=used,
        unmet=grid.list_unmet(used, {key: view.verdict for key, view in verdicts.items()}),
        sections=dossier.SECTIONS,
        acts=_possible_acts(file, listing),
        forms=forms,
    )


def _file(submission_id: UUID) -> SubmissionView:
    """The dossier and what its reviewers think of it: not for the people of its own publisher."""
    file = get_submission(submission_id)
    check_other_organisation(file.organisation_id, current_actor())
    return file


def _possible_acts(file: SubmissionView, listing: ListingView | None) -> list[tuple[str, Verb]]:
    """The acts to offer: those of the table for these roles, less those that would be refused for another reason."""
    roles = current_actor().roles
    verbs = set(possible(file.state, roles=roles)) - (_DECISIONS if file.proposal is None else set())
    verbs |= set(possible(listing.state if listing else None, roles=roles)) - {Verb.LIST}
    listed_already = listing is not None and listing.submission_id == file.id
    listable = listing is None or listing.state in {ListingState.LISTED, ListingState.EXPIRED}
    if file.state is SubmissionState.ACCEPTED and not listed_already and listable and "decider" in roles:
        verbs.add(Verb.LIST)
    return [(slug, verb) for slug, verb in SLUGS.items() if verb in verbs]


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/criteres/<criterion>")
@agent_required("reviewer", "decider", "commission")
def show_criterion(submission_id: UUID, criterion: str) -> str:
    return _criterion_page(submission_id, criterion)


@blueprint.post("/instruction/dossiers/<uuid:submission_id>/criteres/<criterion>")
@agent_required("reviewer")
def record_verdict(submission_id: UUID, criterion: str) -> Answer:
    asked, comment = request.form.get("verdict", ""), request.form.get("comment", "").strip()
    version = request.form.get("version", "0")
    if asked not in set(Verdict) or not re.fullmatch("[0-9]{1,9}", version):
        return _criterion_page(submission_id, criterion, asked, comment, gettext("Choisissez un avis.")), 422
    try:
        with transaction():
            reviews.record_verdict(
                submission_id=submission_id,
                criterion=criterion,
                verdict=Verdict(asked),
                comment=comment,
                version=int(version),
                by=current_actor(),
            )
    except (VersionMismatch, Invalid) as refused:
        status = 409 if isinstance(refused, VersionMismatch) else 422
        return _criterion_page(submission_id, criterion, asked, comment, forms.say_refusal(refused), status), status
    flash(gettext("Avis enregistré."), "success")
    return redirect(url_for("reviews.show_dossier", submission_id=submission_id, _anchor="criteres"), 303)


def _criterion_page(
    submission_id: UUID, criterion: str, asked: str = "", comment: str = "", error: str = "", status: int = 200
) -> str:
    """The form of a verdict. In a conflict it keeps what was typed and shows what the colleague wrote."""
    with transaction():
        file = _file(submission_id)
        saved = list_verdicts(submission_id).get(criterion)
    return render_template(
        "store/reviewer/criterion.html",
        file=file,
        criterion=grid.load(file.grid_version).get(criterion),
        saved=saved,
        verdict=asked or (saved.verdict if saved else None),
        comment=comment if asked or not saved else saved.comment,
        error=error,
        conflict=status == 409,
        verdicts=list(Verdict),
        editable=file.state is SubmissionState.IN_EVALUATION and "reviewer" in current_actor().roles,
    )


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/<slug>")
@agent_required("reviewer", "decider")
def confirm_act(submission_id: UUID, slug: str) -> str:
    return _act_page(submission_id, _verb(slug))


@blueprint.post("/instruction/dossiers/<uuid:submission_id>/<slug>")
@agent_required("reviewer", "decider")
def perform_act(submission_id: UUID, slug: str) -> Answer:
    verb, motive = _verb(slug), request.form.get("motive", "").strip()
    try:
        with transaction():
            _ACTS[verb](get_submission(submission_id), motive, current_actor())
    except DomainError as refused:
        status = status_of(refused)
        if status not in {403, 409, 422}:
            raise
        return _act_page(submission_id, verb, motive, forms.say_refusal(refused)), status
    flash(gettext("C’est fait."), "success")
    return redirect(url_for("reviews.show_dossier", submission_id=submission_id), 303)


def _act_page(submission_id: UUID, verb: Verb, motive: str = "", error: str = "") -> str:
    with transaction():
        file = get_submission(submission_id)
    return render_template(
        "store/reviewer/act.html",
        file=file,
        verb=verb,
        needs_motive=TRANSITIONS[verb].motive,
        motive=motive,
        error=error,
    )


def _verb(slug: str) -> Verb:
    if slug not in SLUGS:
        abort(404)
    return SLUGS[slug]
