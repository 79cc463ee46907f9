"""Periodic tasks of data_sync: counting what applications do, after the fact."""

from celery import shared_task

from data_sync.service import usage
from platform_core.database import DatabaseRole, transaction


@shared_task(name="data_sync.count_calls", ignore_result=True)
def count_calls() -> None:
    """Count the batches of the journal sealed since the last time."""
    while True:
        with transaction(role=DatabaseRole.BATCH):
            if usage.count_calls() == 0:
                return


@shared_task(name="data_sync.count_consents", ignore_result=True)
def count_consents() -> None:
    """Count the consents of each app. Running it again writes the same figures."""
    with transaction(role=DatabaseRole.BATCH):
        usage.count_consents()
