"""Periodic tasks of the referencing."""

from celery import shared_task

from platform_core.access import SYSTEM
from platform_core.database import transaction
from store.service import listings


@shared_task(name="store.expire_listings", ignore_result=True)
def expire_listings() -> None:
    """Record the listings that passed their last day, and tell their publishers."""
    with transaction():
        listings.expire_listings(by=SYSTEM)
