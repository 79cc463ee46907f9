"""Tasks: recording what calls already feel (expiry), and carrying the state of a listing into each consent's history.

The batch role only finds the consents; each one is then written in a transaction bound to its patient.
"""

import logging
from collections.abc import Callable, Iterable
from uuid import UUID

from celery import shared_task

from consent import queries
from consent.queries import Due
from consent.service import lifecycle, requests
from platform_core.access import SYSTEM
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


@shared_task(name="consent.end_for_application", ignore_result=True)
def end_for_application(application_id: str) -> None:
    """End every live consent of an app that was withdrawn."""
    _each(
        _live_of(UUID(application_id)),
        lambda one: lifecycle.end_consent(
            patient_id=one.patient_id, grant_id=one.grant_id, by=SYSTEM, reason="withdrawal"
        ),
    )


@shared_task(name="consent.note_listing_change", ignore_result=True)
def note_listing_change(application_id: str) -> None:
    """Tell the patients of an app that it is suspended or reinstated, and write it in the histories."""
    _each(
        _live_of(UUID(application_id)),
        lambda one: lifecycle.note_listing_change(patient_id=one.patient_id, grant_id=one.grant_id),
    )


def _live_of(application_id: UUID) -> Iterable[Due]:
    last: UUID | None = None
    while True:
        with transaction(role=DatabaseRole.BATCH):
            found = queries.list_live_of_app(application_id, after=last)
        if not found:
            return
        yield from found
        last = found[-1].grant_id


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
