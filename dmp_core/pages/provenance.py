"""What the pages of typed entries share: the words of a provenance, the day that was typed."""

from datetime import date

from flask_babel import gettext

from dmp_core.models.entries import EntryRow
from dmp_core.service.typed import BY_HAND


def told_by(row: EntryRow) -> str:
    """Where an entry comes from: a document, typed by hand, or the name of who wrote it."""
    if row.document_id:
        return gettext("Lu dans un document")
    return gettext("Saisi par %(name)s", name=row.author_name) if row.source == BY_HAND else row.author_name


def is_own(row: EntryRow) -> bool:
    """Whether the entry was typed by hand, and so may be changed."""
    return row.source == BY_HAND and row.document_id is None


def day_of(text: str) -> date | None:
    """The day that a date field holds; None for what is no day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
