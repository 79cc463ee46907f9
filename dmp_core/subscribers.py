"""What the record hears: a patient decided on what an app had written in it; a document came in, an entry changed."""

from dmp_core.events import DocumentFiled
from dmp_core.service import contributions
from dmp_core.service.documents.acts import withdraw_documents
from dmp_core.service.entries import extracting
from dmp_core.service.entries.writing import withdraw_entries
from dmp_core.service.indexing import reading
from platform_core.events import ContributionsWithdrawn, DataChanged


def withdraw_contributions(event: ContributionsWithdrawn) -> None:
    contributions.withdraw_measures(patient_id=event.patient_id, author_id=event.author_id, choice=event.choice)
    withdraw_documents(patient_id=event.patient_id, author_id=event.author_id, choice=event.choice)
    withdraw_entries(patient_id=event.patient_id, author_id=event.author_id, choice=event.choice)


def extract_entries(event: DocumentFiled) -> None:
    extracting.extract_entries(event)


def index_document(event: DocumentFiled) -> None:
    reading.index_document(event)


def index_entry(event: DataChanged) -> None:
    reading.index_entry(event)
