"""The files of a whole record, read page by page while the archive is written.

Each page is read in a transaction that the caller opens: none stays open while a document streams.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from dmp_core.fhir.documents import DocumentRenderer
from dmp_core.fhir.entries import EntryRenderer
from dmp_core.fhir.goals import write_goal
from dmp_core.fhir.measures import Renderer
from dmp_core.models.documents import DocumentRow
from dmp_core.models.entries import EntryRow
from dmp_core.models.measures import MeasureRow
from dmp_core.queries import exports as queries
from dmp_core.queries.devices import list_device_ids, list_devices
from dmp_core.queries.goals import list_goals
from dmp_core.rules.documents.metadata import CONTENT_TYPES
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.entries.kinds import KINDS
from dmp_core.service.exports.zipping import Entry
from dmp_core.service.typed import BY_HAND
from platform_core import clock
from platform_core.access import Actor, Permit
from platform_core.blobs import service as blobs
from platform_core.errors import NotFound
from platform_core.fhir import wire

PAGE = 500
_DOCUMENTS_PAGE = 100
_ODD = '/\\:*?"<>|'


@dataclass(frozen=True, slots=True)
class Filed:
    """A document as the index tells it; `path` is empty when its file is lost."""

    path: str
    title: str
    type_code: str
    at: datetime
    author: str


@dataclass(slots=True)
class Contents:
    """What went into the archive, for its index: counts of measures by kind, entries by category, documents."""

    measures: Counter[str] = field(default_factory=Counter)
    entries: dict[str, list[tuple[str, datetime]]] = field(default_factory=dict)
    documents: list[Filed] = field(default_factory=list)


class Making:
    """One archive in the making. `within` opens a transaction bound to the patient, `told` hears (done, total)."""

    def __init__(
        self,
        *,
        patient_id: UUID,
        by: Actor,
        key: bytes,
        within: Callable[[], AbstractContextManager[object]],
        told: Callable[[int, int], None],
    ) -> None:
        self.contents = Contents()
        self._patient_id, self._key, self._within, self._told = patient_id, key, within, told
        self._viewer = Viewer.of(by)
        self._permit = Permit(by, patient_id, str(patient_id), {}, BY_HAND, patient_id, patient_id)

    def files(self, patient: str, index: Callable[[Contents], str]) -> Iterator[Entry]:
        """The files in order: FHIR by type (`patient` is that resource as JSON), originals, the page to read them."""
        yield "fhir/Patient.ndjson", [f"{patient}\n".encode()]
        yield "fhir/Observation.ndjson", self._measures()
        yield "fhir/Device.ndjson", self._devices()
        yield "fhir/Goal.ndjson", self._goals()
        for type_ in sorted({kind.resource for kind in KINDS.values()}):
            yield f"fhir/{_file_of(type_)}.ndjson", self._entries(type_)
        yield "fhir/DocumentReference.ndjson", self._documents()
        yield from self._originals()
        yield "index.html", _later(lambda: index(self.contents))

    def _measures(self) -> Iterator[bytes]:
        renderer, after = Renderer(self._permit), queries.FIRST
        while rows := self._measures_page(after):
            self.contents.measures.update(row.kind for row in rows)
            yield _lines(renderer.observation(row) for row in rows)
            after = UUID(rows[-1].id)

    def _measures_page(self, after: UUID) -> Sequence[MeasureRow]:
        with self._within():
            return queries.list_measures_after(patient_id=self._patient_id, after=after, limit=PAGE)

    def _devices(self) -> Iterator[bytes]:
        with self._within():
            rows = list_devices(patient_id=self._patient_id, ids=list_device_ids(patient_id=self._patient_id))
        renderer = Renderer(self._permit)
        yield _lines(renderer.device(row) for row in rows)

    def _goals(self) -> Iterator[bytes]:
        with self._within():
            found = list_goals(patient_id=self._patient_id, on=clock.today())
        yield _lines(wire.write(write_goal(goal, self._permit.patient_reference)) for goal in found)

    def _entries(self, type_: str) -> Iterator[bytes]:
        renderer, after = EntryRenderer(self._permit), queries.FIRST
        while rows := self._entries_page(after):
            found = [row for row in rows if KINDS[row.category].resource == type_]
            for row in found:
                self.contents.entries.setdefault(row.category, []).append((row.label, row.effective_at))
            yield _lines(renderer.entry(row) for row in found)
            after = rows[-1].id

    def _entries_page(self, after: UUID) -> Sequence[EntryRow]:
        with self._within():
            return queries.list_entries_after(patient_id=self._patient_id, viewer=self._viewer, after=after, limit=PAGE)

    def _documents(self) -> Iterator[bytes]:
        renderer = DocumentRenderer(self._permit)
        for rows in self._document_pages():
            yield _lines(renderer.document(row) for row in rows)

    def _originals(self) -> Iterator[Entry]:
        with self._within():
            total = queries.count_all_documents(patient_id=self._patient_id, viewer=self._viewer)
        done = 0
        for rows in self._document_pages():
            self._told(done, total)
            for number, row in enumerate(rows, done + 1):
                path = f"documents/{number:05}-{_named(row)}"
                try:
                    pieces = blobs.read(row.blob, key=self._key)
                except NotFound:
                    path = ""
                author = row.author_person or row.author_institution or row.author_name
                self.contents.documents.append(Filed(path, row.title, row.type_code, row.effective_at, author))
                if path:
                    yield path, pieces
            done += len(rows)
        self._told(done, total)

    def _document_pages(self) -> Iterator[Sequence[DocumentRow]]:
        skip = 0
        while rows := self._documents_page(skip):
            yield rows
            skip += len(rows)

    def _documents_page(self, skip: int) -> Sequence[DocumentRow]:
        with self._within():
            return queries.list_documents_page(
                patient_id=self._patient_id, viewer=self._viewer, skip=skip, limit=_DOCUMENTS_PAGE
            )


def _file_of(type_: str) -> str:
    """The entries that are Observations stand beside the measures, in a file of their own."""
    return "Observation-entries" if type_ == "Observation" else type_


def _lines(resources: Iterable[str]) -> bytes:
    return "".join(f"{resource}\n" for resource in resources).encode()


def _later(text: Callable[[], str]) -> Iterator[bytes]:
    yield text().encode()


def _named(row: DocumentRow) -> str:
    title = "".join(" " if letter in _ODD or ord(letter) < 32 else letter for letter in row.title).strip(" .")
    return f"{title[:80] or 'document'}.{CONTENT_TYPES[row.media_type]}"
