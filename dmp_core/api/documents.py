"""DocumentReference, its Binary and the Lists it came in: ITI-105, ITI-65, ITI-67, ITI-68, changes by their author."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from dmp_core.categories import DOCUMENT_KINDS, VACCINATION_HISTORY
from dmp_core.fhir.documents import PROFILE, SIMPLIFIED, DocumentRenderer
from dmp_core.models.documents import DocumentRow
from dmp_core.queries import documents as queries
from dmp_core.rules.asked import PATIENT_PARAMETERS, asks_another_patient
from dmp_core.rules.documents import asked as rules
from dmp_core.rules.documents.asked import Condition
from dmp_core.rules.documents.visibility import Viewer, is_visible
from dmp_core.service.documents import changes
from dmp_core.service.documents.publishing import publish_document
from dmp_core.service.documents.submissions import publish_submission
from platform_core import clock, crypto
from platform_core.access import Access, ActorKind, DataCall, Permit
from platform_core.blobs import service as blobs
from platform_core.clock import PARIS
from platform_core.errors import Forbidden, NotFound
from platform_core.fhir.registry import (
    Content,
    Entry,
    Page,
    Resource,
    ResourceType,
    SearchParameter,
    Stored,
)
from platform_core.fhir.search import Query


def create(call: DataCall, resource: Resource, criteria: str) -> Stored:
    return publish_document(call=call, resource=resource, criteria=criteria)


def perform_transaction(call: DataCall, entries: Sequence[Entry]) -> Sequence[Stored]:
    return publish_submission(call=call, entries=entries)


def read(call: DataCall, identifier: str) -> Stored:
    """One document; what the consent does not cover is not found, like what does not exist."""
    row, permit = _readable(call, identifier)
    return DocumentRenderer(permit).stored(row, created=False)


def history(call: DataCall, identifier: str) -> Sequence[Stored]:
    """The versions of a document that the caller may read as it is now."""
    row, permit = _readable(call, identifier)
    versions = queries.list_versions(patient_id=call.patient_id, document_id=row.id)
    renderer = DocumentRenderer(permit)
    return [renderer.stored(queries.as_it_was(row, version), created=version.version == 1) for version in versions]


def read_content(call: DataCall, identifier: str) -> Content:
    """The document itself (ITI-68), under the id of its DocumentReference."""
    row, _ = _readable(call, identifier)
    key = crypto.patient_key(call.patient_id, create=False)
    category = DOCUMENT_KINDS[row.kind].category
    piece = partial(_piece, row, key)
    return Content(str(row.id), category, row.media_type, row.size, row.sha256.hex(), piece)


def patch(call: DataCall, identifier: str, parameters: Resource, version: int | None) -> Stored:
    """Put away, hide, announce, take back: by the author."""
    return changes.patch_document(call=call, identifier=identifier, parameters=parameters, version=version)


def delete(call: DataCall, identifier: str, version: int | None) -> Stored:
    """Take back, logically: by the author."""
    return changes.take_back_document(call=call, identifier=identifier, version=version)


def search(call: DataCall, query: Query) -> Page:
    """One page. Named types are granted all or none; classes are narrowed to what the consent covers."""
    if asks_another_patient(query, call.patient_reference):
        raise Forbidden("The search names another patient than the token does.", code="patient-mismatch")
    asked = rules.read_asked(query)
    if not asked.kinds:
        return Page((), {}, total=0 if query.total or not query.count else None)
    permit = call.require(asked.categories, Access.READ, period=asked.dates.days(), narrow=not asked.named)
    spans, conditions = asked.spans(permit.categories), [*asked.conditions, *_conditions(query, permit)]
    sought = queries.Sought(call.patient_id, Viewer.reading(permit), spans, conditions, asked.updated)
    rows = queries.search_documents(sought, sort=asked.sort, limit=query.count + 1, skip=query.count * query.offset)
    total = queries.count_documents(sought) if query.total or not query.count else None
    return _page(query, permit, rows, total)


def _conditions(query: Query, permit: Permit) -> Iterator[Condition]:
    """What narrows the search of a professional: the access matrix, and the last two years unless they look further."""
    if permit.types is not None:
        yield Condition("types", {"codes": sorted(permit.types)})
    if permit.actor.kind is ActorKind.PROFESSIONAL and not rules.LOOKS_FURTHER & query.values.keys():
        yield Condition("recent", {"since": clock.now() - rules.FIRST_LOOK, "always": [VACCINATION_HISTORY]})


def _page(query: Query, permit: Permit, rows: Sequence[DocumentRow], total: int | None) -> Page:
    renderer = DocumentRenderer(permit)
    shown = rows[: query.count]
    counts = {DOCUMENT_KINDS[kind].category: count for kind, count in Counter([row.kind for row in shown]).items()}
    matches = [("DocumentReference", str(row.id), renderer.document(row)) for row in shown]
    return Page(matches, counts, has_more=len(rows) > query.count > 0, total=total)


def _readable(call: DataCall, identifier: str) -> tuple[DocumentRow, Permit]:
    """A document that the caller may read, and the permit to. Raises `NotFound`."""
    row = queries.find_document(patient_id=call.patient_id, identifier=identifier, viewer=Viewer.of(call.actor))
    if row is None:
        raise _absent(identifier)
    category = DOCUMENT_KINDS[row.kind].category
    permit = _permit_to_read(call, category, identifier)
    covered = row.effective_at.astimezone(PARIS).date() in permit.categories[category]
    reached = permit.types is None or row.type_code in permit.types
    if not (covered and reached and is_visible(row, Viewer.reading(permit))):
        raise _absent(identifier)
    return row, permit


def _permit_to_read(call: DataCall, category: str, identifier: str) -> Permit:
    try:
        return call.require([category], Access.READ)
    except Forbidden as error:
        if error.code == "consent-not-given":
            raise _absent(identifier) from None
        raise


def _absent(identifier: str) -> NotFound:
    return NotFound(f"There is no document {identifier}.")


def _piece(row: DocumentRow, key: bytes, start: int, stop: int) -> Iterator[bytes]:
    return blobs.read(row.blob, key=key, start=start, stop=stop)


DOCUMENT = ResourceType(
    name="DocumentReference",
    profiles=(PROFILE, SIMPLIFIED),
    parameters=(
        *(SearchParameter(name, "token") for name in rules.TOKENS),
        *(SearchParameter(name, "date") for name in rules.DATES),
        *(SearchParameter(name, "reference") for name in rules.REFERENCES),
        *(SearchParameter(name, "string") for name in (*rules.STRINGS, rules.CONTENT)),
        *(SearchParameter(name, "token") for name in rules.OTHERS),
        *(SearchParameter(name, "reference") for name in ("patient", "subject")),
        *(SearchParameter(name, "token") for name in PATIENT_PARAMETERS[2:]),
    ),
    read=read,
    search=search,
    create=create,
    patch=patch,
    delete=delete,
    history=history,
    transactional=True,
    attachments=True,
    user="crs",
    label_fr="Documents, par leur description",
)
BINARY = ResourceType(
    name="Binary",
    content=read_content,
    transactional=True,
    attachments=True,
    user="r",
    label_fr="Documents, par leur contenu",
)
LIST = ResourceType(name="List", transactional=True)
IN_SUBMISSIONS = frozenset({DOCUMENT.name, BINARY.name, LIST.name, "Parameters"})
