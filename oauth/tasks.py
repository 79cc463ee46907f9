"""Periodic work: forget what no check needs any more, renew the keys that sign."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task

from oauth import service
from platform_core import clock, signing
from platform_core.database import DatabaseRole, transaction

TOMBSTONES = timedelta(days=90)
USED_CODES = timedelta(days=1)
SIGNING_LIFETIME = timedelta(days=90)


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


@shared_task(name="oauth.tell_logout", ignore_result=True)
def tell_logout(login_id: str) -> None:
    """Tell one app that somebody signed out. It may be told more than once; a failure is tried again by the outbox."""
    with transaction():
        prepared = service.prepare_logout(UUID(login_id))
    if prepared:
        service.send_logout(*prepared)


@shared_task(name="oauth.renew_signing_keys", ignore_result=True)
def renew_signing_keys() -> None:
    """Give a successor to each signing key that served its time; it stays published until what it signed is dead."""
    with transaction():
        signing.rotate(service.SIGNING_USE, made_before=clock.now() - SIGNING_LIFETIME)
