"""Periodic task of the FHIR mechanics: forgetting the keys of repeated requests."""

from celery import shared_task

from platform_core.database import DatabaseRole, transaction
from platform_core.fhir import idempotency


@shared_task(name="core.purge_idempotency_keys", ignore_result=True)
def purge_idempotency_keys() -> None:
    """Delete the keys older than 24 hours."""
    with transaction(role=DatabaseRole.BATCH):
        idempotency.purge()
