"""Tasks: recording what calls already feel (expiry), and carrying the state of a listing into each consent's history.

The batch role only finds the consents; each one is then written in a transaction bound to its patient.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from celery import shared_task

from consent import queries
from consent.queries import reminders as due
from consent.queries.accesses import last_watched
from consent.queries.announcements import find_announced, find_concerned
from consent.queries.erasures import list_due_erasures
from consent.queries.reports import find_reporter
from consent.rules.reminders import reminding_day
from consent.service import (
    announcements,
    app_events,
    cascades,
    erasure,
    lifecycle,
    reminders,
    reports,
    requests,
    silences,
    volumes,
)
from notification_core.queries import list_told
from platform_core import clock
from platform_core.database import DatabaseRole, transaction
from platform_core.journal import queries as journal
from platform_core.journal.queries import ActiveDay

_log = logging.getLogger(__name__)
_MOST_BATCHES = 50
_FIRST_ACCESSES = "first-accesses"


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


@shared_task(name="consent.remind_of_ends", ignore_result=True)
def remind_of_ends() -> None:
    """Once a day, announce the ends that come near."""
    _remind("ends", due.list_ending, reminders.remind_of_end)


@shared_task(name="consent.send_digests", ignore_result=True)
def send_digests() -> None:
    """Once a day, list to those whose turn it is the apps that go on having access."""
    _remind("digests", due.list_followed, reminders.send_digest)


@shared_task(name="consent.propose_pauses", ignore_result=True)
def propose_pauses() -> None:
    """Once a day, ask whether accesses that served nobody for long are still of use."""
    _remind("pauses", due.list_long_held, reminders.propose_pause)


@shared_task(name="consent.tell_first_accesses", ignore_result=True)
def tell_first_accesses() -> None:
    """Tell people that an app used its authorization for the first time, once the journal is sealed."""
    while True:
        with transaction(role=DatabaseRole.BATCH):
            after = last_watched(_FIRST_ACCESSES)
            until = min(journal.last_batch(), after + _MOST_BATCHES)
            days = _first(journal.list_active_days(after=after, until=until))
        if until <= after:
            return
        _each(days, lambda o: reminders.tell_first_access(patient_id=o.patient_id, grant_id=o.grant_id, day=o.day))
        with transaction():
            volumes.move_watch(name=_FIRST_ACCESSES, until=until)


@shared_task(name="consent.carry_announcement", ignore_result=True)
def carry_announcement(announcement_id: str) -> None:
    """Tell the next people of an announcement about an app that they authorized."""
    with transaction(role=DatabaseRole.BATCH):
        announced = find_announced(UUID(announcement_id))
    if announced:
        with transaction():
            announcements.carry_announcement(announced=announced)


@shared_task(name="consent.tell_incident", ignore_result=True)
def tell_incident(announcement_id: str, grant_id: str) -> None:
    """Tell somebody of an announcement, whom their batch could not."""
    with transaction(role=DatabaseRole.BATCH):
        due = find_concerned(UUID(announcement_id), UUID(grant_id))
    if due:
        with transaction(patient_id=due.patient_id):
            announcements.tell_one(announcement_id=UUID(announcement_id), due=due)


@shared_task(name="consent.forget_app_events", ignore_result=True)
def forget_app_events() -> None:
    """Delete what apps were to be told, after its retention."""
    with transaction(role=DatabaseRole.BATCH):
        app_events.forget_app_events()


def _first(days: Sequence[ActiveDay]) -> list[ActiveDay]:
    """The first day of each consent whose first access was never told. For the batch role."""
    first = {day.grant_id: day for day in sorted(days, key=lambda day: day.day, reverse=True)}
    real = due.list_real(list(first))
    keys = {(day.patient_id, reminders.first_access_key(day.grant_id)): day for day in first.values()}
    told = list_told([key for key, day in keys.items() if day.grant_id in real])
    return [day for key, day in keys.items() if day.grant_id in real and key not in told]


def _remind(name: str, find: Callable[..., Sequence[due.Concerned]], tell: Callable[..., None]) -> None:
    """Tell those who are found for the day. A run that is killed, or that failed for somebody, begins anew within the
    hour: keys keep it from telling the others twice.
    """
    today = reminding_day(clock.now())
    with transaction(role=DatabaseRole.BATCH):
        if last_watched(name) >= today.toordinal():
            return
    found = _page_after_page(lambda after: find(today, after))
    _each(found, lambda o: tell(patient_id=o.patient_id, grant_id=o.grant_id, since=o.since, today=today))
    with transaction():
        volumes.move_watch(name=name, until=today.toordinal())


def _page_after_page(find: Callable[[due.Concerned | None], Sequence[due.Concerned]]) -> Iterator[due.Concerned]:
    last: due.Concerned | None = None
    while True:
        with transaction(role=DatabaseRole.BATCH):
            page = find(last)
        if not page:
            return
        yield from page
        last = page[-1]


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
