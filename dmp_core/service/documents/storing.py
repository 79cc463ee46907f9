"""Documents into their tables: the row of each, its first version, its file; then it is told.

Rows travel as one JSON text, so that a thousand are stored as one is.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import orjson

from dmp_core.events import DocumentFiled
from dmp_core.fhir import documents as fhir
from dmp_core.models.documents import DocumentVersion, StoredDocument
from dmp_core.rules.documents.metadata import Metadata
from dmp_core.rules.documents.visibility import Viewer, ViewerKind, is_visible
from dmp_core.service.documents.contents import COLLECTION, Content
from dmp_core.service.documents.drafts import Draft
from dmp_core.service.drafts import Author
from dmp_core.workflow import DocumentAct, DocumentState
from platform_core import clock, crypto, events
from platform_core.access import Actor
from platform_core.blobs import service as blobs
from platform_core.blobs.service import BlobRef
from platform_core.database import run
from platform_core.errors import Conflict, Fault
from platform_core.events import DataChanged
from platform_core.ids import uuid7

APPS = Viewer(ViewerKind.APPLICATION)
Row = Mapping[str, Any]
_JSON = frozenset({"meta", "body"})


def _names(model: type[StoredDocument | DocumentVersion]) -> list[str]:
    return [column.name for column in model.__table__.columns]


def _insertion(model: type[StoredDocument | DocumentVersion], ending: str = "") -> str:
    table, columns = model.__tablename__, ", ".join(_names(model))
    return (
        f"INSERT INTO {table} ({columns})"  # noqa: S608 - names of the model only
        f" SELECT {columns} FROM json_populate_recordset(NULL::{table}, %(rows)s::json) {ending}"
    )


_INSERT = _insertion(StoredDocument, "ON CONFLICT (patient_id, unique_id) DO NOTHING RETURNING id")
_INSERT_VERSIONS = _insertion(DocumentVersion)
_OF_VERSION = frozenset(_names(DocumentVersion))


@dataclass(frozen=True, slots=True)
class Links:
    """What a document is filed with: the one that it replaces, its submission set, its folders."""

    replaces: UUID | None = None
    submission_id: UUID | None = None
    folder_ids: tuple[UUID, ...] = ()


ALONE = Links()


def file_document(draft: Draft, content: Content, author: Author, *, by: Actor, links: Links = ALONE) -> UUID:
    """Put a document into the record, and tell it; its id.

    Raises `Conflict` (`duplicate`) for a uniqueId that is there already, and what those who hear of it raise.
    """
    key = crypto.patient_key(author.patient_id)
    blob = blobs.reference(content.received, collection=COLLECTION, key=key)
    row = document_row(draft, blob, content.sha1, content.pdf_a, author, links)
    if not store([row], by=by):
        raise Conflict(
            "A document of this uniqueId is in the record already: replace it, or name this one otherwise.",
            code="duplicate",
            faults=[Fault("DocumentReference.masterIdentifier", "is known already.", "duplicate")],
        )
    read, id = draft.metadata, row["id"]
    filed = DocumentFiled(author.patient_id, id, row["type_code"], read.content_type, author.id, content.stream)
    events.publish(filed)
    if is_visible(SimpleNamespace(**row), APPS):
        events.publish(DataChanged(draft.category, author.patient_id, f"DocumentReference/{id}", 1, "create"))
    blobs.keep(content.received, collection=COLLECTION, key=key)  # last: what is refused leaves no file
    return UUID(str(id))


def document_row(draft: Draft, blob: BlobRef, sha1: bytes, pdf_a: str, author: Author, links: Links = ALONE) -> Row:
    """The row of a document that enters the record now."""
    now, id, read = clock.now(), uuid7(), draft.metadata
    if not read.unique_id:
        read = replace(read, unique_id=f"urn:oid:2.25.{uuid4().int}")
    meta, body = fhir.split_document(
        draft.resource,
        read,
        id=id,
        size=blob.size,
        sha1=sha1,
        replaces=links.replaces,
        patient=author.patient_reference,
    )
    return {
        **_described(read),
        "patient_id": author.patient_id,
        "id": id,
        "entry_id": uuid4(),
        "version": 1,
        "state": DocumentState.CURRENT,
        "size": blob.size,
        "sha1": sha1,
        "sha256": blob.sha256,
        "blob_name": blob.name,
        "pdf_a": pdf_a,
        "replaces": links.replaces,
        "submission_id": links.submission_id,
        "folder_ids": links.folder_ids,
        "author_id": author.id,
        "author_name": author.name,
        "source": draft.resource.get("meta", {}).get("source", author.source),
        "created_at": now,
        "updated_at": now,
        "meta": meta,
        "body": body,
    }


def store(rows: Sequence[Row], *, by: Actor) -> Collection[UUID]:
    """Store documents with their first versions; those whose uniqueId is there already are left out."""
    stored = {row.id for row in run(_INSERT, {"rows": _as_json(rows)})}
    keep_versions([row for row in rows if row["id"] in stored], DocumentAct.PUBLISH, by=by, at=clock.now())
    return stored


def keep_versions(rows: Sequence[Row], act: DocumentAct, *, by: Actor, at: datetime) -> None:
    """Write what the present version of each document is, beside those before it."""
    added = {"act": act, "by_kind": by.kind, "by_name": by.name, "at": at}
    versions = [{**row, **added, "document_id": row["id"]} for row in rows]
    kept = [{name: value for name, value in version.items() if name in _OF_VERSION} for version in versions]
    run(_INSERT_VERSIONS, {"rows": _as_json(kept)})


def _as_json(rows: Sequence[Row]) -> str:
    """Rows as a JSON array: what is JSON already is spliced in, bytes are written as PostgreSQL reads them."""
    return orjson.dumps([{name: _value(name, value) for name, value in row.items()} for row in rows]).decode()


def _value(name: str, value: Any) -> Any:
    if name in _JSON:
        return orjson.Fragment(value)
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value


def _described(read: Metadata) -> dict[str, Any]:
    """The columns that a DocumentReference fills."""
    return {
        "unique_id": read.unique_id,
        "kind": read.type.kind,
        "type_code": read.type.code.code,
        "class_code": read.class_code,
        "format": read.format,
        "facility": read.facility,
        "setting": read.setting,
        "confidentiality": read.labels.confidentiality,
        "masked": read.labels.masked,
        "invisible_to_patient": read.labels.invisible_to_patient,
        "invisible_to_representatives": read.labels.invisible_to_representatives,
        "archived": read.archived,
        "announced_at": None,
        "announced_by": "",
        "event_codes": list(read.event_codes),
        "author_keys": list(read.author.keys),
        "author_person": read.author.person,
        "author_institution": read.author.institution,
        "author_specialty": read.author.specialty,
        "author_role": read.author.role,
        "title": read.title,
        "language": read.language,
        "media_type": read.content_type,
        "made_at": read.made_at,
        "dated_at": read.dated_at,
        "service_start": read.service_start,
        "service_end": read.service_end,
        "effective_at": read.effective_at,
    }
