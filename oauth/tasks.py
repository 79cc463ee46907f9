"""Periodic work: forget what no check needs any more."""

from datetime import timedelta

from celery import shared_task

from oauth import service
from platform_core import clock
from platform_core.database import DatabaseRole, transaction

TOMBSTONES = timedelta(days=90)
USED_CODES = timedelta(days=1)


@shared_task(name="oauth.forget_expired", ignore_result=True)
def forget_expired() -> None:
    """Delete values that no check reads any more, codes of yesterday, tokens dead for three months."""
    with transaction(role=DatabaseRole.BATCH):
        service.forget_replays()
    with transaction():
        now = clock.now()
        service.forget_dead(tokens_before=now - TOMBSTONES, codes_before=now - USED_CODES)
        service.forget_initial_tokens(now - USED_CODES)
        service.forget_devices(now - USED_CODES)
