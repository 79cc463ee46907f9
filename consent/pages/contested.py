"""The accesses that patients contest, before the authority, and how often apps go out of their habits."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from consent.pages import contest_words, journal_words, words
from consent.queries.accesses import count_unusual
from consent.queries.reports import count_open_reports, count_reports, get_report, list_steps
from consent.queries.reports import list_reports as find_reports
from consent.rules.reports import State, Verb, possible
from consent.service import reports
from identity_core.sessions import agent_required, current_actor
from platform_core import clock
from platform_core.access import Actor
from platform_core.database import transaction
from platform_core.errors import DomainError
from platform_core.pagination import page_number
from platform_core.renderers import status_of
from store.workflow import Role

blueprint = Blueprint("contested", __name__, url_prefix="/instruction/acces-contestes", template_folder="../templates")

LATELY = timedelta(days=30)
SLUGS = {"examiner": Verb.EXAMINE, "repondre": Verb.ANSWER, "clore": Verb.CLOSE}
_ACTS: Mapping[Verb, Callable[[UUID, str, Actor], object]] = {
    Verb.EXAMINE: lambda report_id, _, by: reports.examine_report(report_id=report_id, by=by),
    Verb.ANSWER: lambda report_id, text, by: reports.answer_report(report_id=report_id, text=text, by=by),
    Verb.CLOSE: lambda report_id, _, by: reports.close_report(report_id=report_id, by=by),
}


@blueprint.get("")
@agent_required("reviewer", "decider")
def list_reports() -> str:
    """The reports, by state and app; how often each app went out of its habit in the last thirty days."""
    asked, application_id = request.args.get("etat", ""), request.args.get("application", type=UUID)
    state = State(asked) if asked in set(State) else None
    with transaction():
        found = find_reports(state=state, application_id=application_id, page=page_number(request.args.get("page")))
        counts = count_reports(application_id)
        unusual = count_unusual(since=clock.today() - LATELY)
    return render_template(
        "consent/contests/list.html",
        found=found,
        counts=counts,
        state=state,
        states=list(State),
        unusual=unusual,
        says=contest_words,
        kind=journal_words.unusual_kind,
        application_id=application_id,
        url_for_page=lambda page: url_for(".list_reports", etat=state, application=application_id, page=page),
    )


@blueprint.get("/<uuid:report_id>")
@agent_required("reviewer", "decider")
def show_report(report_id: UUID) -> str:
    return _page(report_id)


@blueprint.post("/<uuid:report_id>/<slug>")
@agent_required("reviewer")
def act(report_id: UUID, slug: str) -> Response | tuple[str, int]:
    verb, text = SLUGS.get(slug) or abort(404), request.form.get("text", "")
    try:
        with transaction():
            _ACTS[verb](report_id, text, current_actor())
    except DomainError as refused:
        return _page(report_id, text=text, error=_say(refused)), status_of(refused)
    flash(gettext("C’est fait."), "success")
    return redirect(url_for(".show_report", report_id=report_id), 303)


def load_panel(*, by: Actor | None, application_id: UUID, **_: object) -> Mapping[str, Any] | None:
    """For the page of an application: how many of its accesses are contested; nothing when none is. A reviewer is led
    to them."""
    count = count_open_reports(application_id)
    href = url_for("contested.list_reports", application=application_id) if by and by.has_role(Role.REVIEWER) else None
    return {"count": count, "href": href} if count else None


def _page(report_id: UUID, text: str = "", error: str = "") -> str:
    with transaction():
        report = get_report(report_id)
        reports.check_examiner(report.application_id, by=current_actor())
        steps = list_steps(report_id)
    may = possible(report.state, Role.REVIEWER) if current_actor().has_role(Role.REVIEWER) else []
    return render_template(
        "consent/contests/report.html",
        report=report,
        steps=steps,
        acts=[(slug, verb) for slug, verb in SLUGS.items() if verb in may],
        text=text,
        error=error,
        says=contest_words,
        words=words,
        actor_kind=journal_words.actor_kind,
    )


def _say(refused: DomainError) -> str:
    return {
        "answer-invalid": gettext("Écrivez la réponse, en 4 000 caractères au plus."),
        "transition-refused": gettext("Ce signalement a changé d’état entre-temps : relisez-le."),
    }.get(refused.code, gettext("Cet acte ne vous revient pas."))
