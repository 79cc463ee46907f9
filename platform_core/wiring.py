"""Wiring of the kernel: its periodic tasks."""

from flask import Flask

from platform_core import (  # noqa: F401 - loads the models and tasks
    audit,
    crypto,
    downloads,
    outbox,
    schedule,
    signing,
    tasks,
)
from platform_core.blobs import service as blobs
from platform_core.fhir import routes as fhir
from platform_core.fhir import tasks as fhir_tasks  # noqa: F401 - loads the tasks
from platform_core.journal import models  # noqa: F401 - loads the models


def init_app(app: Flask) -> None:
    """Register what the kernel does by itself."""
    schedule.every(20, "core.redispatch_outbox")
    schedule.every(60, "core.seal_journal")
    schedule.every(3600, "core.purge_idempotency_keys")
    schedule.every(3600, "core.drop_journal")
    schedule.every(3600, "core.drop_downloads")
    schedule.every(86400, "core.sweep_blobs")
    blobs.declare(downloads.COLLECTION, downloads.list_referenced_blobs, downloads.list_blobs_of)
    fhir.init_app(app)
