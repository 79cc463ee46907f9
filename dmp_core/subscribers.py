"""What the record hears: a patient decided on what an app had written in it."""

from dmp_core.service import contributions
from dmp_core.service.documents.acts import withdraw_documents
from platform_core.events import ContributionsWithdrawn


def withdraw_contributions(event: ContributionsWithdrawn) -> None:
    contributions.withdraw_measures(patient_id=event.patient_id, author_id=event.author_id, choice=event.choice)
    withdraw_documents(patient_id=event.patient_id, author_id=event.author_id, choice=event.choice)
