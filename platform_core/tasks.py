"""Periodic tasks of the kernel: sending the outbox again, sealing the journal, sweeping what is over."""

from celery import shared_task

from platform_core import downloads, outbox
from platform_core.blobs import service as blobs
from platform_core.database import DatabaseRole, transaction
from platform_core.journal import service as journal


@shared_task(name="core.redispatch_outbox", ignore_result=True)
def redispatch_outbox() -> None:
    """Send again the messages that the broker lost or never got."""
    with transaction(role=DatabaseRole.BATCH):
        outbox.redispatch()


@shared_task(name="core.seal_journal", ignore_result=True)
def seal_journal() -> None:
    """Seal the committed journal rows that wait; several batches when many wait."""
    for _ in range(20):
        with transaction(role=DatabaseRole.BATCH):
            if journal.seal_batch() == 0:
                return


@shared_task(name="core.drop_journal", ignore_result=True)
def drop_journal() -> None:
    """Erase the journal rows kept longer than the retention, whole batches at a time."""
    with transaction(role=DatabaseRole.BATCH):
        journal.drop_batches()


@shared_task(name="core.sweep_blobs", ignore_result=True)
def sweep_blobs() -> None:
    """Delete the blobs that no row refers to, and what was left half received."""
    blobs.sweep_incoming()
    for collection in blobs.collections():
        for names in blobs.list_settled(collection):
            with transaction(role=DatabaseRole.BATCH):
                blobs.delete_orphans(collection, names)


@shared_task(name="core.drop_downloads", ignore_result=True)
def drop_downloads() -> None:
    """Forget the files that were made for a day, when the day is over."""
    with transaction(role=DatabaseRole.BATCH):
        downloads.drop_expired()
