"""Tasks of notification."""

from uuid import UUID

from celery import shared_task

from notification_core.service import emails
from notification_core.service.emails import Outcome
from platform_core.database import DatabaseRole, transaction
from platform_core.errors import Unavailable


@shared_task(name="notification.send_email", ignore_result=True)
def send_email(email_id: str) -> None:
    """Hand one e-mail to the mail server; nothing happens when that was done already.

    Raises `Unavailable` when the server does not take it now: the outbox insists.
    """
    with transaction():
        parcel = emails.take_email(email_id=UUID(email_id))
    if parcel is None:
        return
    outcome = emails.hand_over(parcel)
    with transaction():
        emails.record_outcome(email_id=parcel.id, outcome=outcome)
    if outcome is Outcome.LATER:
        raise Unavailable("The mail server does not take this e-mail now.")


@shared_task(name="notification.delete_old_emails", ignore_result=True)
def delete_old_emails() -> None:
    """Delete what was sent, refused or given up more than thirty days ago."""
    with transaction(role=DatabaseRole.BATCH):
        emails.delete_old()
