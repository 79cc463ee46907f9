"""Everything that may happen to a consent, in any order, against a model that counts by eye: no divergence."""

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from oauth import service as oauth
from oauth.rules.clients import Profile
from platform_core.access import Actor
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from tests.consent.builders import PRESSURE, WEIGHT
from tests.consent.conftest import CAMILLE
from tests.consent.model import PARIS, Key, Model, Rhythm, next_unit
from tests.consent.worlds import InMemory, OnPostgres, Referenced, World

START = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
NIGHTS = [
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2026, 12, 31, 22, 50, tzinfo=UTC),
    datetime(2027, 1, 3, 22, 50, tzinfo=UTC),
    datetime(2027, 3, 28, 0, 50, tzinfo=UTC),
    datetime(2027, 10, 31, 0, 30, tzinfo=UTC),
    datetime(2027, 12, 31, 22, 50, tzinfo=UTC),
    datetime(2028, 2, 29, 22, 50, tzinfo=UTC),
]
"""Both nights on which the clocks change, ends of years, of an ISO year and of a long February."""

UNITS = ("hour", "day", "week", "month")
RHYTHMS = st.sampled_from(
    [Rhythm("once"), Rhythm("once"), Rhythm("on_demand"), Rhythm("continuous")]
    + [Rhythm("recurring", most, unit) for most in (1, 2) for unit in UNITS]
)
KEYS: list[Key] = [(WEIGHT, "read"), (WEIGHT, "write"), (PRESSURE, "read"), (PRESSURE, "write")]
ITEMS = st.one_of(
    st.dictionaries(st.sampled_from(KEYS), RHYTHMS, min_size=1),
    st.dictionaries(st.sampled_from(KEYS), RHYTHMS, min_size=1, max_size=1),
)
SEARCHES = st.sampled_from([(WEIGHT,), (PRESSURE,), (PRESSURE, WEIGHT)])
ACCESSES = st.sampled_from(["read", "write"])


class Machine(RuleBasedStateMachine):
    """The model and a world live through the same acts."""

    new_world: Callable[[datetime], World] = InMemory

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(START)
        self.world = type(self).new_world(START)

    @initialize(items=ITEMS, days=st.sampled_from([1, 40, 365]))
    def begin(self, items: dict[Key, Rhythm], days: int) -> None:
        self._both_grant(items, days)

    @rule(minutes=st.sampled_from([1, 14, 15, 16, 45, 60, 1440]))
    def wait(self, minutes: int) -> None:
        self._move_to(self.model.now + timedelta(minutes=minutes))

    @rule(unit=st.sampled_from(UNITS), seconds=st.sampled_from([-1, 0, 1]))
    def wait_for_the_calendar(self, unit: str, seconds: int) -> None:
        self._move_to(next_unit(unit, self.model.now) + timedelta(seconds=seconds))

    @rule(minutes=st.integers(0, 150))
    def leap_to_a_night(self, minutes: int) -> None:
        coming = [night for night in NIGHTS if night > self.model.now]
        if coming:
            self._move_to(coming[0] + timedelta(minutes=minutes))

    @rule(items=ITEMS, days=st.sampled_from([0, 1, 40, 365]))
    def grant(self, items: dict[Key, Rhythm], days: int) -> None:
        self._both_grant(items, days)

    @rule(data=st.data())
    def amend(self, data: st.DataObject) -> None:
        present = self._items()
        kept = data.draw(st.lists(st.sampled_from(sorted(present)), min_size=1, unique=True))
        items = {key: data.draw(st.sampled_from(narrower(present[key]))) for key in kept}
        last = min(self._today() + timedelta(days=data.draw(st.integers(0, 30))), self._last_day())
        assert self.world.amend(items, last) == self.model.amend(items, last)

    @rule(verb=st.sampled_from(["pause", "resume", "resume", "synchronise", "synchronise"]))
    def act(self, verb: str) -> None:
        self._both_act(verb)

    @rule(verb=st.sampled_from(["revoke", "end"]), really=st.integers(0, 3))
    def finish(self, verb: str, really: int) -> None:
        if not really:
            self._both_act(verb)

    def _both_act(self, verb: str) -> None:
        acts = {
            "pause": self.model.pause,
            "resume": self.model.resume,
            "revoke": self.model.revoke,
            "end": self.model.end,
            "synchronise": self.model.synchronise_now,
        }
        assert (verb, self.world.act(verb)) == (verb, acts[verb]())

    @rule(categories=SEARCHES, access=ACCESSES)
    def search(self, categories: tuple[str, ...], access: str) -> None:
        self._both_call(categories, access)

    @precondition(lambda self: self.model.listing != "withdrawn")
    @rule(data=st.data(), minutes=st.sampled_from([0, 0, 15, 16, 61]), resume=st.booleans())
    def use_what_was_granted(self, data: st.DataObject, minutes: int, resume: bool) -> None:
        """A call on an item that is there, under a consent that lives."""
        if self.model.listing == "suspended":
            self._change_listing("listed")
        if self.model.status() in ("revoked", "expired", "ended"):
            self._both_grant(self._items(), 365)
        if resume:
            self._both_act("resume")
        category, access = data.draw(st.sampled_from(sorted(self._items())))
        self._move_to(self.model.now + timedelta(minutes=minutes))
        self._both_call([category], access)

    @precondition(lambda self: self.model.status() == "active")
    @rule(data=st.data(), minutes=st.sampled_from([14, 15]))
    def use_what_the_patient_opens(self, data: st.DataObject, minutes: int) -> None:
        self._both_act("synchronise")
        self._move_to(self.model.now + timedelta(minutes=minutes))
        category, access = data.draw(st.sampled_from(sorted(self._items())))
        self._both_call([category], access)

    @rule(categories=SEARCHES)
    def fail_to_write(self, categories: tuple[str, ...]) -> None:
        self._both_call(categories, "write", fails=True)

    @rule(categories=SEARCHES, access=ACCESSES)
    def call_in_parallel(self, categories: tuple[str, ...], access: str) -> None:
        """Calls of the same instant share what the first one opens, or are refused as it is."""
        expected = self.model.call(categories, access)
        assert self.world.call_in_parallel(categories, access, 3) == [expected] * 3

    @rule(really=st.booleans())
    def suspend_or_reinstate(self, really: bool) -> None:
        if really and self.model.listing != "withdrawn":
            self._change_listing("listed" if self.model.listing == "suspended" else "suspended")

    @rule(really=st.integers(0, 9))
    def withdraw(self, really: int) -> None:
        if not really and self.model.listing != "withdrawn":
            self._change_listing("withdrawn")

    @rule()
    def let_the_tasks_run(self) -> None:
        self.world.record()

    @invariant()
    def nothing_diverges(self) -> None:
        if self.model.given is None:
            return
        status, items = self.world.see()
        assert items == {key: self.model.used(key) for key in self.model.given.items}
        if self.model.listing == "withdrawn":
            assert status in ("revoked", "expired", "ended")
        else:
            assert status == self.model.status()

    def _both_grant(self, items: dict[Key, Rhythm], days: int) -> None:
        last = self._today() + timedelta(days=days)
        assert self.world.grant(items, last) == self.model.grant(items, last)

    def _both_call(self, categories: Collection[str], access: str, *, fails: bool = False) -> None:
        found = self.world.call(categories, access, fails=fails)
        assert found == self.model.call(categories, access, fails=fails)

    def _items(self) -> dict[Key, Rhythm]:
        assert self.model.given
        return self.model.given.items

    def _change_listing(self, state: str) -> None:
        self.world.change_listing(state)
        self.model.listing = state

    def _move_to(self, instant: datetime) -> None:
        if instant >= self.model.now:
            self.model.now = instant
            self.world.move_to(instant)

    def _today(self) -> date:
        return self.model.now.astimezone(PARIS).date()

    def _last_day(self) -> date:
        assert self.model.given
        return (self.model.given.until - timedelta(seconds=1)).astimezone(PARIS).date()


def narrower(rhythm: Rhythm) -> list[Rhythm]:
    """What a patient may turn a rhythm into: the same, fewer, or those that run only when they say so."""
    fewer = [rhythm._replace(most=rhythm.most - 1)] if rhythm.most > 1 else []
    return [rhythm, *fewer, Rhythm("once"), Rhythm("on_demand")]


def play(machine: type[Machine], *, examples: int, steps: int) -> None:
    """The same examples at each run, no database of failures."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_rules_agree_with_the_model_over_thousands_of_steps() -> None:
    play(Machine, examples=80, steps=60)


@pytest.mark.slow
@pytest.mark.hypothesis
def test_the_rules_agree_with_the_model_for_much_longer() -> None:
    play(Machine, examples=400, steps=100)


@pytest.fixture
def referenced(
    app: Flask, applications: dict[str, UUID], agents: dict[str, Actor], clock: FrozenClock, owner: sa.Engine
) -> Referenced:
    application_id = applications["Balance+"]
    key = oauth.public_half(oauth.generate_key(Profile.FAPI2))
    with transaction():
        client = oauth.issue_client(
            application_id=application_id, redirect_uris=["https://app.example/back"], jwk=key, by=CAMILLE
        )
    return Referenced(app, application_id, client.pk, agents["omar"], clock, owner)


@pytest.fixture
def on_postgres(referenced: Referenced) -> Iterator[type[Machine]]:
    """The machine on the services; every example has a patient of its own."""

    class OnServices(Machine):
        @staticmethod
        def new_world(now: datetime) -> World:
            return OnPostgres(referenced, now)

        def teardown(self) -> None:
            self.world.leave()  # type: ignore[attr-defined]

    yield OnServices


def test_the_services_agree_with_the_model(on_postgres: type[Machine]) -> None:
    play(on_postgres, examples=6, steps=25)


@pytest.mark.slow
def test_the_services_agree_with_the_model_for_longer(on_postgres: type[Machine]) -> None:
    play(on_postgres, examples=60, steps=50)
