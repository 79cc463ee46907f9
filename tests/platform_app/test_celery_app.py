"""Tasks run inside the application; a message of the outbox is done when its task succeeded, and not before."""

from collections.abc import Iterator
from uuid import UUID

import pytest
import sqlalchemy as sa
from celery import Celery
from celery.contrib.testing.worker import start_worker
from flask import Flask

from platform_core import clock, outbox
from platform_core.database import db, transaction
from platform_core.embedded.processes import wait_until


@pytest.fixture
def celery(app: Flask) -> Celery:
    return app.extensions["celery"]


@pytest.fixture
def worker(celery: Celery) -> Iterator[None]:
    """A worker in a thread of this process, on every queue."""
    with start_worker(celery, pool="threads", concurrency=2, perform_ping_check=False, shutdown_timeout=30):
        yield


def done(message: UUID) -> bool:
    with transaction():
        row = db.session.execute(sa.select(outbox.OutboxMessage).filter_by(id=message)).scalar_one()
        return row.done_at is not None


def test_a_message_is_done_once_its_task_succeeded(app: Flask, worker: None) -> None:
    with transaction():
        message = outbox.enqueue("core.seal_journal")
    assert wait_until(lambda: done(message), seconds=20)


def test_a_message_that_the_broker_lost_is_sent_again(app: Flask, celery: Celery, worker: None) -> None:
    with transaction():
        message = outbox.enqueue("core.seal_journal")
    with transaction():
        db.session.execute(sa.update(outbox.OutboxMessage).values(done_at=None, due_at=clock.now()))
    celery.send_task("core.redispatch_outbox")
    assert wait_until(lambda: done(message), seconds=20)


def test_a_task_that_fails_leaves_its_message_waiting(app: Flask, celery: Celery) -> None:
    @celery.task(name="core.always_fails")
    def always_fails() -> None:
        raise ValueError("expected")

    with transaction():
        message = outbox.enqueue("core.always_fails")
    with pytest.raises(ValueError, match="expected"):
        celery.tasks["core.always_fails"].apply(headers={"outbox": str(message)}, throw=True)
    celery.tasks.pop("core.always_fails")
    assert not done(message)


def test_settings_accept_nothing_but_json_and_keep_no_result(celery: Celery) -> None:
    assert celery.conf.accept_content == ["json"]
    assert celery.conf.result_backend is None
    assert celery.conf.task_acks_late
