"""The Celery application: tasks run inside the Flask application, are sent as JSON ids, and are safe to lose.

The broker keeps nothing that matters: the outbox sends again what it lost.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from celery import Celery, Task
from celery.signals import worker_process_init
from flask import Flask

from platform_core import outbox, schedule
from platform_core.config import Config
from platform_core.database import db, transaction

CONCURRENCY = 2
_SETTINGS = {
    "accept_content": ["json"],
    "task_serializer": "json",
    "result_backend": None,
    "task_ignore_result": True,
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_publish_retry": False,
    "task_default_queue": "core",
    "task_create_missing_queues": True,
    "worker_prefetch_multiplier": 1,
    "worker_redirect_stdouts": False,
    "worker_cancel_long_running_tasks_on_connection_loss": True,
    "broker_connection_timeout": 2,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    # A task not acknowledged within this many seconds is given to another worker.
    "broker_transport_options": {
        "visibility_timeout": 600,
        "socket_connect_timeout": 2,
        "socket_timeout": 5,
    },
    "timezone": "UTC",
}


def init_celery(app: Flask, config: Config) -> Celery:
    """Make the Celery application of a Flask application; called once every room is wired.

    It becomes the default one of the process, so that `shared_task` and the outbox find it.
    """

    class FlaskTask(Task):
        """A task inside the application's context. A message of the outbox is marked done when it succeeded."""

        def __call__(self, *args: object, **kwargs: object) -> object:
            with app.app_context():
                result = super().__call__(*args, **kwargs)
                message = self.request.get("outbox")
                if message:
                    with transaction():
                        outbox.mark_done(UUID(message))
                return result

    celery = Celery("ens", task_cls=FlaskTask, set_as_current=True)
    celery.conf.update(_SETTINGS, broker_url=config.redis_url, task_routes=(queue_of,))
    celery.conf.beat_schedule = {entry.task: _beat_entry(entry) for entry in schedule.entries()}
    celery.set_default()
    app.extensions["celery"] = celery

    def dispose_connections(**_: object) -> None:
        """A connection opened before the fork belongs to the parent."""
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose(close=False)

    worker_process_init.connect(dispose_connections, weak=False, dispatch_uid="dispose-connections")
    return celery


def queue_of(name: str, *_: object, **__: object) -> dict[str, str]:
    """The queue of a task: the room its name begins with."""
    return {"queue": name.partition(".")[0]}


def queues(celery: Celery) -> list[str]:
    """Every queue that a registered task may be sent to."""
    celery.finalize()
    return sorted({queue_of(name)["queue"] for name in _own(celery.tasks)})


def _own(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith("celery.")]


def _beat_entry(entry: schedule.Periodic) -> dict[str, Any]:
    """Messages expire after one period, so that they do not pile up while no worker runs."""
    options = {"expires": entry.every_seconds}
    return {"task": entry.task, "schedule": entry.every_seconds, "options": options}
