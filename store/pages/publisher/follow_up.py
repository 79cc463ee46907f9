"""Where an application is in the procedure: the steps, who must act, the opinion, the decision, what follows."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from flask import Blueprint, render_template

from identity_core.sessions import agent_required, current_actor
from platform_core import clock
from platform_core.database import transaction
from store.pages.publisher.acts import list_own_acts
from store.queries import agreements, audits, commission, history, listings, questions
from store.queries.history import HistoryEntry
from store.queries.submissions import SubmissionView, get_own_submission
from store.queries.verdicts import VerdictView, list_verdicts
from store.rules import course, grid
from store.rules.grid import Criterion, Verdict
from store.rules.next_step import Standing, next_step
from store.rules.procedure import possible_kinds, renewable_from
from store.workflow import AGREED, FINAL, QuestionState, SubmissionState, SubmissionVerb

blueprint = Blueprint("follow_up", __name__, template_folder="../../templates")

_DECISIONS = {SubmissionVerb.ACCEPT, SubmissionVerb.REFUSE, SubmissionVerb.DECLARE_INADMISSIBLE}
_DECIDED = AGREED | {SubmissionState.REFUSED, SubmissionState.LISTED}


@blueprint.get("/editeur/applications/<uuid:application_id>/suivi")
@agent_required("publisher")
def show(application_id: UUID) -> str:
    with transaction():
        file = get_own_submission(application_id, by=current_actor())
        entries = [one for one in history.list_history(application_id) if one.submission_id == file.id]
        intervals = history.list_intervals(file.id)
        listing = listings.find_listing(application_id)
        reservations = commission.list_reservations(file.id)
        checks = agreements.list_checks(file.id)
        convention = agreements.find_convention(file.id)
        asked = questions.list_questions(file.id)
        verdicts = list_verdicts(file.id) if file.state in _DECIDED else {}
        found = audits.list_audits(application_id)
    state, expires_on = (listing.state, listing.expires_on) if listing else (None, None)
    is_pilot = listing is not None and listing.pilot is not None
    again = possible_kinds(state, expires_on, clock.today(), is_pilot=is_pilot)
    return render_template(
        "store/publisher/follow_up.html",
        file=file,
        tab="follow_up",
        next_step=next_step(Standing(file.state, file.waiting_on, state, expires_on), clock.today()),
        steps=course.list_progress(file.state, [one.phase for one in intervals]),
        afterwards=course.AFTERWARDS,
        spent=course.days_spent(intervals, clock.now()),
        listing=listing,
        reservations=reservations,
        checks=checks,
        convention=convention,
        waiting=[one for one in asked if one.state is QuestionState.OPEN],
        opinion=_last(entries, {SubmissionVerb.GIVE_OPINION}),
        decision=_last(entries, _DECISIONS),
        findings=_findings(file, verdicts),
        appeals=course.APPEALS,
        audits=found,
        acts=list_own_acts(file.state, state),
        kinds=again if file.state in FINAL else (),
        renewable_from=renewable_from(expires_on) if expires_on else None,
    )


def _last(entries: Sequence[HistoryEntry], verbs: set[SubmissionVerb]) -> HistoryEntry | None:
    """The newest of these acts; `entries` are the newest first."""
    return next((one for one in entries if one.verb in verbs), None)


def _findings(file: SubmissionView, verdicts: Mapping[str, VerdictView]) -> list[tuple[Criterion, VerdictView]]:
    """The criteria on which the evaluation found something to say, in the order of the grid."""
    criteria = grid.load(file.grid_version).criteria
    return [
        (criteria[code], verdicts[code])
        for code in criteria
        if code in verdicts and verdicts[code].verdict in {Verdict.NOT_CONFORMING, Verdict.TO_CLARIFY}
    ]


@blueprint.get("/editeur/applications/<uuid:application_id>/historique")
@agent_required("publisher")
def show_history(application_id: UUID) -> str:
    with transaction():
        file = get_own_submission(application_id, by=current_actor())
        entries = history.list_history(application_id)
    return render_template("store/publisher/history.html", file=file, tab="history", history=entries)
