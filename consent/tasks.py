"""Tasks: recording what calls already feel (expiry), and carrying the state of a listing into each consent's history.

The batch role only finds the consents; each one is then written in a transaction bound to its patient.
"""

import logging
from collections.abc import Callable, Iterable
from uuid import UUID

from celery import shared_task

from consent import queries
from consent.queries import Due
from consent.service import cascades, lifecycle, requests
from platform_core.database import DatabaseRole, transaction

_log = logging.getLogger(__name__)


@shared_task(name="consent.record_expiries", ignore_result=True)
def record_expiries() -> None:
    """Record the consents that have expired and the requests that went unanswered."""
    with transaction():
        requests.expire_requests()
    with transaction(role=DatabaseRole.BATCH):
        due = queries.list_expired()
    _each(due, lambda one: lifecycle.record_expiry(patient_id=one.patient_id, grant_id=one.grant_id, reason=one.reason))


@shared_task(name="consent.carry_cascade", ignore_result=True)
def carry_cascade(application_id: str) -> None:
    """Bring the next consents of an app up to date with the newest change of its referencing."""
    with transaction(role=DatabaseRole.BATCH):
        batch = queries.find_batch(UUID(application_id))
    if batch is None:
        return
    with transaction():
        waiting = cascades.carry_batch(batch=batch)
    if waiting:
        raise RuntimeError(f"{waiting} consents could not be brought up to date.")


def _each(found: Iterable[Due], act: Callable[[Due], None]) -> None:
    """One transaction a consent: one that fails is logged, the others go on, and the task fails at the end so that
    its message is sent again."""
    failed = 0
    for one in found:
        try:
            with transaction(patient_id=one.patient_id):
                act(one)
        except Exception:
            _log.exception("The consent %s could not be brought up to date.", one.grant_id)
            failed += 1
    if failed:
        raise RuntimeError(f"{failed} consents could not be brought up to date.")
