"""The journal as a file for a spreadsheet, written line after line: three years of it never stand in memory."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from flask_babel import format_datetime, gettext

from consent.pages import words
from consent.pages.journal_words import actor_kind
from consent.queries.accesses import name_resources
from platform_core.database import transaction
from platform_core.journal import queries as journal
from platform_core.journal.queries import JournalFilter, Position

CHUNK = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def stream(patient_id: UUID, wanted: JournalFilter) -> Iterator[str]:
    """Semicolons, UTF-8 with its mark. Each chunk has its own transaction: none stays open while the client reads."""
    yield "\ufeff" + _write([_headers()])
    before: Position | None = None
    while True:
        with transaction(patient_id=patient_id):
            lines = journal.list_entries(patient_id, wanted, before=before, size=CHUNK)
            names = name_resources(lines)
        yield _write(_cells(line, names) for line in lines)
        if len(lines) < CHUNK:
            return
        before = Position(lines[-1].occurred_at, lines[-1].id)


def _headers() -> list[str]:
    return [
        gettext("Date"),
        gettext("Qui"),
        gettext("Qualité"),
        gettext("Action"),
        gettext("Données"),
        gettext("Documents"),
        gettext("Nombre"),
        gettext("Résultat"),
        gettext("Identifiant de la demande"),
    ]


def _cells(line: Any, names: Any) -> list[str]:
    return [
        format_datetime(line.occurred_at, "yyyy-MM-dd HH:mm:ss"),
        line.actor_name,
        actor_kind(line.actor_kind),
        words.action(line.access),
        ", ".join(words.category(code) for code in line.categories),
        ", ".join(names[one] for one in line.resources or () if one in names),
        str(line.count),
        words.outcome(line)[0],
        line.request_id,
    ]


def _write(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([_inert(cell) for cell in row] for row in rows)
    return text.getvalue()


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip().startswith(_FORMULA) else cell
