"""Reading what enters the record: within the act where it is quick, by a task where it is not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from dmp_core.categories import DOCUMENT_KINDS, DOCUMENT_TYPES
from dmp_core.events import DocumentFiled
from dmp_core.models.documents import StoredDocument
from dmp_core.models.entries import StoredEntry
from dmp_core.models.search import SearchText
from dmp_core.rules.entries.kinds import KINDS, RECORD
from dmp_core.rules.search.sources import SearchSource, TextState
from dmp_core.rules.search.vectors import Passage
from dmp_core.rules.search.words import compose
from dmp_core.service.indexing.meaning import ask_vectors
from dmp_core.service.indexing.storing import Indexed, forget, store
from dmp_core.service.indexing.texts import MOST_BYTES, PLAIN, READABLE, XML, Text, read_at_once, read_slowly
from platform_core import crypto, outbox
from platform_core.blobs import service as blobs
from platform_core.blobs.service import BlobRef
from platform_core.database import db
from platform_core.events import DataChanged
from platform_core.french import number_in_words

READ_TEXT = "dmp.read_text"
_SAID = frozenset({"text", "display", "valueString"})
_LABELS = {category.code: category.short_fr for categories in RECORD.values() for category in categories}


@dataclass(frozen=True, slots=True)
class Unread:
    """A document whose text is still to be read, and how to open it."""

    document_id: UUID
    media_type: str
    blob: BlobRef
    key: bytes


def index_document(event: DocumentFiled) -> None:
    """Keep the words of a document that was filed. A PDF is found by its title and author until a task has read it."""
    most = MOST_BYTES if event.media_type == PLAIN else -1 if event.media_type in XML else 0
    found = read_at_once(event.media_type, event.content.read(most))
    keep_text(patient_id=event.patient_id, document_id=event.document_id, found=found)


def index_entry(event: DataChanged) -> None:
    """Keep the words of an entry that was written, forget one that is no longer read."""
    if event.category not in KINDS:
        return
    entry_id = UUID(event.resource.rpartition("/")[2])
    row = db.session.execute(_entries(event.patient_id).where(StoredEntry.id == entry_id)).one_or_none()
    if row is None or row.wrong:
        forget(patient_id=event.patient_id, id=entry_id)
    else:
        _keep_entry(event.patient_id, row, crypto.patient_key(event.patient_id))
        # What was read in a document goes with it, once for all.
        if row.document_id is None:
            ask_vectors(patient_id=event.patient_id)


def keep_text(*, patient_id: UUID, document_id: UUID, found: Text) -> None:
    """Keep the words of a document with the text that was found in it; have it read by a task when it is waiting."""
    row = db.session.execute(_documents(patient_id).where(StoredDocument.id == document_id)).one_or_none()
    if row is None:
        return
    _keep_document(patient_id, row, found, crypto.patient_key(patient_id))
    if found.state is TextState.WAITING:
        outbox.enqueue(READ_TEXT, patient_id, document_id)
    else:
        ask_vectors(patient_id=patient_id)


def find_unread(*, patient_id: UUID, document_id: UUID) -> Unread | None:
    """The document that a task is to read; None when that was done."""
    this = (SearchText.patient_id == patient_id, SearchText.id == document_id)
    state = db.session.scalar(sa.select(SearchText.state).where(*this))
    if state != TextState.WAITING:
        return None
    row = db.session.execute(_documents(patient_id).where(StoredDocument.id == document_id)).one()
    return Unread(row.id, row.media_type, _blob(row), crypto.patient_key(patient_id, create=False))


def open_text(unread: Unread) -> Text:
    """Read the content of a document, outside any transaction."""
    readable = unread.media_type in READABLE
    content = b"".join(blobs.read(unread.blob, key=unread.key)) if readable else b""
    return read_slowly(unread.media_type, content)


def list_unindexed(*, patient_id: UUID, after: UUID | None, limit: int, again: bool) -> Sequence[Unread]:
    """Documents of a record in the order of their ids, from the one after: those not indexed yet, or all of them."""
    wanted = _documents(patient_id).order_by(StoredDocument.id).limit(limit)
    if after is not None:
        wanted = wanted.where(StoredDocument.id > after)
    if not again:
        wanted = wanted.where(~_indexed(patient_id, StoredDocument.id))
    rows = db.session.execute(wanted).all()
    if not rows:
        return []
    key = crypto.patient_key(patient_id, create=False)
    return [Unread(row.id, row.media_type, _blob(row), key) for row in rows]


def index_entries(*, patient_id: UUID, again: bool) -> int:
    """Keep the words of the entries of a record, of those not indexed yet or of all; returns how many."""
    wanted = _entries(patient_id).where(~StoredEntry.wrong)
    rows = db.session.execute(wanted if again else wanted.where(~_indexed(patient_id, StoredEntry.id))).all()
    if rows:
        key = crypto.patient_key(patient_id)
        for row in rows:
            _keep_entry(patient_id, row, key)
    return len(rows)


def _keep_document(patient_id: UUID, row: Any, found: Text, key: bytes) -> None:
    about = [row.author_person, row.author_institution, row.author_specialty]
    about += [DOCUMENT_TYPES[row.type_code].label, DOCUMENT_KINDS[row.kind].label]
    heading = [Passage(compose(row.title), "A"), *(Passage(compose(text), "B") for text in about)]
    source = SearchSource.DOCUMENT
    store(Indexed(patient_id, row.id, source, row.effective_at, heading, found.text, found.state), key=key)


def _keep_entry(patient_id: UUID, row: Any, key: bytes) -> None:
    value = f"{number_in_words(row.value)} {row.unit}" if row.value is not None else ""
    said = dict.fromkeys([value, *_said(orjson.loads(row.body))])
    heading = [Passage(compose(row.label), "A"), Passage(_LABELS[row.category], "B"), Passage(row.author_name, "B")]
    text = compose(" ; ".join(one for one in said if one and one != row.label))
    source = SearchSource.ENTRY
    store(Indexed(patient_id, row.id, source, row.effective_at, heading, text, TextState.WHOLE), key=key)


def _said(value: Any, name: str = "") -> Iterator[str]:
    """What a resource says in words."""
    match value:
        case Mapping():
            for inner, found in value.items():
                yield from _said(found, inner)
        case list():
            for found in value:
                yield from _said(found, name)
        case str() if name in _SAID:
            yield value


def _blob(row: Any) -> BlobRef:
    return BlobRef(row.blob_name, row.size, row.sha256)


def _indexed(patient_id: UUID, id: Any) -> sa.ColumnElement[bool]:
    return sa.exists().where(SearchText.patient_id == patient_id, SearchText.id == id)


def _documents(patient_id: UUID) -> sa.Select[*tuple[Any, ...]]:
    document = StoredDocument
    about = (document.author_person, document.author_institution, document.author_specialty, document.kind)
    content = (document.media_type, document.blob_name, document.size, document.sha256)
    columns = (document.id, document.title, document.type_code, document.effective_at, *about, *content)
    return sa.select(*columns).where(document.patient_id == patient_id)


def _entries(patient_id: UUID) -> sa.Select[*tuple[Any, ...]]:
    entry = StoredEntry
    about = (entry.label, entry.value, entry.unit, entry.author_name, entry.effective_at)
    columns = (entry.id, entry.category, entry.document_id, *about)
    body = sa.cast(entry.body, sa.Text).label("body")
    return sa.select(*columns, entry.wrong, body).where(entry.patient_id == patient_id)
