"""Tasks: recording what calls already feel (expiry), and carrying the state of a listing into each consent's history.

The batch role only finds the consents; each one is then written in a transaction bound to its patient.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar
from uuid import UUID

from celery import shared_task

from consent import queries
from consent.queries.accesses import last_watched
from consent.queries.erasures import list_due_erasures
from consent.queries.reports import find_reporter
from consent.service import cascades, erasure, lifecycle, reports, requests, silences, volumes
from platform_core.database import DatabaseRole, transaction
from platform_core.journal import queries as journal

_log = logging.getLogger(__name__)
_MOST_BATCHES = 50


class Concerned(Protocol):
    """Whose consent a task has found something to do about."""

    @property
    def patient_id(self) -> UUID: ...

    @property
    def grant_id(self) -> UUID: ...


Found = TypeVar("Found", bound=Concerned)


@shared_task(name="consent.record_expiries", ignore_result=True)
def record_expiries() -> None:
    """Record the consents that have expired and the requests that went unanswered."""
    with transaction():
        requests.expire_requests()
    with transaction(role=DatabaseRole.BATCH):
        due = queries.list_expired()
    _each(due, lambda one: lifecycle.record_expiry(patient_id=one.patient_id, grant_id=one.grant_id, reason=one.reason))


@shared_task(name="consent.forget_requests", ignore_result=True)
def forget_requests() -> None:
    """Delete the questions whose retention is over, and the refusals that count no more."""
    with transaction():
        requests.forget_requests()
    with transaction(role=DatabaseRole.BATCH):
        silences.forget_silences()


@shared_task(name="consent.remind_erasures", ignore_result=True)
def remind_erasures() -> None:
    """Remind publishers of the erasures that wait, and tell the people whose month has passed without an answer."""
    with transaction(role=DatabaseRole.BATCH):
        due = list_due_erasures()
    _each(due, lambda one: erasure.remind(patient_id=one.patient_id, grant_id=one.grant_id, reason=one.reason))


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


@shared_task(name="consent.watch_volumes", ignore_result=True)
def watch_volumes() -> None:
    """Look at what apps did in the batches of the journal sealed since the last time, and tell what is unusual.

    Batches are looked at again when the task is killed before it moves on: what is known already is not told twice.
    """
    while True:
        with transaction(role=DatabaseRole.BATCH):
            after = last_watched(volumes.VOLUMES)
            until = min(journal.last_batch(), after + _MOST_BATCHES)
            days = journal.list_active_days(after=after, until=until)
        if until <= after:
            return
        try:
            _each(days, lambda o: volumes.watch_day(patient_id=o.patient_id, grant_id=o.grant_id, day=o.day))
        finally:
            with transaction():
                volumes.move_watch(until=until)


@shared_task(name="consent.tell_reporter", ignore_result=True)
def tell_reporter(report_id: str) -> None:
    """Tell a patient how far the report of an access has come."""
    with transaction(role=DatabaseRole.BATCH):
        patient_id = find_reporter(UUID(report_id))
    if patient_id:
        with transaction(patient_id=patient_id):
            reports.tell_reporter(patient_id=patient_id, report_id=UUID(report_id))


@shared_task(name="consent.forget_accesses", ignore_result=True)
def forget_accesses() -> None:
    """Erase what was told of accesses whose lines the journal no longer keeps."""
    with transaction(role=DatabaseRole.BATCH):
        reports.forget_reports()
        volumes.forget_unusual()


def _each(found: Iterable[Found], act: Callable[[Found], None]) -> None:
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
