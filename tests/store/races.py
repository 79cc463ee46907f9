"""Two acts at the same instant, each in its own thread, connection and transaction."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from flask import Flask

from platform_core.database import transaction
from platform_core.errors import DomainError

Raised = type[BaseException] | None


def race(app: Flask, first: Callable[[], Any], second: Callable[[], Any]) -> list[Raised]:
    """What each act raised, in the order they are given; None for the one that went through."""
    barrier = Barrier(2)

    def run(act: Callable[[], Any]) -> Raised:
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    act()
            except DomainError as refused:
                return type(refused)
        return None

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, (first, second)))


def one_wins(raised: list[Raised]) -> Raised:
    """What the loser raised; fails unless exactly one act went through."""
    lost = [one for one in raised if one is not None]
    assert len(lost) == 1, raised
    return lost[0]
