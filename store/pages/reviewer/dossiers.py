"""A dossier before those who examine it: where it stands, what it says, its versions, its history and its clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask import Blueprint, render_template
from markupsafe import Markup

from identity_core.sessions import agent_required, current_actor
from platform_core import clock
from platform_core.database import transaction
from platform_core.navigation import Area, panels
from store.pages import claims, forms
from store.pages.publisher.versions import say_changes
from store.pages.reviewer.acts import list_acts
from store.pages.reviewer.desk import open_desk, open_file
from store.queries.agreements import find_convention, list_checks
from store.queries.commission import list_reservations
from store.queries.history import list_history, list_intervals
from store.queries.versions import list_versions
from store.rules import commission, delays, dossier, grid
from store.rules.delays import Interval, Phase
from store.workflow import EXAMINED, Role

blueprint = Blueprint("reviews", __name__, template_folder="../../templates")

_DAY = timedelta(days=1)


@blueprint.get("/instruction/dossiers/<uuid:submission_id>")
@agent_required("reviewer", "decider", "commission")
def show_dossier(submission_id: UUID) -> str:
    desk, by = open_desk(submission_id), current_actor()
    with transaction():
        reservations = list_reservations(submission_id)
        checks = list_checks(submission_id)
        convention = find_convention(submission_id)
        found = panels(Area.REVIEWER, "dossier", by=by, application_id=desk.file.application_id)
        blocks = [Markup(render_template(template, **context)) for template, context in found]  # noqa: S704 - our own
    return render_template(
        "store/reviewer/dossier.html",
        tab="summary",
        desk=desk,
        file=desk.file,
        acts=list_acts(desk),
        computed=commission.propose(desk.criteria, desk.found),
        reservations=reservations,
        checks=checks,
        convention=convention,
        blocks=blocks,
        may_assign=by.has_role(Role.REVIEWER) and desk.file.state in EXAMINED,
    )


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/contenu")
@agent_required("reviewer", "decider", "commission")
def read_dossier(submission_id: UUID) -> str:
    desk = open_desk(submission_id)
    changed: dict[str, list[Mapping[str, str]]] = {}
    for change in desk.changes:
        changed.setdefault(change["section"], []).append(change)
    return render_template(
        "store/reviewer/content.html",
        tab="content",
        desk=desk,
        file=desk.file,
        sections={code: s for code, s in dossier.SECTIONS.items() if dossier.section_applies(desk.answers, code)},
        changed=changed,
        forms=forms,
        claims=claims,
    )


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/versions")
@agent_required("reviewer", "decider", "commission")
def show_versions(submission_id: UUID) -> str:
    with transaction():
        file = open_file(submission_id)
        sent = list_versions(file.application_id)
    pairs = zip(sent, [*sent[1:], None], strict=True)
    return render_template(
        "store/reviewer/versions.html",
        tab="versions",
        file=file,
        sent=[(one, say_changes(before, one) if before else None) for one, before in pairs],
        retired=grid.load(file.grid_version).retired,
    )


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/historique")
@agent_required("reviewer", "decider", "commission")
def show_history(submission_id: UUID) -> str:
    with transaction():
        file = open_file(submission_id)
        history = list_history(file.application_id, internal=True)
        intervals = list_intervals(submission_id)
    return render_template(
        "store/reviewer/history.html", tab="history", file=file, history=history, clock=_clock(intervals, clock.now())
    )


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the time of a dossier, and whom it waited for."""

    phase: Phase
    role: Role
    start: datetime
    end: datetime | None
    days: float


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of a dossier, in order; the publisher's and the authority's sums, in days."""

    rows: Sequence[Stretch]
    publisher: float
    authority: float


def _clock(intervals: Sequence[Interval], now: datetime) -> Clock:
    rows = [
        Stretch(one.phase, delays.ACTORS[one.phase], one.start, one.end, ((one.end or now) - one.start) / _DAY)
        for one in intervals
    ]
    own = sum(row.days for row in rows if row.role is Role.PUBLISHER)
    return Clock(rows, own, sum(row.days for row in rows) - own)
