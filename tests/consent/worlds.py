"""Two platforms that the state machine can play with: the rules alone, in memory, and the services on PostgreSQL."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa
from flask import Flask

from consent import queries, tasks
from consent.rules import windows
from consent.rules.calendar import end_of, period_start
from consent.rules.decision import decide
from consent.rules.facts import ONCE_WINDOW, WINDOW, ConsentFacts, Counter, ItemFacts, Usage
from consent.rules.windows import present_status, used_up
from consent.service import granting, lifecycle
from consent.workflow import LIVE, Status, Verb, apply
from oauth.models import Token
from platform_core import crypto
from platform_core.access import ALWAYS, Access, Actor, ActorKind, Interaction, data_call
from platform_core.clock import FrozenClock
from platform_core.database import db, transaction
from platform_core.errors import Conflict, DomainError, Forbidden, TooManyRequests, Unauthenticated
from platform_core.ids import opaque, uuid7
from platform_core.permission import Periodicity, PeriodicityKind, PermissionItem, Purpose, Unit
from store.service import listings
from tests.consent.builders import GRANT, PATIENT
from tests.consent.calls import in_parallel
from tests.consent.model import Answer, Key, Rhythm, Used

Items = Mapping[Key, Rhythm]


class World(Protocol):
    """What both can do. An act says whether it could be done."""

    now: datetime

    def move_to(self, instant: datetime) -> None: ...
    def grant(self, items: Items, last_day: date) -> bool: ...
    def amend(self, items: Items, last_day: date) -> bool: ...
    def act(self, verb: str) -> bool: ...
    def change_listing(self, state: str) -> None: ...
    def call(self, categories: Collection[str], access: str, *, fails: bool) -> Answer: ...
    def call_in_parallel(self, categories: Collection[str], access: str, count: int) -> list[Answer]: ...
    def record(self) -> None: ...
    def see(self) -> tuple[str, dict[Key, Used]]: ...


def periodicity(rhythm: Rhythm) -> Periodicity:
    unit = Unit(rhythm.unit) if rhythm.unit else None
    return Periodicity(PeriodicityKind(rhythm.kind), rhythm.most or None, unit)


def answer_of(call: Callable[[], object]) -> Answer:
    """What a call gave, in the words of the model."""
    try:
        call()
    except Unauthenticated as refusal:
        return Answer(refusal.challenge["error_description"])
    except TooManyRequests as refusal:
        return Answer(refusal.code, refusal.retry_at)
    except DomainError as refusal:
        return Answer(refusal.code)
    return Answer("served")


def could(act: Callable[[], object]) -> bool:
    try:
        act()
    except (Conflict, Forbidden):
        return False
    return True


class Failed(DomainError):
    """The body of a write is wrong: its transaction is rolled back."""

    code = "failed"


class InMemory:
    """The pure rules, with counters that do what the atomic statement does."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.listing = "listed"
        self.facts: ConsentFacts | None = None
        self.usages: dict[tuple[str, Access], Usage] = {}

    def move_to(self, instant: datetime) -> None:
        self.now = instant

    def grant(self, items: Items, last_day: date) -> bool:
        if self.listing != "listed" or end_of(last_day) <= self.now:
            return False
        if self.facts is None or present_status(self._read(), self.now) not in LIVE:
            self.usages = {}
            self.facts = ConsentFacts(GRANT, PATIENT, Status.ACTIVE, end_of(last_day), None, {})
        self._write(items, last_day, rearmed=[key for key, rhythm in items.items() if rhythm.kind == "once"])
        return True

    def amend(self, items: Items, last_day: date) -> bool:
        if self._status() not in LIVE:
            return False
        before = self._read().items
        once = [k for k, r in items.items() if r.kind == "once" and before[_key(k)].periodicity.kind != "once"]
        self._write(items, last_day, rearmed=once)
        return True

    def act(self, verb: str) -> bool:
        status = self._status()
        if verb == "synchronise":
            if status is not Status.ACTIVE or self.listing != "listed":
                return False
            self.facts = replace(self._read(), presence_until=min(self.now + WINDOW, self._read().valid_until))
            return True
        if verb == "end" and status not in LIVE:
            return True
        try:
            moved = apply(status, Verb(verb))
        except Conflict:
            return False
        presence = self._read().presence_until if moved is Status.ACTIVE else None
        self.facts = replace(self._read(), status=moved, presence_until=presence)
        return True

    def change_listing(self, state: str) -> None:
        self.listing = state

    def call(self, categories: Collection[str], access: str, *, fails: bool) -> Answer:
        return answer_of(lambda: self._serve(self._read(), categories, Access(access), fails))

    def call_in_parallel(self, categories: Collection[str], access: str, count: int) -> list[Answer]:
        """Calls that all decide on what was read before any of them opened a window."""
        stale = self._read()
        return [answer_of(lambda: self._serve(stale, categories, Access(access), False)) for _ in range(count)]

    def record(self) -> None:
        if self.facts and self.facts.status in LIVE and present_status(self._read(), self.now) is Status.EXPIRED:
            self.facts = replace(self.facts, status=Status.EXPIRED)
        if self.facts and self.facts.status in LIVE and self.listing == "withdrawn":
            self.facts = replace(self.facts, status=Status.ENDED)

    def see(self) -> tuple[str, dict[Key, Used]]:
        facts = self._read()
        items = {(i.category, str(i.access)): _used(i, facts, self.now) for i in facts.items.values()}
        return str(self._status()), items

    def _serve(self, facts: ConsentFacts, categories: Collection[str], access: Access, fails: bool) -> None:
        if self.listing == "withdrawn":
            raise Unauthenticated("", challenge={"error_description": "consent-ended"})
        if self.listing == "suspended":
            raise Forbidden("", code="application-suspended")
        decided = decide(facts, categories, access, now=self.now)
        opened = {}
        for category in decided.to_open:
            opened[category, access] = self._opened(facts.items[category, access])
        if fails:
            raise Failed
        self.usages |= opened

    def _opened(self, item: ItemFacts) -> Usage:
        """The usage once a window is open: this call's, or the one that a parallel call has just opened."""
        now, usage = self.now, self.usages.get((item.category, item.access), Usage())
        present = replace(item, usage=usage)
        if windows.open_until(present, now):
            return usage
        if not windows.remaining(present, now):
            raise TooManyRequests(
                "", retry_at=windows.next_window_at(used_up(item, now), now, self._read().valid_until)
            )
        counters = {unit: Counter(period_start(unit, now), usage.used_in(unit, now) + 1) for unit in Unit}
        once = item.periodicity.kind is PeriodicityKind.ONCE
        return Usage(
            usage.window_until if once else now + WINDOW, now + ONCE_WINDOW if once else usage.once_until, counters, now
        )

    def _status(self) -> Status:
        status = present_status(self._read(), self.now)
        return Status.ENDED if status in LIVE and self.listing == "withdrawn" else status

    def _read(self) -> ConsentFacts:
        assert self.facts
        items = {key: replace(i, usage=self.usages.get(key, Usage())) for key, i in self.facts.items.items()}
        return replace(self.facts, items=items)

    def _write(self, items: Items, last_day: date, *, rearmed: Collection[Key]) -> None:
        granted = {_key(k): ItemFacts(*_key(k), ALWAYS, periodicity(rhythm)) for k, rhythm in items.items()}
        assert self.facts
        self.facts = replace(self.facts, items=granted, valid_until=end_of(last_day))
        for key in map(_key, rearmed):
            usage = self.usages.get(key, Usage())
            if usage.once_until and usage.once_until <= self.now:
                self.usages[key] = replace(usage, once_until=None)


def _key(key: Key) -> tuple[str, Access]:
    return key[0], Access(key[1])


def _used(item: ItemFacts, facts: ConsentFacts, now: datetime) -> Used:
    next_at = windows.next_window_at(item, now, facts.valid_until)
    return Used(windows.used(item, now), windows.remaining(item, now), windows.is_exhausted(item, now), next_at)


@dataclass(frozen=True)
class Referenced:
    """A listed app with a production client, and who decides on it."""

    app: Flask
    application_id: UUID
    client_pk: UUID
    decider: Actor
    clock: FrozenClock
    owner: sa.Engine


class OnPostgres:
    """The services, and the guard of the data calls under a token of the app. The patient is a new one."""

    def __init__(self, referenced: Referenced, now: datetime) -> None:
        self.to = referenced
        self.patient_id = uuid7()
        self.grant_id: UUID | None = None
        self.by = Actor(ActorKind.PATIENT, self.patient_id, "Camille Démo", assurance="eidas2")
        self.move_to(now)

    @property
    def now(self) -> datetime:
        return self.to.clock.instant

    def move_to(self, instant: datetime) -> None:
        self.to.clock.instant = instant

    def grant(self, items: Items, last_day: date) -> bool:
        with transaction():
            if not queries.is_listed(self.to.application_id):
                return False
        terms = granting.Terms(
            self.to.application_id,
            self.to.client_pk,
            "production",
            "Balance+",
            "Pesée Claire",
            Purpose.PREVENTION,
            _permissions(items),
            last_day,
            {},
        )
        with transaction(patient_id=self.patient_id):
            given = granting.grant(patient_id=self.patient_id, terms=terms, by=self.by)
            self.grant_id = given.id
            self.token = self._issue_token(given.id)
        return True

    def amend(self, items: Items, last_day: date) -> bool:
        def amend() -> None:
            with transaction(patient_id=self.patient_id):
                granting.amend_consent(**self._names(), items=_permissions(items), valid_until=last_day, by=self.by)

        return could(amend)

    def act(self, verb: str) -> bool:
        acts: dict[str, Callable[..., None]] = {
            "pause": lifecycle.pause_consent,
            "resume": lifecycle.resume_consent,
            "revoke": lifecycle.revoke_consent,
            "end": lifecycle.end_consent,
            "synchronise": lifecycle.request_presence_window,
        }

        def act() -> None:
            with transaction(patient_id=self.patient_id):
                acts[verb](**self._names(), by=self.by)

        return could(act)

    def change_listing(self, state: str) -> None:
        change = {
            "suspended": listings.suspend_listing,
            "listed": listings.reinstate_listing,
            "withdrawn": listings.withdraw_listing,
        }[state]
        with transaction():
            change(application_id=self.to.application_id, motive="Contrôle", by=self.to.decider)

    def call(self, categories: Collection[str], access: str, *, fails: bool) -> Answer:
        def call() -> None:
            headers = {"Authorization": f"Bearer {self.token}"}
            with self.to.app.test_request_context("/fhir/Observation", headers=headers):
                with data_call(Interaction("search", "Observation")) as guarded:
                    guarded.require(categories, Access(access))
                    if fails:
                        raise Failed
                    guarded.served({})

        return answer_of(call)

    def call_in_parallel(self, categories: Collection[str], access: str, count: int) -> list[Answer]:
        outcomes = in_parallel(self.to.app, count, lambda: self.call(categories, access, fails=False))
        return [outcome for outcome in outcomes if isinstance(outcome, Answer)]

    def record(self) -> None:
        tasks.record_expiries()
        for _ in range(2):
            tasks.carry_cascade(str(self.to.application_id))

    def see(self) -> tuple[str, dict[Key, Used]]:
        with transaction(patient_id=self.patient_id):
            state = queries.get_state(**self._names())
            assert queries.find_broken_event(**self._names()) is None
        items = {
            (i.category, str(i.access)): Used(i.used, i.remaining, i.exhausted, i.next_window_at) for i in state.items
        }
        return str(state.stored), items

    def leave(self) -> None:
        """Put the listing back as it was, for the next patient, who begins at the same instant."""
        with self.to.owner.begin() as connection:
            connection.execute(sa.text("UPDATE store_listing SET state = 'listed'"))
            connection.execute(sa.text("DELETE FROM consent_cascade"))

    def _names(self) -> dict[str, UUID]:
        assert self.grant_id
        return {"patient_id": self.patient_id, "grant_id": self.grant_id}

    def _issue_token(self, grant_id: UUID) -> str:
        text = opaque()
        db.session.add(
            Token(
                kind="access",
                token_hash=crypto.hash_token(text),
                client_pk=self.to.client_pk,
                patient_id=self.patient_id,
                grant_id=grant_id,
                scope="",
                family_id=uuid7(),
                assurance="",
                issued_at=self.now,
                expires_at=self.now + timedelta(days=5000),
            )
        )
        return text


def _permissions(items: Items) -> list[PermissionItem]:
    return [PermissionItem(*_key(key), ALWAYS, periodicity(rhythm)) for key, rhythm in items.items()]
