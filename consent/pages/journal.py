"""The journal of accesses, in plain words: who read or added what, when, and what was refused.

A category of data says something of somebody's health: the filter on it travels in the body of a form. The others may
stand in an address.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request, stream_with_context, url_for
from werkzeug.wrappers import Response as Redirect

from consent import queries
from consent.pages import journal_chart, journal_words, words
from consent.pages.journal_export import stream
from consent.queries import accesses
from consent.queries.reports import find_contested
from consent.rules.calendar import midnight
from identity_core.sessions import current_patient_id, patient_required
from platform_core import clock
from platform_core.categories import registry
from platform_core.database import transaction
from platform_core.errors import Malformed
from platform_core.journal import queries as journal
from platform_core.journal.queries import DayCount, JournalFilter, Position
from platform_core.pagination import decode_cursor, encode_cursor

blueprint = Blueprint("access_journal", __name__, template_folder="../templates")

PAGE_SIZE = 50
CHART = timedelta(days=29)
UNUSUAL = timedelta(days=30)
_OUTCOMES = {"servis": "served", "refuses": "refused"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the reader wants to see; a filter that cannot be read is no filter. Days are in Europe/Paris, inclusive."""

    who: UUID | None = None
    category: str = ""
    since: date | None = None
    until: date | None = None
    outcome: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Wanted":
        category, outcome = given.get("donnees", ""), given.get("resultat", "")
        return cls(
            _uuid(given.get("qui", "")),
            category if registry.find(category) else "",
            _day(given.get("du", "")),
            _day(given.get("au", "")),
            outcome if outcome in _OUTCOMES else "",
        )

    @property
    def fields(self) -> dict[str, str]:
        """The filters as the fields of a form."""
        days = {name: day.isoformat() for name, day in (("du", self.since), ("au", self.until)) if day}
        texts = {"qui": str(self.who or ""), "donnees": self.category, "resultat": self.outcome}
        return days | {name: text for name, text in texts.items() if text}

    @property
    def address(self) -> dict[str, Any]:
        """Those of them that may stand in an address."""
        return {name: text for name, text in self.fields.items() if name != "donnees"}

    @property
    def filter(self) -> JournalFilter:
        return JournalFilter(
            actor_id=self.who,
            category=self.category,
            outcome=_OUTCOMES.get(self.outcome, ""),
            since=midnight(self.since) if self.since else None,
            until=midnight(self.until + timedelta(days=1)) if self.until else None,
        )


@blueprint.get("/espace/journal")
@patient_required
def show_journal() -> str:
    """The newest lines, or those before a position, through the filters of the address."""
    return _render(_in_address(), request.args.get("avant", ""))


@blueprint.post("/espace/journal")
@patient_required
def filter_journal() -> str | Redirect:
    """The same through the filters of a form; without a category, it goes on to their address."""
    wanted = Wanted.read(request.form)
    if not wanted.category:
        return redirect(url_for(".show_journal", **wanted.address), 303)
    return _render(wanted, request.form.get("avant", ""))


@blueprint.get("/espace/journal.csv")
@patient_required
def export_journal() -> Response:
    return _export(_in_address())


@blueprint.post("/espace/journal.csv")
@patient_required
def export_category() -> Response:
    return _export(Wanted.read(request.form))


def _in_address() -> Wanted:
    return replace(Wanted.read(request.args), category="")


def _export(wanted: Wanted) -> Response:
    return Response(
        stream_with_context(stream(current_patient_id(), wanted.filter)),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="journal-des-acces.csv"'},
    )


def _render(wanted: Wanted, before: str) -> str:
    patient_id = current_patient_id()
    last = min(wanted.until or clock.today(), clock.today())
    first = max(wanted.since or last - CHART, last - CHART)
    with transaction(patient_id=patient_id):
        lines = journal.list_entries(patient_id, wanted.filter, before=_position(before), size=PAGE_SIZE + 1)
        shown = lines[:PAGE_SIZE]
        names, contested = accesses.name_resources(shown), find_contested(patient_id, [line.id for line in shown])
        counted = journal.count_days(patient_id, replace(wanted, since=first, until=last).filter)
        unusual = accesses.list_unusual(patient_id, since=clock.today() - UNUSUAL)
        people = journal.list_people(patient_id)
        apps = {state.app_id: state.app_name for state in queries.list_states(patient_id)}
    return render_template(
        "consent/journal.html",
        days=journal_words.tell_days(shown, names, contested),
        older=encode_cursor(shown[-1].occurred_at, shown[-1].id) if len(lines) > PAGE_SIZE else "",
        is_first=not before,
        wanted=wanted,
        readers=[*sorted(apps.items(), key=lambda app: app[1]), *people],
        categories=sorted(((one.code, one.short_fr) for one in registry.all()), key=lambda one: one[1]),
        chart=journal_chart.draw(_every_day(counted, first, last)),
        first=first,
        last=last,
        served=sum(one.served for one in counted),
        refused=sum(one.refused for one in counted),
        counted=counted,
        unusual=unusual,
        says=journal_words,
        words=words,
    )


def _every_day(counted: Sequence[DayCount], first: date, last: date) -> list[DayCount]:
    """The days from the first to the last, those without a call too."""
    found = {one.day: one for one in counted}
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [found.get(day, DayCount(day, 0, 0)) for day in days]


def _position(text: str) -> Position | None:
    """Where the page before ended; what cannot be read is the beginning."""
    try:
        instant, identifier = decode_cursor(text, 2)
        at = datetime.fromisoformat(instant)
        return Position(at, UUID(identifier)) if at.tzinfo else None
    except (Malformed, ValueError, TypeError, AttributeError):
        return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year < 3000 else None
