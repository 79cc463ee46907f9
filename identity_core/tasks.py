"""Periodic tasks of identity: spaces open when their opposition period is over and are destroyed when their time has
come, what time has ended is recorded."""

import logging
from uuid import UUID

from celery import shared_task

from identity_core import queries
from identity_core.service import destruction, representations, sign_in, spaces
from platform_core.access import SYSTEM
from platform_core.blobs import service as blobs
from platform_core.database import DatabaseRole, transaction
from platform_core.destruction import destroy_batch
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


@shared_task(name="identity.destroy_spaces", ignore_result=True)
def destroy_spaces() -> None:
    """Destroy the closed spaces whose day has come.

    One that fails is logged and taken up again at the next run, the others go on, and the task fails at the end.
    """
    with transaction(role=DatabaseRole.BATCH):
        due = queries.list_due_destructions()
    failed = 0
    for patient_id in due:
        try:
            destroy_space(patient_id)
        except Exception:
            _log.exception("The space %s could not be destroyed to the end.", patient_id)
            failed += 1
    if failed:
        raise RuntimeError(f"{failed} spaces could not be destroyed to the end.")


def destroy_space(patient_id: UUID) -> bool:
    """Destroy what a closed space holds, from wherever an earlier run was cut; whether there was anything due."""
    with transaction(patient_id=patient_id):
        begun = destruction.begin_destruction(patient_id=patient_id)
    if begun:
        _destroy_files(patient_id)
        while _destroy_rows(patient_id):
            pass
        with transaction(patient_id=patient_id):
            destruction.finish_destruction(patient_id=patient_id)
    return begun


def _destroy_files(patient_id: UUID) -> None:
    """The files go before the rows that name them, so that a run that was cut finds them again."""
    with transaction(patient_id=patient_id):
        names = blobs.list_held_by(patient_id)
    for name in names:
        blobs.delete(name)


def _destroy_rows(patient_id: UUID) -> int:
    with transaction(role=DatabaseRole.BATCH):
        return destroy_batch(patient_id)


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
