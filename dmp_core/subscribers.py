"""What the record hears: a patient decided on what an app had written in it; a document came in, an entry changed; the
space closes."""

from dmp_core.events import DocumentFiled
from dmp_core.service import contributions
from dmp_core.service.documents.acts import withdraw_documents
from dmp_core.service.entries import extracting
from dmp_core.service.entries.writing import withdraw_entries
from dmp_core.service.indexing import reading
from dmp_core.service.professionals import agreements
from identity_core.events import SpaceClosed
from platform_core.events import ContributionsWithdrawn, DataChanged


def withdraw_contributions(event: ContributionsWithdrawn) -> None:
    contributions.withdraw_measures(patient_id=event.patient_id, author_id=event.author_id, choice=event.choice)
    withdraw_documents(patient_id=event.patient_id, author_id=event.author_id, choice=event.choice)
    withdraw_entries(patient_id=event.patient_id, author_id=event.author_id, choice=event.choice)


def extract_entries(event: DocumentFiled) -> None:
    extracting.extract_entries(event)


def index_document(event: DocumentFiled) -> None:
    reading.index_document(event)


def end_agreements(event: SpaceClosed) -> None:
    """Whoever was let in is turned out: opening the space again lets nobody back."""
    agreements.end_agreements(patient_id=event.patient_id, by=event.by)


def index_entry(event: DataChanged) -> None:
    reading.index_entry(event)
