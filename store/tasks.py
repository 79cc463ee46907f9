"""Periodic tasks of the referencing."""

from celery import shared_task

from platform_core.access import SYSTEM
from platform_core.database import transaction
from store.service import calls, drafts, evidence, listings, reminders, reports


@shared_task(name="store.expire_listings", ignore_result=True)
def expire_listings() -> None:
    """Record the listings that passed their last day, and tell their publishers."""
    with transaction():
        listings.expire_listings(by=SYSTEM)


@shared_task(name="store.send_reminders", ignore_result=True)
def send_reminders() -> None:
    """Warn, once each, of delays, questions and reservations overdue, of drafts asleep, of listings that end."""
    with transaction():
        reminders.send_reminders(by=SYSTEM)


@shared_task(name="store.archive_drafts", ignore_result=True)
def archive_drafts() -> None:
    """Archive the drafts that nobody touched for a year."""
    with transaction():
        drafts.archive_drafts(by=SYSTEM)


@shared_task(name="store.warn_expiring_evidence", ignore_result=True)
def warn_expiring_evidence() -> None:
    """Tell publishers, and reviewers, of the evidence that ends soon or has ended."""
    with transaction():
        evidence.warn_expiring(by=SYSTEM)


@shared_task(name="store.erase_old_reports", ignore_result=True)
def erase_old_reports() -> None:
    """Erase what people wrote in the reports that ended long ago."""
    with transaction():
        reports.erase_old_reports(by=SYSTEM)


@shared_task(name="store.close_calls", ignore_result=True)
def close_calls() -> None:
    """Close the calls for applications whose last day has passed."""
    with transaction():
        calls.close_due(by=SYSTEM)
