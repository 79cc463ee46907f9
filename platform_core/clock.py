"""The one source of time, so that a test can freeze or move it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


def _system_now() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system_now


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _source()


def today() -> date:
    """The present calendar day in Europe/Paris, the zone in which people read dates."""
    return now().astimezone(PARIS).date()


class FrozenClock:
    """A clock that stands still until it is moved."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant.astimezone(UTC)

    def __call__(self) -> datetime:
        return self.instant

    def move(self, **by: float) -> None:
        """Move forward by the `timedelta` keywords given (`hours=1`, `seconds=30`…)."""
        self.instant += timedelta(**by)


@contextmanager
def frozen_at(instant: datetime) -> Iterator[FrozenClock]:
    """Freeze `now()` at an aware instant; the clock yielded can be moved."""
    global _source
    previous, frozen = _source, FrozenClock(instant)
    _source = frozen
    try:
        yield frozen
    finally:
        _source = previous
