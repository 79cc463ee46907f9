"""The commission: sessions planned, their agenda, declared interests, votes, opinions, minutes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.queries import list_agents
from identity_core.sessions import agent_required, current_actor
from platform_core.access import Actor
from platform_core.clock import PARIS
from platform_core.database import transaction
from platform_core.errors import DomainError, NotFound
from platform_core.renderers import status_of
from store.pages import forms
from store.pages.reviewer import wording
from store.queries.commission import get_session, list_items, list_ready, list_reservations, list_sessions
from store.queries.submissions import get_submission
from store.rules.commission import Ballot
from store.service import commission
from store.service.transitions import check_other_organisation
from store.workflow import Role, SessionState

blueprint = Blueprint("commission", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int]


@dataclass(frozen=True, slots=True)
class Typed:
    """A session as it was typed."""

    day: str = ""
    hour: str = "14:00"
    place: str = ""
    remote_url: str = ""

    def starts_at(self) -> datetime:
        """The instant, in Paris. Raises `ValueError`."""
        return datetime.strptime(f"{self.day} {self.hour}", "%Y-%m-%d %H:%M").replace(tzinfo=PARIS)


@blueprint.get("/instruction/commission")
@agent_required("reviewer", "commission", "decider")
def show_sessions() -> str:
    return _sessions(Typed())


@blueprint.post("/instruction/commission")
@agent_required("reviewer", "commission")
def plan_session() -> Answer:
    form = request.form
    typed = Typed(*(form.get(name, "").strip() for name in ("day", "hour", "place", "remote_url")))
    try:
        with transaction():
            session_id = commission.plan_session(
                starts_at=typed.starts_at(), place=typed.place, remote_url=typed.remote_url, by=current_actor()
            )
    except ValueError:
        return _sessions(typed, gettext("Indiquez le jour et l’heure, par exemple 14:30.")), 422
    except DomainError as refused:
        return _sessions(typed, forms.say_refusal(refused)), status_of(refused)
    flash(gettext("La séance est prévue."), "success")
    return redirect(_url(session_id), 303)


def _sessions(typed: Typed, error: str = "") -> str:
    with transaction():
        sessions, ready = list_sessions(), list_ready()
    return render_template(
        "store/reviewer/sessions.html",
        sessions=sessions,
        ready=ready,
        typed=typed,
        error=error,
        may_plan=bool(current_actor().roles & {"reviewer", "commission"}),
    )


@blueprint.get("/instruction/commission/membres")
@agent_required("reviewer", "commission", "decider")
def show_members() -> str:
    with transaction():
        members = list_agents(Role.COMMISSION)
        running = [one for one in list_sessions() if one.state is SessionState.OPEN]
        items = [item for session in running for item in list_items(session.id) if item.opinion is None]
    owed = {
        member.id: [
            item for item in items for part in item.members if part.member_id == member.id and part.links is None
        ]
        for member in members
    }
    return render_template("store/reviewer/members.html", members=members, owed=owed)


@blueprint.get("/instruction/commission/<uuid:session_id>")
@agent_required("reviewer", "commission", "decider")
def show_session(session_id: UUID) -> str:
    return _session_page(session_id)


@blueprint.get("/instruction/commission/<uuid:session_id>/proces-verbal")
@agent_required("reviewer", "commission", "decider")
def show_minutes(session_id: UUID) -> str:
    with transaction():
        session, items = get_session(session_id), list_items(session_id)
        found = {item.submission_id: list_reservations(item.submission_id) for item in items}
    return render_template("store/reviewer/minutes.html", session=session, items=items, reservations=found)


_ACTS: Mapping[str, Callable[[UUID, Actor], object]] = {
    "ouvrir": lambda session_id, by: commission.open_session(session_id=session_id, by=by),
    "clore": lambda session_id, by: commission.close_session(session_id=session_id, by=by),
}


@blueprint.post("/instruction/commission/<uuid:session_id>/<slug>")
@agent_required("commission")
def hold_session(session_id: UUID, slug: str) -> Answer:
    act = _ACTS.get(slug) or abort(404)
    return _perform(session_id, lambda by: act(session_id, by))


@blueprint.post("/instruction/commission/<uuid:session_id>/ordre-du-jour")
@agent_required("reviewer", "commission")
def add_to_agenda(session_id: UUID) -> Answer:
    asked = request.form.get("submission", "")
    try:
        submission_id = UUID(asked)
    except ValueError:
        return _session_page(session_id, gettext("Choisissez un dossier.")), 422
    return _perform(
        session_id, lambda by: commission.add_to_agenda(session_id=session_id, submission_id=submission_id, by=by)
    )


@blueprint.post("/instruction/commission/<uuid:session_id>/dossiers/<uuid:item_id>/reporter")
@agent_required("reviewer", "commission")
def remove_from_agenda(session_id: UUID, item_id: UUID) -> Answer:
    return _perform(session_id, lambda by: commission.remove_from_agenda(item_id=item_id, by=by))


@blueprint.post("/instruction/commission/<uuid:session_id>/dossiers/<uuid:item_id>/interets")
@agent_required("commission")
def declare_interests(session_id: UUID, item_id: UUID) -> Answer:
    has, links = request.form.get("has", ""), wording.typed("links")
    if has not in {"no", "yes"} or (has == "yes") is not bool(links):
        return _session_page(session_id, gettext("Dites si vous avez un intérêt dans ce dossier, et lequel.")), 422
    return _perform(session_id, lambda by: commission.declare_interests(item_id=item_id, links=links, by=by))


@blueprint.post("/instruction/commission/<uuid:session_id>/dossiers/<uuid:item_id>/vote")
@agent_required("commission")
def vote(session_id: UUID, item_id: UUID) -> Answer:
    asked = request.form.get("ballot", "")
    if asked not in set(Ballot):
        return _session_page(session_id, gettext("Choisissez un vote.")), 422
    return _perform(session_id, lambda by: commission.vote(item_id=item_id, ballot=Ballot(asked), by=by))


def _perform(session_id: UUID, act: Callable[[Actor], object]) -> Answer:
    try:
        with transaction():
            act(current_actor())
    except NotFound:
        raise
    except DomainError as refused:
        return _session_page(session_id, forms.say_refusal(refused)), status_of(refused)
    flash(gettext("C’est fait."), "success")
    return redirect(_url(session_id), 303)


def _session_page(session_id: UUID, error: str = "") -> str:
    by = current_actor()
    with transaction():
        session, items, ready = get_session(session_id), list_items(session_id), list_ready()
        own = {item.id for item in items if _is_own(item.submission_id, by)}
    return render_template(
        "store/reviewer/session.html",
        session=session,
        items=items,
        ready=ready,
        error=error,
        own=own,
        me=by.id,
        sits=by.has_role(Role.COMMISSION),
        prepares=bool(by.roles & {"reviewer", "commission"}) and session.state is not SessionState.CLOSED,
        ballots=list(Ballot),
    )


def _is_own(submission_id: UUID, by: Actor) -> bool:
    """Whether the file is that of an organisation of the member: they take no part in it."""
    try:
        check_other_organisation(get_submission(submission_id).organisation_id, by)
    except DomainError:
        return True
    return False


def _url(session_id: UUID) -> str:
    return url_for("commission.show_session", session_id=session_id)
