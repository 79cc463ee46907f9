"""The authority prepares calls, scores candidacies, chooses, and opens pilots."""

from collections.abc import Callable, Mapping
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
from store.pages.calls import wording
from store.queries import calls as queries
from store.service import calls, candidacies, pilots
from store.service.transitions import check_other_organisation
from store.workflow import CALL, CallVerb, possible

blueprint = Blueprint("authority_calls", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int]
Errors = Mapping[str, str]

ACTS: Mapping[str, CallVerb] = {
    "publier": CallVerb.PUBLISH,
    "clore": CallVerb.CLOSE,
    "conclure": CallVerb.CONCLUDE,
    "archiver": CallVerb.ARCHIVE,
}
_CALLS: Mapping[str, Callable[[UUID, Actor], object]] = {
    "publier": lambda call_id, by: calls.publish(call_id=call_id, by=by),
    "clore": lambda call_id, by: calls.close(call_id=call_id, by=by),
    "conclure": lambda call_id, by: calls.conclude(call_id=call_id, by=by),
    "archiver": lambda call_id, by: calls.archive(call_id=call_id, motive=wording.typed("motive"), by=by),
}
_CANDIDACIES: Mapping[str, Callable[[UUID, Actor], object]] = {
    "noter": lambda candidacy_id, by: candidacies.score(candidacy_id=candidacy_id, scores=_scores(), by=by),
    "retenir": lambda candidacy_id, by: candidacies.select(
        candidacy_id=candidacy_id, motive=wording.typed("motive"), by=by
    ),
    "ecarter": lambda candidacy_id, by: candidacies.reject(
        candidacy_id=candidacy_id, motive=wording.typed("motive"), by=by
    ),
    "experimentation": lambda candidacy_id, by: pilots.open_pilot(
        candidacy_id=candidacy_id,
        regions=request.form.getlist("regions"),
        places=wording.typed_number("places"),
        ends_on=wording.typed_day("ends_on"),
        motive=wording.typed("motive"),
        by=by,
    ),
}


@blueprint.get("/instruction/appels")
@agent_required("reviewer", "decider")
def list_calls() -> str:
    with transaction():
        found = queries.list_calls()
    return render_template("store/calls/authority_list.html", found=found)


@blueprint.get("/instruction/appels/nouveau")
@agent_required("reviewer", "decider")
def show_new() -> str:
    return _form({}, {})


@blueprint.post("/instruction/appels/nouveau")
@agent_required("reviewer", "decider")
def prepare() -> Answer:
    try:
        with transaction():
            call_id = calls.prepare(terms=wording.read_terms(), by=current_actor())
    except DomainError as refused:
        return _form(wording.posted(), wording.errors_of(refused)), status_of(refused)
    return redirect(url_for("authority_calls.show_call", call_id=call_id), 303)


@blueprint.get("/instruction/appels/<uuid:call_id>/modifier")
@agent_required("reviewer", "decider")
def show_revision(call_id: UUID) -> str:
    with transaction():
        call = queries.get_call(call_id)
    return _form(wording.fill_form(call.terms), {})


@blueprint.post("/instruction/appels/<uuid:call_id>/modifier")
@agent_required("reviewer", "decider")
def revise(call_id: UUID) -> Answer:
    try:
        with transaction():
            calls.revise(call_id=call_id, terms=wording.read_terms(), by=current_actor())
    except DomainError as refused:
        return _form(wording.posted(), wording.errors_of(refused)), status_of(refused)
    return redirect(url_for("authority_calls.show_call", call_id=call_id), 303)


def _form(values: Mapping[str, object], errors: Errors) -> str:
    return render_template(
        "store/calls/form.html",
        form=values,
        errors=errors,
        rows=wording.ROWS,
        regions=wording.region_options(),
        categories=[{"value": code, "label": label} for code, label in forms.item_choices()],
        action=request.path,
    )


@blueprint.get("/instruction/appels/<uuid:call_id>")
@agent_required("reviewer", "decider")
def show_call(call_id: UUID) -> str:
    return _call_page(call_id)


@blueprint.post("/instruction/appels/<uuid:call_id>/<slug>")
@agent_required("decider")
def act(call_id: UUID, slug: str) -> Answer:
    do = _CALLS.get(slug) or abort(404)
    try:
        with transaction():
            do(call_id, current_actor())
    except DomainError as refused:
        return _call_page(call_id, wording.say_refusal(refused)), status_of(refused)
    flash(gettext("C’est fait."), "success")
    return redirect(url_for("authority_calls.show_call", call_id=call_id), 303)


def _call_page(call_id: UUID, error: str = "") -> str:
    with transaction():
        call = queries.get_call(call_id)
        found = queries.list_candidacies(call_id) if call.published_at else []
    verbs = possible(CALL, call.state, roles=current_actor().roles)
    return render_template(
        "store/calls/authority_call.html",
        call=call,
        found=found,
        acts=[slug for slug, verb in ACTS.items() if verb in verbs],
        error=error,
        say_regions=wording.say_regions,
        say_category=forms.say_category,
    )


@blueprint.get("/instruction/candidatures/<uuid:candidacy_id>")
@agent_required("reviewer", "decider")
def show_candidacy(candidacy_id: UUID) -> str:
    return _candidacy_page(candidacy_id)


@blueprint.post("/instruction/candidatures/<uuid:candidacy_id>/<slug>")
@agent_required("reviewer", "decider")
def judge(candidacy_id: UUID, slug: str) -> Answer:
    do = _CANDIDACIES.get(slug) or abort(404)
    try:
        with transaction():
            do(candidacy_id, current_actor())
    except DomainError as refused:
        return _candidacy_page(candidacy_id, wording.errors_of(refused)), status_of(refused)
    flash(gettext("C’est enregistré."), "success")
    return redirect(url_for("authority_calls.show_candidacy", candidacy_id=candidacy_id), 303)


def _scores() -> dict[str, tuple[int, str]]:
    """The scores typed, by criterion."""
    codes = [name.removeprefix("score-") for name in request.form if name.startswith("score-")]
    return {code: (wording.typed_number(f"score-{code}"), wording.typed(f"comment-{code}")) for code in codes}


def _candidacy_page(candidacy_id: UUID, errors: Errors | None = None) -> str:
    by = current_actor()
    with transaction():
        candidacy = queries.get_candidacy(candidacy_id)
        check_other_organisation(candidacy.organisation_id, by)
        call = queries.get_call(candidacy.call_id)
        pilot = queries.find_pilot_of(candidacy_id)
    own = next((one.scores for one in candidacy.scores if one.reviewer_id == by.id), {})
    kept: dict[str, object] = {f"score-{code}": value for code, (value, _) in own.items()}
    kept |= {f"comment-{code}": text for code, (_, text) in own.items()}
    return render_template(
        "store/calls/candidacy.html",
        candidacy=candidacy,
        call=call,
        pilot=pilot,
        may_score=by.has_role("reviewer"),
        may_choose=by.has_role("decider") and not own,
        form=wording.posted() if errors else kept,
        regions=wording.region_options(call.terms.regions),
        say_regions=wording.say_regions,
        errors=errors or {},
    )
