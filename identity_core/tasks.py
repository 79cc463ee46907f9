"""Periodic tasks of identity: spaces open when their opposition period is over, what time has ended is recorded."""

import logging
from uuid import UUID

from celery import shared_task

from identity_core import queries
from identity_core.service import representations, sign_in, spaces
from platform_core.access import SYSTEM
from platform_core.database import DatabaseRole, transaction
from platform_core.errors import Conflict

_log = logging.getLogger(__name__)
_ROUNDS = 40


@shared_task(name="identity.open_spaces", ignore_result=True)
def open_spaces() -> None:
    """Open the spaces that nobody opposed in time, each in a transaction of its own."""
    for _ in range(_ROUNDS):
        with transaction(role=DatabaseRole.BATCH):
            due = queries.list_due_openings()
        for patient_id in due:
            _open(patient_id)
        if not due:
            return


def _open(patient_id: UUID) -> None:
    """A space that somebody opened or opposed meanwhile is left as it is."""
    try:
        with transaction(patient_id=patient_id):
            spaces.open_space(patient_id=patient_id, by=SYSTEM)
    except Conflict:
        return


@shared_task(name="identity.record_lapses", ignore_result=True)
def record_lapses() -> None:
    """Record the representations that time has ended, which every page feels already: people are told.

    One that fails is logged, the others go on, and the task fails at the end so that it is seen.
    """
    with transaction():
        lapsed = queries.list_lapsed()
    failed = 0
    for one in lapsed:
        try:
            with transaction(patient_id=one.patient_id):
                representations.record_lapse(representation_id=one.id)
        except Exception:
            _log.exception("The end of the representation %s could not be recorded.", one.id)
            failed += 1
    if failed:
        raise RuntimeError(f"{failed} representations could not be recorded.")


@shared_task(name="identity.sweep_sessions", ignore_result=True)
def sweep_sessions() -> None:
    """Delete the sessions and sign-ins that have lapsed."""
    with transaction():
        sign_in.delete_lapsed()
