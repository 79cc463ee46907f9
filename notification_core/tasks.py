"""Tasks of notification."""

from uuid import UUID

from celery import shared_task

from notification_core import service
from platform_core.database import transaction


@shared_task(name="notification.send_email", ignore_result=True)
def send_email(email_id: str) -> None:
    """Send one e-mail; nothing happens when it was sent already."""
    with transaction():
        service.send_email(email_id=UUID(email_id))
