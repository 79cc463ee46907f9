"""Entries of the record: pages of a search, one by its id, lists of the pages; never one that the viewer may not see.

An entry read out of a document is seen by those who see the document, as long as it is the current one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from dmp_core.models.entries import EntryRow
from dmp_core.queries.statements import ASKED, asked, bounds
from dmp_core.rules.documents.visibility import SEEN, Viewer, ViewerKind
from dmp_core.rules.entries.asked import Asked
from platform_core.database import run
from platform_core.errors import NotFound
from platform_core.fhir.search import ANY_TIME, Span, Token
from platform_core.french import day_in_words

_TEXTS = {"meta": "e.meta::text", "body": "e.body::text"}
COLUMNS = ", ".join(_TEXTS.get(name, f"e.{name}") for name in EntryRow._fields)
_WITHIN = (
    f"(SELECT true FROM {ASKED} WHERE asked.kind = e.category"  # noqa: S608 - constants only
    " AND e.effective_at >= asked.first AND e.effective_at < asked.last)"
)
_CHANGED = "e.updated_at >= %(since)s::timestamptz AND e.updated_at < %(until)s::timestamptz"
_ORDER = {
    "date": "e.effective_at ASC, e.id ASC",
    "-date": "e.effective_at DESC, e.id DESC",
    "_lastUpdated": "e.updated_at ASC, e.id ASC",
    "-_lastUpdated": "e.updated_at DESC, e.id DESC",
}
_LIVE = "NOT e.wrong"
_OWN = {
    ViewerKind.PATIENT: "true",
    ViewerKind.REPRESENTATIVE: "true",
    ViewerKind.AUTHOR: "e.author_id = %(viewer)s::uuid",
}
_OTHERS = "e.hidden_at IS NULL AND e.id <> ALL (%(excluded)s::uuid[])"


def seen(viewer: Viewer) -> str:
    """The condition, on `dmp_entry e`, that this viewer may see the entry."""
    document = SEEN[viewer.kind]
    return (
        f"{_LIVE} AND {_OWN.get(viewer.kind, _OTHERS)}"  # noqa: S608 - constants only
        " AND (e.document_id IS NULL OR EXISTS (SELECT 1 FROM dmp_document d"
        f" WHERE d.patient_id = e.patient_id AND d.id = e.document_id AND d.state = 'current' AND {document}))"
    )


def search_entries(
    *, patient_id: UUID, viewer: Viewer, wanted: Asked, spans: Mapping[str, Span], limit: int, skip: int = 0
) -> Sequence[EntryRow]:
    """The entries of the categories of `spans`, within their instants, in the order asked."""
    if not spans:
        return []
    conditions, parameters = _conditions(patient_id, viewer, wanted, spans)
    statement = (
        f"SELECT {COLUMNS} FROM dmp_entry e WHERE {conditions}"  # noqa: S608 - constants only
        f" ORDER BY {_ORDER[wanted.sort]} LIMIT %(limit)s OFFSET %(skip)s"
    )
    return _rows(statement, {**parameters, "limit": limit, "skip": skip})


def count_entries(*, patient_id: UUID, viewer: Viewer, wanted: Asked, spans: Mapping[str, Span]) -> int:
    """How many entries a search finds in all."""
    if not spans:
        return 0
    conditions, parameters = _conditions(patient_id, viewer, wanted, spans)
    ((count,),) = run(f"SELECT count(*) FROM dmp_entry e WHERE {conditions}", parameters)  # noqa: S608 - constants only
    return int(count)


def find_entry(*, patient_id: UUID, entry_id: str | UUID, viewer: Viewer, lock: bool = False) -> EntryRow | None:
    """One entry, or None when it is not there for this viewer. `lock` keeps others from changing it meanwhile."""
    identifier = _uuid(entry_id)
    if identifier is None:
        return None
    statement = (
        f"SELECT {COLUMNS} FROM dmp_entry e WHERE e.patient_id = %(patient)s AND e.id = %(id)s AND {seen(viewer)}"  # noqa: S608
    )
    parameters = {"patient": patient_id, "id": identifier, **viewer.parameters}
    found = _rows(f"{statement} FOR UPDATE OF e" if lock else statement, parameters)
    return found[0] if found else None


def get_entry(*, patient_id: UUID, entry_id: UUID, viewer: Viewer) -> EntryRow:
    """As `find_entry`. Raises `NotFound`."""
    found = find_entry(patient_id=patient_id, entry_id=entry_id, viewer=viewer)
    if found is None:
        raise NotFound("There is no such entry in the record.")
    return found


def list_entries(
    *, patient_id: UUID, viewer: Viewer, categories: Collection[str], span: Span = ANY_TIME, limit: int = 200
) -> Sequence[EntryRow]:
    """The newest entries of some categories, for the pages."""
    statement = (
        f"SELECT {COLUMNS} FROM dmp_entry e WHERE e.patient_id = %(patient)s"  # noqa: S608 - constants only
        f" AND e.category = ANY (%(categories)s::text[]) AND {seen(viewer)}"
        " AND e.effective_at >= %(since)s::timestamptz AND e.effective_at < %(until)s::timestamptz"
        " ORDER BY e.effective_at DESC, e.id DESC LIMIT %(limit)s"
    )
    parameters = {"patient": patient_id, "categories": list(categories), "limit": limit, **viewer.parameters}
    return _rows(statement, {**parameters, **bounds(span, "since", "until")})


def count_with_newest(*, patient_id: UUID, viewer: Viewer, category: str) -> tuple[int, EntryRow | None]:
    """How many entries of a category the viewer may see, and the newest of them."""
    statement = (
        "SELECT count(*) FROM dmp_entry e WHERE e.patient_id = %(patient)s"  # noqa: S608 - constants only
        f" AND e.category = %(category)s AND {seen(viewer)}"
    )
    ((count,),) = run(statement, {"patient": patient_id, "category": category, **viewer.parameters})
    newest = list_entries(patient_id=patient_id, viewer=viewer, categories=[category], limit=1)
    return int(count), newest[0] if newest else None


def list_own_entries(
    *, patient_id: UUID, author_id: UUID | None, category: str, identifier: tuple[str, str]
) -> Sequence[EntryRow]:
    """What a conditional create finds among the entries of one author."""
    statement = (
        f"SELECT {COLUMNS} FROM dmp_entry e WHERE e.patient_id = %(patient)s AND e.category = %(category)s"  # noqa: S608
        " AND e.author_id = %(author)s AND NOT e.wrong AND %(identifier)s = ANY (e.identifiers) LIMIT 2"
    )
    return _rows(
        statement,
        {"patient": patient_id, "category": category, "author": author_id, "identifier": "|".join(identifier)},
    )


def list_held(*, patient_id: UUID, ids: Iterable[UUID]) -> Collection[UUID]:
    """Those of the entries and documents that the record holds today: neither withdrawn nor replaced."""
    found = run(
        "SELECT e.id FROM dmp_entry e WHERE e.patient_id = %(patient)s AND e.id = ANY (%(ids)s::uuid[]) AND NOT e.wrong"
        " AND (e.document_id IS NULL OR EXISTS (SELECT 1 FROM dmp_document d"
        " WHERE d.patient_id = e.patient_id AND d.id = e.document_id AND d.state = 'current'))"
        " UNION ALL SELECT d.id FROM dmp_document d"
        " WHERE d.patient_id = %(patient)s AND d.id = ANY (%(ids)s::uuid[]) AND d.state = 'current'",
        {"patient": patient_id, "ids": list(ids)},
    )
    return [row.id for row in found]


def describe_entries(ids: Iterable[UUID]) -> Mapping[UUID, str]:
    """What the journal calls entries, for the patient bound to the transaction: as for documents, not those of one that
    awaits its announcement or is kept from representatives."""
    found = run(
        "SELECT e.id, e.label, e.effective_at FROM dmp_entry e WHERE e.id = ANY (%(ids)s::uuid[])"
        " AND NOT EXISTS (SELECT 1 FROM dmp_document d WHERE d.patient_id = e.patient_id AND d.id = e.document_id"
        " AND (d.invisible_to_patient OR d.invisible_to_representatives))",
        {"ids": list(ids)},
    )
    return {row.id: f"{row.label}, {day_in_words(row.effective_at)}" for row in found}


def _conditions(
    patient_id: UUID, viewer: Viewer, wanted: Asked, spans: Mapping[str, Span]
) -> tuple[str, dict[str, Any]]:
    parts = ["e.patient_id = %(patient)s", "e.category = ANY (%(kinds)s::text[])", _WITHIN, seen(viewer)]
    parameters = {**asked(patient_id, spans), **viewer.parameters}
    if wanted.updated != ANY_TIME:
        parts.append(_CHANGED)
        parameters |= bounds(wanted.updated, "since", "until")
    for name, column, groups in (
        ("code", "e.codes", wanted.codes),
        ("identifier", "e.identifiers", wanted.identifiers),
    ):
        for number, group in enumerate(groups):
            parts.append(_token(column, f"{name}{number}"))
            parameters |= _tokens(group, f"{name}{number}")
    for number, group in enumerate(wanted.statuses):
        parts.append(f"e.status = ANY (%(status{number})s::text[])")
        parameters[f"status{number}"] = [token.code for token in group]
    return " AND ".join(parts), parameters


def _token(column: str, name: str) -> str:
    return (
        f"({column} && %({name}_whole)s::text[] OR EXISTS (SELECT 1 FROM unnest({column}) AS one"  # noqa: S608
        f" WHERE split_part(one, '|', 2) = ANY (%({name}_codes)s::text[])"
        f" OR split_part(one, '|', 1) = ANY (%({name}_systems)s::text[])))"
    )


def _tokens(group: Sequence[Token], name: str) -> dict[str, list[str]]:
    return {
        f"{name}_whole": [f"{token.system}|{token.code}" for token in group if token.system is not None and token.code],
        f"{name}_codes": [token.code for token in group if token.system is None],
        f"{name}_systems": [token.system for token in group if token.system and not token.code],
    }


def _rows(statement: str, parameters: Mapping[str, Any]) -> list[EntryRow]:
    return [EntryRow(*row) for row in run(statement, parameters)]


def _uuid(text: str | UUID) -> UUID | None:
    try:
        return text if isinstance(text, UUID) else UUID(text)
    except ValueError:
        return None
