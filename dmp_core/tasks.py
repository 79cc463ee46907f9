"""Tasks of the record: reading the text of what was filed."""

from functools import partial
from uuid import UUID

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from flask import render_template

from dmp_core import gateway
from dmp_core.categories import DOCUMENT_TYPES, KINDS
from dmp_core.fhir.summary import Person, write_patient
from dmp_core.rules.search.sources import TextState
from dmp_core.service.exports import asking
from dmp_core.service.exports.making import Contents, Making
from dmp_core.service.exports.zipping import zipped
from dmp_core.service.indexing import meaning, reading
from dmp_core.service.indexing.texts import Text
from dmp_core.service.synthesis import drafting
from identity_core import queries as identity
from platform_core import clock, crypto, downloads
from platform_core.blobs import service as blobs
from platform_core.categories import registry
from platform_core.database import DatabaseRole, transaction
from platform_core.fhir import wire

_SECONDS = 60
_PASSAGES, _BATCHES = 10, 10
_MOST_EXPORT = 20 * 2**30
_EXPORT_SECONDS = 3 * 3600


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


@shared_task(name=meaning.EMBED, ignore_result=True)
def embed_record(patient_id: str) -> None:
    """Make the vectors that a record waits for, a hundred at a time: what is left is for a task that follows.

    The model works outside any transaction; nothing happens when all was done.
    """
    patient = UUID(patient_id)
    for _ in range(_BATCHES):
        with transaction(patient_id=patient):
            waiting = meaning.list_waiting(patient_id=patient, limit=_PASSAGES)
        if not waiting:
            return
        made = gateway.embed_passages([one.passage for one in waiting])
        with transaction(patient_id=patient):
            meaning.keep_vectors(patient_id=patient, made=list(zip(waiting, made, strict=True)))
    with transaction(patient_id=patient):
        meaning.ask_vectors(patient_id=patient)


@shared_task(name=asking.MAKE, ignore_result=True, soft_time_limit=_EXPORT_SECONDS, time_limit=_EXPORT_SECONDS + 60)
def make_export(patient_id: str, download_id: str) -> None:
    """Make the copy of a whole record that was asked for; nothing happens when that was done.

    It is sealed under the patient's key while it is made: nothing of it lies in clear.
    """
    patient, download = UUID(patient_id), UUID(download_id)
    within = partial(transaction, patient_id=patient)
    with within():
        waiting = downloads.find_waiting(patient_id=patient, download_id=download)
        if waiting is None:
            return
        by, key, whose = waiting.asker, crypto.patient_key(patient), identity.get_patient(patient)

    def tell(done: int, total: int) -> None:
        with within():
            downloads.record_progress(patient_id=patient, download_id=download, done=done, total=total)

    def index(contents: Contents) -> str:
        names = {one.code: one.short_fr for one in registry.all()}
        return render_template(
            "dmp_core/export_index.html",
            patient=whose,
            contents=contents,
            types=DOCUMENT_TYPES,
            kinds=KINDS,
            names=names,
            now=clock.now(),
        )

    person = Person(patient, whose.family_name, whose.given_name, whose.birth_date, whose.sex)
    making = Making(patient_id=patient, by=by, key=key, within=within, told=tell)
    archive = zipped(making.files(wire.write(write_patient(person)), index))
    with blobs.receive(archive, most=_MOST_EXPORT) as received, within():
        blob = blobs.keep(received, collection=downloads.COLLECTION, key=key)
        asking.hand_over(patient_id=patient, download_id=download, blob=blob)


@shared_task(name="dmp.drop_lapsed_summaries", ignore_result=True)
def drop_lapsed_summaries() -> None:
    """Forget the drafts of medical summaries that nobody came back to."""
    with transaction(role=DatabaseRole.BATCH):
        drafting.drop_lapsed()
