"""The journal of accesses, in plain words: who read or added what, when, and what was refused."""

import csv
import io
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import format_datetime, gettext

from consent import queries
from consent.pages import words
from consent.rules.calendar import midnight
from identity_core.sessions import current_patient_id, patient_required
from platform_core.database import transaction
from platform_core.journal import queries as journal
from platform_core.journal.queries import JournalFilter
from platform_core.pagination import page_number

blueprint = Blueprint("access_journal", __name__, template_folder="../templates")

PAGE_SIZE = 50
MOST_LINES = 20_000
_FILTERS = ("application", "du", "au", "resultat")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@blueprint.get("/espace/journal")
@patient_required
def show_journal() -> str:
    """One page of the journal, through the filters of the address."""
    patient_id = current_patient_id()
    wanted = _wanted()
    with transaction(patient_id=patient_id):
        page = journal.list_entries(patient_id, wanted, page=page_number(request.args.get("page")), size=PAGE_SIZE)
        apps = {state.app_id: state.app_name for state in queries.list_states(patient_id)}
    kept: dict[str, Any] = {key: value for key, value in request.args.items() if key in _FILTERS and value}
    return render_template(
        "consent/journal.html",
        page=page,
        apps=sorted(apps.items(), key=lambda app: app[1]),
        kept=kept,
        url_for_page=lambda number: url_for(".show_journal", **kept, page=number),
        words=words,
    )


@blueprint.get("/espace/journal.csv")
@patient_required
def export_journal() -> Response:
    """The same lines as a file for a spreadsheet: semicolons, UTF-8 with its mark."""
    patient_id = current_patient_id()
    with transaction(patient_id=patient_id):
        page = journal.list_entries(patient_id, _wanted(), page=1, size=MOST_LINES)
    return Response(
        "\ufeff" + _as_csv(page.items),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="journal-des-acces.csv"'},
    )


def _wanted() -> JournalFilter:
    """The filters; one that cannot be read is no filter."""
    since, until = _day("du"), _day("au")
    return JournalFilter(
        app_id=_app(),
        outcome={"servis": "served", "refuses": "refused"}.get(request.args.get("resultat", ""), ""),
        since=midnight(since) if since else None,
        until=midnight(until + timedelta(days=1)) if until else None,
    )


def _app() -> UUID | None:
    try:
        return UUID(request.args.get("application", ""))
    except ValueError:
        return None


def _day(name: str) -> date | None:
    try:
        found = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return found if 2000 <= found.year < 3000 else None


def _as_csv(lines: Any) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(
        [
            gettext("Date"),
            gettext("Qui"),
            gettext("Action"),
            gettext("Données"),
            gettext("Nombre"),
            gettext("Résultat"),
            gettext("Identifiant de la demande"),
        ]
    )
    for line in lines:
        writer.writerow([_inert(cell) for cell in _cells(line)])
    return text.getvalue()


def _cells(line: Any) -> list[str]:
    return [
        _instant(line.occurred_at),
        line.actor_name,
        words.action(line.access),
        ", ".join(words.category(code) for code in line.categories),
        str(line.count),
        words.outcome(line)[0],
        line.request_id,
    ]


def _instant(at: datetime) -> str:
    return format_datetime(at, "yyyy-MM-dd HH:mm:ss")


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
