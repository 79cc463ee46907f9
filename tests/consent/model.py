"""What a consent is, told as simply as can be: a list of openings, counted by eye. It shares no code with the rules.

The state machine compares what the platform does with this.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
Key = tuple[str, str]


class Rhythm(NamedTuple):
    """`once`, `on_demand`, `continuous`, or `recurring` with how many windows in which calendar unit."""

    kind: str
    most: int = 0
    unit: str = ""


class Answer(NamedTuple):
    """`served`, or the code of the refusal and when it says to come back."""

    code: str
    retry_at: datetime | None = None


class Used(NamedTuple):
    """What people read of an item: windows used and left in the present unit, and when the next may open."""

    used: int
    remaining: int | None
    exhausted: bool
    next_at: datetime | None


def label(unit: str, instant: datetime) -> object:
    """The name of the calendar unit that holds an instant."""
    local = instant.astimezone(PARIS)
    return {
        "hour": instant.astimezone(UTC).strftime("%Y-%m-%d %H"),
        "day": local.date(),
        "week": local.isocalendar()[:2],
        "month": (local.year, local.month),
    }[unit]


def next_unit(unit: str, instant: datetime) -> datetime:
    """When the next unit begins: hours are tried one after the other until the name changes."""
    trial = instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while label(unit, trial) == label(unit, instant):
        trial += HOUR
    return trial


def after(last_day: date) -> datetime:
    """The first instant after a Paris day."""
    return next_unit("day", datetime(last_day.year, last_day.month, last_day.day, 12, tzinfo=PARIS))


@dataclass
class Given:
    """One consent. `single` is when the window of a `once` item ends, or ended."""

    items: dict[Key, Rhythm]
    until: datetime
    status: str = "active"
    openings: dict[Key, list[datetime]] = field(default_factory=dict)
    windows: dict[Key, datetime] = field(default_factory=dict)
    single: dict[Key, datetime] = field(default_factory=dict)
    presence: datetime | None = None


@dataclass
class Model:
    """A patient, an app, and the authority."""

    now: datetime
    listing: str = "listed"
    given: Given | None = None

    # What people do. Each says whether it could be done.

    def grant(self, items: Mapping[Key, Rhythm], last_day: date) -> bool:
        if self.listing != "listed" or after(last_day) <= self.now:
            return False
        if self.given and self.status() in ("active", "paused"):
            self._replace(items, last_day, rearmed=[key for key, rhythm in items.items() if rhythm.kind == "once"])
        else:
            self.given = Given(dict(items), after(last_day))
        return True

    def amend(self, items: Mapping[Key, Rhythm], last_day: date) -> bool:
        """The patient keeps some items, each as it is or less often."""
        if self.status() not in ("active", "paused"):
            return False
        before = self._consent.items
        once = [key for key, rhythm in items.items() if rhythm.kind == "once" and before[key].kind != "once"]
        self._replace(items, last_day, rearmed=once)
        return True

    def pause(self) -> bool:
        if self.status() != "active":
            return False
        self._consent.status, self._consent.presence = "paused", None
        return True

    def resume(self) -> bool:
        if self.status() != "paused":
            return False
        self._consent.status = "active"
        return True

    def revoke(self) -> bool:
        return self._finish("revoked")

    def end(self) -> bool:
        """The app may say it twice."""
        self._finish("ended")
        return True

    def synchronise_now(self) -> bool:
        if self.status() != "active" or self.listing != "listed":
            return False
        self._consent.presence = min(self.now + QUARTER, self._consent.until)
        return True

    # What an app does.

    def call(self, categories: Collection[str], access: str, *, fails: bool = False) -> Answer:
        refusal = self._refusal(categories, access)
        if refusal:
            return refusal
        to_open = [(c, access) for c in categories if not self._is_open((c, access))]
        if any(self.used(key).remaining in (None, 0) for key in to_open):
            return Answer("consent-frequency-exceeded", self._come_back(to_open))
        for key in to_open if not fails else []:
            self._open(key)
        return Answer("failed" if fails else "served")

    # What can be seen.

    def status(self) -> str:
        """The status in force, whatever anybody wrote down."""
        if self.given is None:
            return "none"
        if self.given.status not in ("active", "paused"):
            return self.given.status
        if self.now >= self.given.until or all(self.used(key).exhausted for key in self.given.items):
            return "expired"
        return "ended" if self.listing == "withdrawn" else self.given.status

    def used(self, key: Key) -> Used:
        rhythm, consent = self._consent.items[key], self._consent
        if rhythm.kind == "once":
            ends = consent.single.get(key)
            next_at = self._next(self.now) if ends is None else None
            return Used(int(ends is not None), int(ends is None), ends is not None and ends <= self.now, next_at)
        if rhythm.kind == "on_demand":
            return Used(0, None, False, None)
        if rhythm.kind == "continuous":
            return Used(0, None, False, self._next(self.now))
        same = [at for at in consent.openings.get(key, []) if self._same_unit(rhythm.unit, at)]
        left = max(rhythm.most - len(same), 0)
        closed = max(consent.windows.get(key, self.now), self.now)
        next_at = closed if left else max(closed, next_unit(rhythm.unit, self.now))
        return Used(len(same), left, False, self._next(next_at))

    def _next(self, instant: datetime) -> datetime | None:
        return instant if instant < self._consent.until else None

    @property
    def _consent(self) -> Given:
        assert self.given
        return self.given

    def _same_unit(self, unit: str, at: datetime) -> bool:
        return label(unit, at) == label(unit, self.now)

    def _refusal(self, categories: Collection[str], access: str) -> Answer | None:
        status, consent = self.status(), self._consent
        over = self.listing == "withdrawn" or consent.status in ("revoked", "ended") or self.now >= consent.until
        conditions = {
            "consent-ended": self.listing == "withdrawn",
            "application-suspended": self.listing == "suspended",
            "consent-ended ": over,
            "consent-paused": status == "paused",
            "consent-not-given": any((c, access) not in consent.items for c in categories),
        }
        for code, holds in conditions.items():
            if holds:
                return Answer(code.strip())
        spent = any(self.used((c, access)).exhausted for c in categories)
        return Answer("consent-exhausted") if spent else None

    def _is_open(self, key: Key) -> bool:
        consent, kind = self._consent, self._consent.items[key].kind
        ends = {"once": consent.single, "recurring": consent.windows}.get(kind, {}).get(key)
        present = consent.presence is not None and self.now < consent.presence
        return kind == "continuous" or present or (ends is not None and self.now < ends)

    def _come_back(self, keys: Collection[Key]) -> datetime | None:
        """When every one of these may open a window; None when one never will before the end."""
        instants = [self.used(key).next_at for key in keys]
        return None if None in instants else max(instant for instant in instants if instant)

    def _open(self, key: Key) -> None:
        consent = self._consent
        consent.openings.setdefault(key, []).append(self.now)
        if consent.items[key].kind == "once":
            consent.single[key] = self.now + HOUR
        else:
            consent.windows[key] = self.now + QUARTER

    def _replace(self, items: Mapping[Key, Rhythm], last_day: date, rearmed: Collection[Key]) -> None:
        consent = self._consent
        consent.items, consent.until = dict(items), after(last_day)
        for key in rearmed:
            if key in consent.single and consent.single[key] <= self.now:
                del consent.single[key]

    def _finish(self, status: str) -> bool:
        if self.status() not in ("active", "paused"):
            return False
        self._consent.status, self._consent.presence = status, None
        return True
