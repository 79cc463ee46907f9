"""What follows the opinion: reservations to lift, the convention, the interoperability tests."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core.database import transaction
from platform_core.errors import DomainError, NotFound
from platform_core.renderers import status_of
from store.errors import TransitionRefused
from store.pages import forms
from store.pages.reviewer import wording
from store.pages.reviewer.conflicts import show_conflict
from store.pages.reviewer.desk import open_file
from store.queries.agreements import CheckView, find_convention, list_checks
from store.queries.commission import ReservationView, list_reservations
from store.queries.submissions import SubmissionView
from store.rules import convention
from store.rules.interop import Behaviour
from store.service import interop, reservations
from store.workflow import ReservationState, ReservationVerb, SubmissionState

blueprint = Blueprint("agreements", __name__, template_folder="../../templates")

Answer = Response | tuple[str, int]


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/reserves/<uuid:reservation_id>")
@agent_required("reviewer", "decider", "commission")
def show_reservation(submission_id: UUID, reservation_id: UUID) -> str:
    return _reservation_page(submission_id, reservation_id)


@blueprint.post("/instruction/dossiers/<uuid:submission_id>/reserves/<uuid:reservation_id>")
@agent_required("reviewer")
def conclude_reservation(submission_id: UUID, reservation_id: UUID) -> Answer:
    motive, lifts = wording.typed("motive"), wording.wants("lift")
    conclude = reservations.lift if lifts else reservations.decline
    try:
        with transaction():
            conclude(reservation_id=reservation_id, motive=motive, by=current_actor())
    except TransitionRefused:
        verb = ReservationVerb.LIFT if lifts else ReservationVerb.DECLINE
        return show_conflict(submission_id, act=f"reservation:{verb}", text=motive)
    except DomainError as refused:
        if status_of(refused) not in {409, 422}:
            raise
        return _reservation_page(submission_id, reservation_id, motive, forms.say_refusal(refused)), 422
    flash(gettext("La réserve est levée.") if lifts else gettext("La réserve est maintenue."), "success")
    return redirect(url_for("reviews.show_dossier", submission_id=submission_id, _anchor="reserves"), 303)


def _reservation_page(submission_id: UUID, reservation_id: UUID, motive: str = "", error: str = "") -> str:
    with transaction():
        file = open_file(submission_id)
        found = {one.id: one for one in list_reservations(submission_id)}
    one = _found(found.get(reservation_id))
    return render_template(
        "store/reviewer/reservation.html",
        tab="summary",
        file=file,
        one=one,
        motive=motive,
        error=error,
        may_conclude=one.state is ReservationState.OPEN and "reviewer" in current_actor().roles,
    )


def _found(one: ReservationView | None) -> ReservationView:
    if one is None:
        raise NotFound("This reservation does not exist.")
    return one


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/convention")
@agent_required("reviewer", "decider", "commission")
def show_convention(submission_id: UUID) -> str:
    with transaction():
        file = open_file(submission_id)
        signed = find_convention(submission_id)
    text = convention.load(signed.version) if signed else convention.present()
    return render_template(
        "store/reviewer/convention.html",
        tab="summary",
        file=file,
        signed=signed,
        text=text,
        may_sign=file.state is SubmissionState.ACCEPTED and signed is not None and "decider" in current_actor().roles,
    )


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/interoperabilite")
@agent_required("reviewer", "decider", "commission")
def show_checks(submission_id: UUID) -> str:
    file, checks = _checks(submission_id)
    may = file.state is SubmissionState.INTEROP_TESTS and "reviewer" in current_actor().roles
    return render_template("store/reviewer/checks.html", tab="summary", file=file, checks=checks, may_waive=may)


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/interoperabilite/<behaviour>/dispense")
@agent_required("reviewer")
def confirm_waiver(submission_id: UUID, behaviour: str) -> str:
    return _waiver_page(submission_id, behaviour)


@blueprint.post("/instruction/dossiers/<uuid:submission_id>/interoperabilite/<behaviour>/dispense")
@agent_required("reviewer")
def waive(submission_id: UUID, behaviour: str) -> Answer:
    motive = wording.typed("motive")
    if behaviour not in set(Behaviour):
        raise NotFound("This behaviour is not asked of the application.")
    try:
        with transaction():
            interop.waive(
                submission_id=submission_id, behaviour=Behaviour(behaviour), motive=motive, by=current_actor()
            )
    except DomainError as refused:
        if status_of(refused) not in {409, 422}:
            raise
        return _waiver_page(submission_id, behaviour, motive, forms.say_refusal(refused)), status_of(refused)
    flash(gettext("La dispense est enregistrée."), "success")
    return redirect(url_for("agreements.show_checks", submission_id=submission_id), 303)


def _waiver_page(submission_id: UUID, behaviour: str, motive: str = "", error: str = "") -> str:
    file, checks = _checks(submission_id)
    found = [one for one in checks if one.behaviour == behaviour]
    if not found:
        raise NotFound("This behaviour is not asked of the application.")
    return render_template(
        "store/reviewer/waiver.html", tab="summary", file=file, check=found[0], motive=motive, error=error
    )


def _checks(submission_id: UUID) -> tuple[SubmissionView, list[CheckView]]:
    with transaction():
        return open_file(submission_id), list(list_checks(submission_id))
