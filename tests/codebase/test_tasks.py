"""Tasks have stable names, a queue that is read, and are called by names that exist."""

import ast

from celery import Celery
from flask import Flask

from platform_app.celery_app import queue_of, queues
from tests.codebase.sources import PACKAGES, modules, tree


def own_tasks(app: Flask) -> dict[str, str]:
    """Name of each of our tasks → the top-level package that defines it."""
    celery: Celery = app.extensions["celery"]
    celery.finalize()
    return {
        name: task.__module__.partition(".")[0] for name, task in celery.tasks.items() if not name.startswith("celery.")
    }


def test_a_task_is_named_after_its_room_and_goes_to_its_queue(application: Flask) -> None:
    tasks = own_tasks(application)
    assert tasks
    rooms = {name: package.removeprefix("platform_").removesuffix("_core") for name, package in tasks.items()}
    assert {name for name, room in rooms.items() if name.partition(".")[0] != room} == set()
    assert {queue_of(name)["queue"] for name in tasks} == set(queues(application.extensions["celery"]))


def test_what_beat_sends_exists(application: Flask) -> None:
    scheduled = application.extensions["celery"].conf.beat_schedule
    assert scheduled
    assert {entry["task"] for entry in scheduled.values()} <= set(own_tasks(application))


def test_what_the_outbox_is_given_exists(application: Flask) -> None:
    named = {
        node.args[0].value
        for path in modules(*PACKAGES)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) == "enqueue"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert named <= set(own_tasks(application))
