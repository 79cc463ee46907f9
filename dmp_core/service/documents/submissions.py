"""A submission set with its documents (ITI-65): Lists, DocumentReferences, their Binaries, all or nothing."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON, insert

from dmp_core.fhir.documents import DocumentRenderer, split_set
from dmp_core.models.documents import DocumentSet
from dmp_core.rules.entries.kinds import at
from dmp_core.service.documents.drafts import ATTACHMENT, Draft, detach, judge, opened, received
from dmp_core.service.documents.publishing import place_document
from dmp_core.service.documents.storing import Links
from dmp_core.service.drafts import check_subject, check_written
from platform_core import clock
from platform_core.access import Access, DataCall, Permit
from platform_core.database import db
from platform_core.errors import Fault, Invalid
from platform_core.fhir.registry import Entry, Stored
from platform_core.fhir.transactions import resolve
from platform_core.fhir.validation import invalid, validate
from platform_core.ids import uuid7

SUBMISSION, FOLDER = "submissionset", "folder"
_STATUS_PATH = "DocumentReference.status"


@dataclass(frozen=True, slots=True)
class Submission:
    """The entries of a Bundle of ITI-65, each by what it is."""

    lists: list[Entry] = field(default_factory=list)
    documents: list[Entry] = field(default_factory=list)
    binaries: list[Entry] = field(default_factory=list)
    patches: list[Entry] = field(default_factory=list)

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "Submission":
        sorted_ = cls()
        places = {
            "List": sorted_.lists,
            "DocumentReference": sorted_.documents,
            "Binary": sorted_.binaries,
            "Parameters": sorted_.patches,
        }
        for entry in entries:
            places[entry.type].append(entry)
        return sorted_

    def faults(self) -> Iterator[Fault]:
        """What refuses the Bundle as a whole (IHE MHD, ITI-65)."""
        sets = [entry for entry in self.lists if purpose_of(entry) == SUBMISSION]
        if len(sets) != 1:
            yield Fault("Bundle.entry", "must hold exactly one List that is a submission set.", "business-rule")
        for entry in self.lists:
            if purpose_of(entry) not in {SUBMISSION, FOLDER}:
                where = f"Bundle.entry[{entry.position}].resource.code"
                yield Fault(where, "must be submissionset or folder.", "code-invalid")
        if not self.documents:
            yield Fault("Bundle.entry", "must hold at least one DocumentReference.", "business-rule")
        for entry in self.patches:
            if not self._gives_way(entry):
                where = f"Bundle.entry[{entry.position}]"
                yield Fault(where, "may only make superseded what a document of the Bundle replaces.", "business-rule")

    def _gives_way(self, patch: Entry) -> bool:
        """Whether a PATCH says of a document what replacing it does."""
        related = [one for entry in self.documents for one in at(entry.resource, "relatesTo")]
        targets = [found for one in related if "replaces" in at(one, "code") for found in at(one, "target.reference")]
        operations = patch.resource.get("parameter", ())
        said = [{part.get("name"): part for part in one.get("part", ())} for one in operations]
        return patch.target in targets and [
            (one.get("path", {}).get("valueString"), one.get("value", {}).get("valueCode")) for one in said
        ] == [(_STATUS_PATH, "superseded")]


def purpose_of(entry: Entry) -> str:
    """Whether a List is a submission set or a folder; empty for another one."""
    coded = entry.resource.get("code")
    found = coded.get("coding", ()) if isinstance(coded, dict) else ()
    return next((coding["code"] for coding in found if coding.get("code") in {SUBMISSION, FOLDER}), "")


def publish_submission(*, call: DataCall, entries: Sequence[Entry]) -> Sequence[Stored]:
    """File the documents of a submission set, with what they replace. All or nothing; one outcome for each entry.

    Raises `Invalid` with the FHIRPath of each fault, and what `publish_document` raises.
    """
    submission = Submission.of(entries)
    for entry in (*submission.lists, *submission.patches):
        with _faults_of(entry):
            validate(entry.resource)
    if faults := list(submission.faults()):
        raise invalid(faults)
    for entry in submission.lists:
        with _faults_of(entry):
            check_subject(entry.resource, call.patient_reference)
    drafts = [_draft(entry, submission, call.patient_reference) for entry in submission.documents]
    _check_all_used(submission)
    permit = call.require(sorted({draft.category for draft in drafts}), Access.WRITE)
    for entry in (*submission.lists, *submission.documents):
        with _faults_of(entry):
            check_written(entry.resource, permit)
    stored = _file(submission, drafts, permit)
    return [stored[entry.position] for entry in entries]


def _draft(entry: Entry, submission: Submission, patient_reference: str) -> Draft:
    with _faults_of(entry):
        bare, data = detach(entry.resource)
        read = judge(bare, patient_reference, comprehensive=True)
        url = bare["content"][0]["attachment"].get("url", "")
        binary = resolve(url, submission.binaries)
        if data or binary is None:
            where = f"{ATTACHMENT}.url"
            raise invalid([Fault(where, "must point to the Binary of the Bundle that holds the content.", "not-found")])
    with _faults_of(binary):
        given = binary.resource.get("contentType", "")
        if read.content_type != str(given).partition(";")[0].strip().lower():
            raise invalid([Fault("Binary.contentType", f"must be {read.content_type}, as the document says.", "value")])
        data = binary.resource.get("data", "")
        if not isinstance(data, str) or not data:
            raise invalid([Fault("Binary.data", "is missing.", "required")])
        content = opened(data, "Binary.data")
    return Draft(bare, read, content, f"Bundle.entry[{entry.position}].resource.content[0].attachment")


def _check_all_used(submission: Submission) -> None:
    """Each Binary is the content of one document: what nobody would read is not kept."""
    urls = [entry.resource["content"][0]["attachment"]["url"] for entry in submission.documents]
    used = [found.position for url in urls if (found := resolve(url, submission.binaries))]
    faults = [
        Fault(f"Bundle.entry[{binary.position}].resource", "must be the content of one document.", "business-rule")
        for binary in submission.binaries
        if used.count(binary.position) != 1
    ]
    if faults:
        raise invalid(faults)


def _file(submission: Submission, drafts: Sequence[Draft], permit: Permit) -> dict[int, Stored]:
    """Keep everything; the outcomes by position in the Bundle."""
    renderer = DocumentRenderer(permit)
    ids = {entry.position: uuid7() for entry in submission.lists}
    stored: dict[int, Stored] = {}
    kept: dict[str, str] = {}
    for entry, draft in zip(submission.documents, drafts, strict=True):
        with received(draft) as content, _faults_of(entry):
            row = place_document(draft, content, permit, _links(entry, submission, ids))
        stored[entry.position] = renderer.stored(row, created=True, warnings=draft.metadata.warnings)
        kept |= dict.fromkeys(_names(entry), f"DocumentReference/{row.id}")
        binary = resolve(entry.resource["content"][0]["attachment"]["url"], submission.binaries)
        assert binary
        stored[binary.position] = Stored("Binary", str(row.id), row.version, row.updated_at, "", str)
        for patch in submission.patches:
            if patch.target == draft.metadata.replaces:
                replaced = f"{row.replaces}"
                stored[patch.position] = Stored("DocumentReference", replaced, 0, row.updated_at, "", str, False)
    for entry in submission.lists:
        stored[entry.position] = _keep_list(entry, ids[entry.position], kept, permit, renderer)
    return stored


def _links(entry: Entry, submission: Submission, ids: Mapping[int, UUID]) -> Links:
    """The submission set of the Bundle, and the folders whose List names the document."""
    named = _names(entry)
    sets = {purpose_of(one): ids[one.position] for one in submission.lists if purpose_of(one) == SUBMISSION}
    folders = [
        ids[one.position]
        for one in submission.lists
        if purpose_of(one) == FOLDER
        and any(item.get("item", {}).get("reference") in named for item in one.resource.get("entry", ()))
    ]
    return Links(submission_id=sets[SUBMISSION], folder_ids=tuple(folders))


def _keep_list(entry: Entry, id: UUID, kept: Mapping[str, str], permit: Permit, renderer: DocumentRenderer) -> Stored:
    now = clock.now()
    meta, body = split_set(entry.resource, kept, permit.patient_reference)
    row = {"patient_id": permit.patient_id, "id": id, "purpose": purpose_of(entry), "author_id": permit.author_id}
    texts = {"meta": sa.cast(sa.literal(meta, sa.Text), JSON), "body": sa.cast(sa.literal(body, sa.Text), JSON)}
    statement = insert(DocumentSet).values(**row, **texts, source=permit.source, created_at=now)
    db.session.execute(statement)
    return Stored("List", str(id), 1, now, "", partial(renderer.set_text, id, meta, body))


def _names(entry: Entry) -> set[str]:
    """The references by which the Bundle speaks of an entry."""
    identifier = entry.resource.get("id")
    own = {f"{entry.type}/{identifier}", f"urn:uuid:{identifier}"} if identifier else set()
    return {name for name in (entry.full_url, *own) if name}


@contextmanager
def _faults_of(entry: Entry) -> Iterator[None]:
    """Tell the faults of a resource by their path from the Bundle."""
    try:
        yield
    except Invalid as error:
        head = f"Bundle.entry[{entry.position}].resource"
        faults = [
            replace(fault, where=fault.where.replace(entry.type, head, 1))
            if fault.where.startswith(entry.type)
            else fault
            for fault in error.faults
        ]
        raise invalid(faults) from None
