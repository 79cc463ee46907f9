"""Domain events: handled in the same transaction as the act, in the packages above, failing loudly.

What must leave the process goes through `platform_core.outbox` instead.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID


@dataclass(frozen=True, slots=True)
class DataChanged:
    """A data core wrote a resource. `operation` is `create`, `update` or `delete`."""

    category: str
    patient_id: UUID
    resource: str
    version: int
    operation: str


class ContributionsChoice(StrEnum):
    """What becomes of what an app wrote in a record, once it may no longer enter it.

    Masked: hidden from every app and professional; the patient sees it, and may show it again. Deleted: nobody does.
    """

    KEEP = "keep"
    MASK = "mask"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class ContributionsWithdrawn:
    """A patient decided on what one author wrote in their record; each data core does so with what it holds."""

    patient_id: UUID
    author_id: UUID
    choice: ContributionsChoice


E = TypeVar("E")
_handlers: dict[type[Any], list[Callable[[Any], None]]] = defaultdict(list)


def subscribe(event_type: type[E], handler: Callable[[E], None]) -> None:
    """Call `handler` for each event of that exact type. Subscribing the same handler twice has no effect."""
    if handler not in _handlers[event_type]:
        _handlers[event_type].append(handler)


def publish(event: object) -> None:
    """Run every handler of the event now; what a handler raises stops the act."""
    for handler in _handlers[type(event)]:
        handler(event)
