"""Tasks of the record: reading the text of what was filed."""

from uuid import UUID

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

from dmp_core.rules.search.sources import TextState
from dmp_core.service.indexing import reading
from dmp_core.service.indexing.texts import Text
from platform_core.database import transaction

_SECONDS = 60


@shared_task(name=reading.READ_TEXT, ignore_result=True, soft_time_limit=_SECONDS, time_limit=_SECONDS + 30)
def read_text(patient_id: str, document_id: str) -> None:
    """Read the text of a document and keep its words; nothing happens when that was done.

    One that takes too long to open is found by its title and author only.
    """
    patient, document = UUID(patient_id), UUID(document_id)
    with transaction(patient_id=patient):
        unread = reading.find_unread(patient_id=patient, document_id=document)
    if unread is None:
        return
    try:
        found = reading.open_text(unread)
    except SoftTimeLimitExceeded:
        found = Text("", TextState.UNREAD)
    with transaction(patient_id=patient):
        reading.keep_text(patient_id=patient, document_id=document, found=found)
