"""Documents: pages of a search, one by its id, the lists of the pages, versions; never one that the viewer may not see.

Statements are made of constant fragments: what a search does not ask for is left out, lest the planner reckon with it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from dmp_core.categories import DOCUMENT_KINDS, DOCUMENT_TYPES
from dmp_core.models.documents import DocumentRow, DocumentVersion, StoredDocument
from dmp_core.queries.statements import ASKED, asked, bounds
from dmp_core.rules.documents.asked import Condition
from dmp_core.rules.documents.visibility import SEEN, Viewer
from dmp_core.workflow import DocumentState
from platform_core.database import db, run
from platform_core.errors import NotFound
from platform_core.fhir.search import ANY_TIME, Span
from platform_core.french import day_in_words

_TEXTS = {"meta": "d.meta::text", "body": "d.body::text"}
_COLUMNS = ", ".join(_TEXTS.get(name, f"d.{name}") for name in DocumentRow._fields)
# Kinds with the instants that may be shown: looked up for each document on the way, in the order of the index.
_WITHIN = (
    f"(SELECT true FROM {ASKED} WHERE asked.kind = d.kind"  # noqa: S608 - constants only
    " AND d.effective_at >= asked.first AND d.effective_at < asked.last)"
)
_CHANGED = "d.updated_at >= %(since)s::timestamptz AND d.updated_at < %(until)s::timestamptz"
_ORDER = {
    "date": "d.dated_at ASC, d.id ASC",
    "-date": "d.dated_at DESC, d.id DESC",
    "_lastUpdated": "d.updated_at ASC, d.id ASC",
    "-_lastUpdated": "d.updated_at DESC, d.id DESC",
    "care": "d.effective_at DESC, d.id DESC",
}


def _token(column: str) -> str:
    return (
        f"({column} = ANY (%({{p}}whole)s::text[]) OR split_part({column}, '|', 2) = ANY (%({{p}}codes)s::text[])"
        f" OR split_part({column}, '|', 1) = ANY (%({{p}}systems)s::text[]))"
    )


def _between(column: str) -> str:
    return f"({column} >= %({{p}}first)s::timestamptz AND {column} < %({{p}}last)s::timestamptz)"


_CONDITIONS = {
    "states": "d.state = ANY (%({p}codes)s::text[])",
    "types": "d.type_code = ANY (%({p}codes)s::text[])",
    "classes": "d.class_code = ANY (%({p}codes)s::text[])",
    "format": _token("d.format"),
    "facility": _token("d.facility"),
    "setting": _token("d.setting"),
    "event": f"EXISTS (SELECT 1 FROM unnest(d.event_codes) AS e WHERE {_token('e')})",  # noqa: S608 - constants only
    "labels": (
        "(d.confidentiality = ANY (%({p}codes)s::text[])"
        " OR d.masked AND 'MASQUE_PS' = ANY (%({p}codes)s::text[])"
        " OR d.invisible_to_patient AND 'INVISIBLE_PATIENT' = ANY (%({p}codes)s::text[])"
        " OR d.invisible_to_representatives AND 'INVISIBLE_REPRESENTANTS_LEGAUX' = ANY (%({p}codes)s::text[]))"
    ),
    "author": (
        "(d.author_keys && %({p}keys)s::text[] OR EXISTS (SELECT 1 FROM unnest(d.author_keys) AS k"
        " WHERE split_part(k, '|', 2) = ANY (%({p}codes)s::text[])))"
    ),
    "author_name": "EXISTS (SELECT 1 FROM unnest(d.author_keys) AS k WHERE starts_with(k, %({p}starts)s))",
    "date": _between("d.dated_at"),
    "creation": _between("d.made_at"),
    "period-start": _between("d.service_start"),
    "period-end": _between("d.service_end"),
    "period": (
        "(d.service_start < %({p}last)s::timestamptz"
        " AND coalesce(d.service_end, d.service_start) >= %({p}first)s::timestamptz)"
    ),
    "related": (
        "(d.replaces = ANY (%({p}ids)s::uuid[]) OR EXISTS ("
        "SELECT 1 FROM json_array_elements(d.body->'relatesTo') AS r"
        " WHERE r->'target'->>'reference' = ANY (%({p}references)s::text[])))"
    ),
    "archived": "d.archived = %({p}value)s",
    "identifier": (
        "(d.unique_id = ANY (%({p}codes)s::text[]) OR d.id = ANY (%({p}ids)s::uuid[])"
        " OR d.entry_id = ANY (%({p}ids)s::uuid[]))"
    ),
    "content": (
        "d.id IN (SELECT f.id FROM ens_search_record("
        "%({p}query)s::text::tsquery, ARRAY[]::tsquery[], 'epoch', %({p}most)s) AS f)"
    ),
    "ids": "d.id = ANY (%({p}ids)s::uuid[])",
    "media": "d.media_type = ANY (%({p}types)s::text[])",
    "care": _between("d.effective_at"),
    "recent": "(d.effective_at >= %({p}since)s::timestamptz OR d.type_code = ANY (%({p}always)s::text[]))",
    "kinds": "d.kind = ANY (%({p}kinds)s::text[])",
    "written_by": "(d.author_person = %({p}author)s OR d.author_institution = %({p}author)s)",
}


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version of a document: what was done, by whom, and what it became."""

    version: int
    entry_id: UUID
    act: str
    state: str
    confidentiality: str
    masked: bool
    invisible_to_patient: bool
    invisible_to_representatives: bool
    archived: bool
    by_kind: str
    by_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Sought:
    """The documents that a search wants, among those that the viewer may see: `spans` holds kinds, and their instants.

    `since` keeps the care that began then or later (the first search of a professional's software goes two years back).
    """

    patient_id: UUID
    viewer: Viewer
    spans: Mapping[str, Span]
    conditions: Sequence[Condition] = ()
    updated: Span = ANY_TIME
    since: datetime | None = None


def search_documents(sought: Sought, *, sort: str = "-date", limit: int | None, skip: int = 0) -> Sequence[DocumentRow]:
    """A page of documents: `sort` is `date` or `_lastUpdated`, with `-` for descending, or `care`, the latest first."""
    where, parameters = _where(sought)
    # The texts are unpacked for the page only, not for every row that is sorted.
    statement = f"""
        SELECT {_COLUMNS} FROM (SELECT * FROM dmp_document d WHERE {where}
                                 ORDER BY {_ORDER[sort]} LIMIT %(limit)s OFFSET %(skip)s) d
         ORDER BY {_ORDER[sort]}"""  # noqa: S608 - constants only
    return [DocumentRow(*row) for row in run(statement, {**parameters, "limit": limit, "skip": skip})]


def count_documents(sought: Sought) -> int:
    """How many documents a search finds in all."""
    where, parameters = _where(sought)
    return int(run(f"SELECT count(*) FROM dmp_document d WHERE {where}", parameters)[0][0])  # noqa: S608


def find_document(*, patient_id: UUID, identifier: str, viewer: Viewer) -> DocumentRow | None:
    """The document of that id (logicalId), or of an entryUUID that it has or had; None when the viewer sees none."""
    try:
        key = UUID(identifier)
    except ValueError:
        return None
    statement = f"""
        SELECT {_COLUMNS} FROM dmp_document d
         WHERE d.patient_id = %(patient)s AND {SEEN[viewer.kind]}
           AND (d.id = %(id)s OR d.id = (SELECT v.document_id FROM dmp_document_version v
                                          WHERE v.patient_id = %(patient)s AND v.entry_id = %(id)s))"""  # noqa: S608
    found = run(statement, {"patient": patient_id, "id": key, **viewer.parameters})
    return DocumentRow(*found[0]) if found else None


def get_document(*, patient_id: UUID, document_id: UUID, viewer: Viewer) -> DocumentRow:
    """The document. Raises `NotFound`, also for one that the viewer may not see."""
    found = find_document(patient_id=patient_id, identifier=str(document_id), viewer=viewer)
    if found is None:
        raise NotFound(f"There is no document {document_id}.")
    return found


def find_by_unique_id(*, patient_id: UUID, unique_id: str, viewer: Viewer) -> DocumentRow | None:
    """The document that its producer named so."""
    statement = f"""
        SELECT {_COLUMNS} FROM dmp_document d
         WHERE d.patient_id = %(patient)s AND d.unique_id = %(unique)s AND {SEEN[viewer.kind]}"""  # noqa: S608
    found = run(statement, {"patient": patient_id, "unique": unique_id, **viewer.parameters})
    return DocumentRow(*found[0]) if found else None


def list_latest_documents(*, patient_id: UUID, viewer: Viewer, limit: int = 5) -> Sequence[DocumentRow]:
    """The present documents of the latest care."""
    present = (Condition("states", {"codes": [DocumentState.CURRENT]}), Condition("archived", {"value": False}))
    sought = Sought(patient_id, viewer, dict.fromkeys(DOCUMENT_KINDS, ANY_TIME), present)
    return search_documents(sought, sort="care", limit=limit)


def list_authors(*, patient_id: UUID, viewer: Viewer) -> Sequence[str]:
    """The establishments and people who made the documents that the viewer may see, in order, each once."""
    statement = f"""
        SELECT DISTINCT name
          FROM dmp_document d, LATERAL (VALUES (d.author_person), (d.author_institution)) AS who(name)
         WHERE d.patient_id = %(patient)s AND name <> '' AND {SEEN[viewer.kind]} ORDER BY name"""  # noqa: S608
    return [row[0] for row in run(statement, {"patient": patient_id, **viewer.parameters})]


def list_versions(*, patient_id: UUID, document_id: UUID) -> Sequence[VersionView]:
    """The versions of a document, the newest first."""
    columns = [getattr(DocumentVersion, name) for name in VersionView.__dataclass_fields__]
    statement = (
        sa.select(*columns)
        .where(DocumentVersion.patient_id == patient_id, DocumentVersion.document_id == document_id)
        .order_by(DocumentVersion.version.desc())
    )
    return [VersionView(*row) for row in db.session.execute(statement)]


def as_it_was(row: DocumentRow, version: VersionView) -> DocumentRow:
    """The document as a version of it was."""
    kept = {name: getattr(version, name) for name in VersionView.__dataclass_fields__ if name in DocumentRow._fields}
    return row._replace(**kept, updated_at=version.at)


def describe(ids: Iterable[UUID]) -> Mapping[UUID, str]:
    """Documents in words for those who keep ids only: their type and their day. The transaction is the patient's.

    What awaits its announcement, or is kept from representatives, has no name: the journal is read by both.
    """
    statement = sa.select(StoredDocument.id, StoredDocument.type_code, StoredDocument.effective_at)
    told = (~StoredDocument.invisible_to_patient, ~StoredDocument.invisible_to_representatives)
    found = db.session.execute(statement.where(StoredDocument.id.in_(list(ids)), *told))
    return {id: f"{DOCUMENT_TYPES[code].label}, {day_in_words(at)}" for id, code, at in found}


def list_referenced_blobs(names: Collection[str]) -> Collection[str]:
    """Those of the files that a document names, for the sweep of orphans."""
    found = sa.select(StoredDocument.blob_name).where(StoredDocument.blob_name.in_(names)).distinct()
    return db.session.scalars(found).all()


def list_blobs_of(patient_id: UUID) -> Collection[str]:
    """The files of every document of a patient, whatever became of it."""
    return db.session.scalars(sa.select(StoredDocument.blob_name).where(StoredDocument.patient_id == patient_id)).all()


def _where(sought: Sought) -> tuple[str, dict[str, Any]]:
    """The condition of a statement and its parameters."""
    wanted = ["d.patient_id = %(patient)s", SEEN[sought.viewer.kind]]
    parameters = {**asked(sought.patient_id, sought.spans), **sought.viewer.parameters}
    bounded = any(span != ANY_TIME for span in sought.spans.values())
    wanted.append(_WITHIN if bounded else "d.kind = ANY (%(kinds)s::text[])")
    if sought.updated != ANY_TIME:
        wanted.append(_CHANGED)
        parameters |= bounds(sought.updated, "since", "until")
    if sought.since is not None:
        wanted.append("d.effective_at >= %(care_since)s")
        parameters["care_since"] = sought.since
    for number, condition in enumerate(sought.conditions):
        prefix = f"c{number}_"
        wanted.append(_CONDITIONS[condition.name].replace("{p}", prefix))
        parameters |= {f"{prefix}{name}": value for name, value in _spread(condition).items()}
    return " AND ".join(wanted), parameters


def _spread(condition: Condition) -> Mapping[str, Any]:
    """The parameters of a condition; the two ends of a span stand for it."""
    span = condition.values.get("span")
    return bounds(span, "first", "last") if isinstance(span, Span) else condition.values
