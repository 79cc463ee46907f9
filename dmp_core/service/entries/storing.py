"""Entries on their way in: judged, then stored; nothing is stored of what is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from dmp_core.fhir.entries import split_entry
from dmp_core.models.entries import EntryRow, StoredEntry
from dmp_core.queries.entries import COLUMNS
from dmp_core.rules.entries.kinds import EntryKind, at
from dmp_core.rules.entries.reading import Said, read_entry
from dmp_core.rules.subjects import names_another
from dmp_core.service.drafts import Author
from platform_core import clock, events
from platform_core.database import run
from platform_core.errors import Fault, Forbidden
from platform_core.events import DataChanged
from platform_core.fhir.registry import Resource
from platform_core.fhir.validation import invalid, validate
from platform_core.ids import uuid7

_JSON = frozenset({"meta", "body"})
_NAMES = [column.name for column in sa.inspect(StoredEntry).local_table.columns]
_INSERT = (
    f"INSERT INTO dmp_entry ({', '.join(_NAMES)})"  # noqa: S608 - names of the model only
    f" SELECT {', '.join(_NAMES)} FROM json_populate_recordset(NULL::dmp_entry, %(rows)s::json)"
)
_FIXED = frozenset(
    {"patient_id", "id", "category", "author_id", "author_name", "document_id", "path", "created_at", "hidden_at"}
)
_CHANGED = [name for name in _NAMES if name not in _FIXED]
_UPDATE = (
    f"UPDATE dmp_entry e SET {', '.join(f'{name} = t.{name}' for name in _CHANGED)}"  # noqa: S608
    " FROM json_populate_recordset(NULL::dmp_entry, %(rows)s::json) AS t"
    f" WHERE e.patient_id = %(patient)s AND e.id = t.id RETURNING {COLUMNS}"
)


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """An accepted resource and what it says. `document_id` and `path` tell the document that it was read in."""

    said: Said
    resource: Resource
    document_id: UUID | None = None
    path: str = ""

    @property
    def kind(self) -> EntryKind:
        return self.said.kind


def judge(kind: EntryKind, resource: Resource, patient_reference: str) -> EntryDraft:
    """Judge a resource of a kind. Raises `Invalid` (`invalid-resource`) or `Forbidden` (`patient-mismatch`)."""
    validate(resource)
    subject = next(iter(at(resource, kind.subject)), None)
    if subject is None:
        raise invalid([Fault(f"{kind.resource}.{kind.subject}", "is missing.", "required")])
    if names_another(subject, patient_reference):
        raise Forbidden(f"The {kind.resource} names another patient than the token does.", code="patient-mismatch")
    said = read_entry(kind, resource)
    if isinstance(said, list):
        raise invalid(said)
    return EntryDraft(said, resource)


def store(drafts: Sequence[EntryDraft], author: Author) -> list[EntryRow]:
    """Store accepted entries in one statement, and tell that data changed. Returns the rows, in order."""
    if not drafts:
        return []
    now = clock.now()
    rows = [_row(draft, author, uuid7(), 1, now) for draft in drafts]
    run(_INSERT, {"rows": _as_json(rows)})
    for draft, row in zip(drafts, rows, strict=True):
        reference = f"{draft.kind.resource}/{row['id']}"
        events.publish(DataChanged(draft.kind.category, author.patient_id, reference, 1, "create"))
    return [_shown(row) for row in rows]


def replace(before: EntryRow, draft: EntryDraft, author: Author) -> EntryRow:
    """Write the next version of an entry, and tell it. What becomes wrong is no longer read."""
    row = _row(draft, author, before.id, before.version + 1, clock.now())
    (found,) = run(_UPDATE, {"patient": author.patient_id, "rows": _as_json([row])})
    operation = "delete" if draft.said.wrong else "update"
    reference = f"{draft.kind.resource}/{before.id}"
    events.publish(DataChanged(draft.kind.category, author.patient_id, reference, row["version"], operation))
    return EntryRow(*found)


def _row(draft: EntryDraft, author: Author, id: UUID, version: int, now: datetime) -> dict[str, Any]:
    meta, body = split_entry(draft.kind, draft.resource, author.patient_reference)
    said = draft.said
    return {
        "patient_id": author.patient_id,
        "id": id,
        "category": draft.kind.category,
        "version": version,
        "status": said.status,
        "wrong": said.wrong,
        "label": said.label,
        "codes": list(said.codes),
        "identifiers": list(said.identifiers),
        "effective_at": said.starts_at or now,
        "ends_at": said.ends_at,
        "value": said.value,
        "unit": said.unit,
        "low": said.low,
        "high": said.high,
        "interpretation": said.interpretation,
        "document_id": draft.document_id,
        "path": draft.path,
        "hidden_at": None,
        "author_id": author.id,
        "author_name": author.name,
        "source": draft.resource.get("meta", {}).get("source", author.source),
        "created_at": now,
        "updated_at": now,
        "meta": meta,
        "body": body,
    }


def _shown(row: Mapping[str, Any]) -> EntryRow:
    return EntryRow(**{name: row[name] for name in EntryRow._fields})


def _as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as a JSON array: what is JSON already is spliced in, decimals keep their digits."""
    written = [{name: _value(name, value) for name, value in row.items()} for row in rows]
    return orjson.dumps(written, default=lambda number: orjson.Fragment(str(number))).decode()


def _value(name: str, value: Any) -> Any:
    return orjson.Fragment(value) if name in _JSON else value
