"""Periodic tasks: each `wiring.py` adds its own, the Celery application reads them all."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Periodic:
    """A task to send every so many seconds. The task itself must be idempotent."""

    task: str
    every_seconds: float


_entries: dict[str, Periodic] = {}


def every(seconds: float, task: str) -> None:
    """Have beat send the named task every `seconds`."""
    _entries[task] = Periodic(task, seconds)


def entries() -> tuple[Periodic, ...]:
    return tuple(_entries.values())
