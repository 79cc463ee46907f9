"""The reviewers' pages: the queue, a dossier with its criteria, the acts on it and on its listing."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from store.queries.queue import QueueFilter, count_by_state, list_queue
from store.queries.submissions import SubmissionView, get_submission
from store.queries.verdicts import list_verdicts
from store.rules import commission, dossier, grid
from store.rules.grid import Verdict
from store.service import conventions, decisions, listings, reviews
from store.service.transitions import check_other_organisation
from store.workflow import LISTING, SUBMISSION, TABLES, ListingVerb, Opinion, SubmissionState, SubmissionVerb, possible

blueprint = Blueprint("reviews", __name__, template_folder="../templates")

Answer = str | Response | tuple[str, int]
Verb = SubmissionVerb | ListingVerb


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form of an act holds."""

    motive: str = ""
    flagged: tuple[str, ...] = ()
    opinion: str = ""
    against: bool = False


Act = Callable[[SubmissionView, Asked, Actor], object]

SLUGS: Mapping[str, Verb] = {
    "prise-en-charge": SubmissionVerb.TAKE_IN_CHARGE,
    "rendre": SubmissionVerb.RELEASE,
    "recevable": SubmissionVerb.DECLARE_ADMISSIBLE,
    "irrecevable": SubmissionVerb.DECLARE_INADMISSIBLE,
    "evaluation": SubmissionVerb.START_EVALUATION,
    "complements": SubmissionVerb.REQUEST_COMPLEMENTS,
    "proposer": SubmissionVerb.PROPOSE_OPINION,
    "accepter": SubmissionVerb.ACCEPT,
    "refuser": SubmissionVerb.REFUSE,
    "contresigner": SubmissionVerb.COUNTERSIGN_CONVENTION,
    "inscrire": ListingVerb.LIST,
    "suspendre": ListingVerb.SUSPEND,
    "retablir": ListingVerb.REINSTATE,
    "retirer": ListingVerb.WITHDRAW,
}
_ACTS: Mapping[Verb, Act] = {
    SubmissionVerb.TAKE_IN_CHARGE: lambda file, _, by: reviews.take_in_charge(submission_id=file.id, by=by),
    SubmissionVerb.RELEASE: lambda file, _, by: reviews.release(submission_id=file.id, by=by),
    SubmissionVerb.DECLARE_ADMISSIBLE: lambda file, _, by: reviews.declare_admissible(submission_id=file.id, by=by),
    SubmissionVerb.DECLARE_INADMISSIBLE: lambda file, asked, by: reviews.declare_inadmissible(
        submission_id=file.id, motive=asked.motive, by=by
    ),
    SubmissionVerb.START_EVALUATION: lambda file, _, by: reviews.start_evaluation(submission_id=file.id, by=by),
    SubmissionVerb.REQUEST_COMPLEMENTS: lambda file, asked, by: reviews.request_complements(
        submission_id=file.id, motive=asked.motive, flagged=asked.flagged, by=by
    ),
    SubmissionVerb.PROPOSE_OPINION: lambda file, asked, by: reviews.propose(
        submission_id=file.id, opinion=Opinion(asked.opinion), motive=asked.motive, by=by
    ),
    SubmissionVerb.ACCEPT: lambda file, asked, by: decisions.accept(
        submission_id=file.id, motive=asked.motive, against_opinion=asked.against, by=by
    ),
    SubmissionVerb.REFUSE: lambda file, asked, by: decisions.refuse(
        submission_id=file.id, motive=asked.motive, against_opinion=asked.against, by=by
    ),
    SubmissionVerb.COUNTERSIGN_CONVENTION: lambda file, _, by: conventions.countersign(submission_id=file.id, by=by),
    ListingVerb.LIST: lambda file, _, by: listings.list_application(application_id=file.application_id, by=by),
    ListingVerb.SUSPEND: lambda file, asked, by: listings.suspend_listing(
        application_id=file.application_id, motive=asked.motive, by=by
    ),
    ListingVerb.REINSTATE: lambda file, asked, by: listings.reinstate_listing(
        application_id=file.application_id, motive=asked.motive, by=by
    ),
    ListingVerb.WITHDRAW: lambda file, asked, by: listings.withdraw_listing(
        application_id=file.application_id, motive=asked.motive, by=by
    ),
}


@blueprint.get("/instruction/dossiers")
@agent_required("reviewer", "decider", "commission")
def show_queue() -> str:
    asked = request.args.get("etat", "")
    state = SubmissionState(asked) if asked in set(SubmissionState) else None
    with transaction():
        found = list_queue(chosen=QueueFilter(state=state), page=page_number(request.args.get("page")))
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
    used, answers = grid.load(file.grid_version), file.dossier.get("orientation", {})
    return render_template(
        "store/reviewer/dossier.html",
        file=file,
        listing=listing,
        verdicts=verdicts,
        history=history,
        grid=used,
        criteria=used.applicable(answers),
        unmet=grid.list_unmet(used, {key: view.verdict for key, view in verdicts.items()}, answers),
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
    """The acts to offer: those of the tables for these roles. Listing is offered on the dossier to be listed."""
    roles = current_actor().roles & {"reviewer", "decider"}
    verbs = set(possible(SUBMISSION, file.state, roles=roles))
    verbs |= set(possible(LISTING, listing.state if listing else None, roles=roles)) - {ListingVerb.LIST}
    if SubmissionVerb.PUBLISH in verbs:
        verbs.add(ListingVerb.LIST)
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
        forms=forms,
    )


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/<slug>")
@agent_required("reviewer", "decider")
def confirm_act(submission_id: UUID, slug: str) -> str:
    return _act_page(submission_id, _verb(slug))


@blueprint.post("/instruction/dossiers/<uuid:submission_id>/<slug>")
@agent_required("reviewer", "decider")
def perform_act(submission_id: UUID, slug: str) -> Answer:
    verb, asked = _verb(slug), _asked()
    if verb is SubmissionVerb.PROPOSE_OPINION and asked.opinion not in set(Opinion):
        return _act_page(submission_id, verb, asked, gettext("Choisissez un avis.")), 422
    try:
        with transaction():
            _ACTS[verb](get_submission(submission_id), asked, current_actor())
    except DomainError as refused:
        status = status_of(refused)
        if status not in {403, 409, 422}:
            raise
        return _act_page(submission_id, verb, asked, forms.say_refusal(refused)), status
    flash(gettext("C’est fait."), "success")
    return redirect(url_for("reviews.show_dossier", submission_id=submission_id), 303)


def _asked() -> Asked:
    form = request.form
    return Asked(
        form.get("motive", "").strip(), tuple(form.getlist("flagged")), form.get("opinion", ""), "against" in form
    )


def _act_page(submission_id: UUID, verb: Verb, asked: Asked = Asked(), error: str = "") -> str:
    with transaction():
        file = get_submission(submission_id)
        found = {code: view.verdict for code, view in list_verdicts(submission_id).items()}
    criteria = grid.load(file.grid_version).applicable(file.dossier.get("orientation", {}))
    return render_template(
        "store/reviewer/act.html",
        file=file,
        verb=verb,
        needs_motive=TABLES[type(verb)][verb].motive,
        asked=asked,
        motive=asked.motive,
        error=error,
        parts=[{"value": code, "label": gettext(schema["title"])} for code, schema in dossier.SECTIONS.items()],
        opinions=list(Opinion),
        proposed=commission.propose(criteria, found) or "",
    )


def _verb(slug: str) -> Verb:
    if slug not in SLUGS:
        abort(404)
    return SLUGS[slug]
