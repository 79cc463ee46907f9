"""Wiring of the consent: what it hears, its periodic tasks."""

from flask import Flask

from consent import subscribers, tasks  # noqa: F401 - registers the tasks
from platform_core import events, schedule
from store.events import ApplicationReinstated, ApplicationSuspended, ApplicationWithdrawn


def init_app(app: Flask) -> None:
    """Register what the consent adds to the application."""
    events.subscribe(ApplicationWithdrawn, subscribers.end_consents)
    events.subscribe(ApplicationSuspended, subscribers.note_suspension)
    events.subscribe(ApplicationReinstated, subscribers.note_reinstatement)
    schedule.every(60, "consent.record_expiries")
