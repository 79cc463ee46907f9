"""Data read out of the CDA documents that enter the record."""

import re
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import sqlalchemy as sa

from dmp_core.cda.document import ClinicalDocument
from dmp_core.cda.reading import read
from dmp_core.cda.resources.mapping import resource as to_resource
from dmp_core.cda.resources.parts import Resource, Source
from dmp_core.cda.statements import Medication, MedicationKind, Result, ResultKind
from dmp_core.events import DocumentFiled
from dmp_core.models.documents import StoredDocument
from dmp_core.queries.entries import list_held
from dmp_core.rules.entries.kinds import kind_of
from dmp_core.rules.entries.reading import read_entry
from dmp_core.service.drafts import Author
from dmp_core.service.entries.storing import EntryDraft, store
from dmp_core.service.prescriptions.keeping import keep_lines
from identity_core import queries as identity
from platform_core.database import db
from platform_core.errors import Fault, Forbidden

XML = frozenset({"text/xml", "application/xml"})
_NAMED = re.compile(r"2\.25\.([0-9]{1,39})(?:\^.*)?")  # the OID of a UUID (ITU-T X.667)
# What a prescription orders or a pharmacy gives is followed line by line (`keep_lines`). Vital signs stay there: a
# measure follows no document, and hiding the document would leave it in sight.
_LEFT_IN_THE_DOCUMENT = frozenset({MedicationKind.PRESCRIPTION, MedicationKind.DISPENSATION})


def extract_entries(event: DocumentFiled) -> int:
    """Keep apart what a CDA document states in a structured way; returns how many entries it gave.

    Raises `Invalid` (`cda-…`) for a document that cannot be read, `Forbidden` (`patient-mismatch`) for one whose
    matricule is another person's.
    """
    if event.media_type not in XML:
        return 0
    document = read(event.content.read())
    check_patient(document, event.patient_id)
    keep_lines(document=document, document_id=event.document_id, patient_id=event.patient_id)
    reference = str(event.patient_id)
    filed = db.session.execute(
        sa.select(StoredDocument.author_name, StoredDocument.source).where(
            StoredDocument.patient_id == event.patient_id, StoredDocument.id == event.document_id
        )
    ).one()
    author = Author(event.patient_id, reference, event.author_id, filed.author_name, filed.source)
    held = _held(document, event.patient_id)
    drafts = _drafts(document, event.document_id, reference)
    return len(store([draft for id, draft in drafts if id not in held], author))


def check_patient(document: ClinicalDocument, patient_id: UUID) -> None:
    """Raises `Forbidden` (`patient-mismatch`) when document and record both have a matricule, and not the same."""
    stated, known = document.header.subject.ins, identity.find_ins(patient_id)
    if stated and known and stated.extension[:13] != known.matricule[:13]:
        message = "The document is another person's: its matricule is not the patient's."
        raise Forbidden(message, code="patient-mismatch", faults=[Fault("recordTarget/patientRole/id", message)])


def _held(document: ClinicalDocument, patient_id: UUID) -> set[str]:
    """The statements that name what they say again, an entry or a document of this record: a summary made of them adds
    nothing."""
    numbers = {one.id: int(match[1]) for one in document.statements if (match := _NAMED.fullmatch(one.id))}
    named = {id: UUID(int=number) for id, number in numbers.items() if number < 2**128}
    held = set(list_held(patient_id=patient_id, ids=named.values())) if named else set()
    return {id for id, found in named.items() if found in held}


def _drafts(document: ClinicalDocument, document_id: UUID, patient: str) -> Iterator[tuple[str, EntryDraft]]:
    source = Source(f"Patient/{patient}", f"DocumentReference/{document_id}", document.header.created)
    for statement in document.statements:
        if isinstance(statement, Medication) and statement.kind in _LEFT_IN_THE_DOCUMENT:
            continue
        if isinstance(statement, Result) and statement.kind is ResultKind.VITAL_SIGN:
            continue
        found = to_resource(statement, source)
        draft = _draft(found) if found else None
        if draft:
            yield statement.id, replace(draft, document_id=document_id, path=statement.path)


def _draft(resource: Resource) -> EntryDraft | None:
    kind = kind_of(resource)
    said = read_entry(kind, resource) if kind else None
    return EntryDraft(said, resource) if said is not None and not isinstance(said, list) else None
