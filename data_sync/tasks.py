"""Periodic tasks of data_sync: counting what applications do, and watching them in the sandbox, after the fact."""

from celery import shared_task

from data_sync.service import interop, usage
from oauth import queries as oauth
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


@shared_task(name="data_sync.observe_sandbox", ignore_result=True)
def observe_sandbox() -> None:
    """Tick the interoperability tests that apps have shown in the sandbox. Running it again changes nothing."""
    with transaction():
        clients = {client.app_id: client for client in oauth.list_tested_clients()}
    with transaction(role=DatabaseRole.BATCH):
        found = interop.read_conduct(list(clients.values()))
    for conduct in found:
        with transaction():
            interop.note_conduct(clients[conduct.app_id], conduct)
