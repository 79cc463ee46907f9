"""A change of the referencing reaches every consent of the app: in batches, whatever happens meanwhile, once."""

from collections import Counter
from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from consent import queries, tasks
from consent.queries import CascadeView, cascades
from consent.rules.cascade import Change
from consent.service import lifecycle
from consent.service.demonstration import fill_consents
from identity_core.service.seeding import Seeded
from platform_core.access import Actor
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.errors import Conflict
from platform_core.ids import uuid7
from store.queries.applications import get_application
from store.service import listings
from tests.consent.calls import state_of
from tests.consent.conftest import CAMILLE

COUNT, LIVE, BATCH = 100, 80, 20
Act = Callable[..., None]
_HISTORIES = """
    SELECT consent.status, coalesce(history.kinds, '{}') AS kinds, coalesce(inbox.kinds, '{}') AS told,
        count(*) AS number
    FROM consent_consent AS consent
    LEFT JOIN LATERAL (
        SELECT array_agg(kind ORDER BY sequence) AS kinds FROM consent_event
        WHERE (patient_id, consent_id) = (consent.patient_id, consent.id)
    ) AS history ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(kind ORDER BY created_at, id) AS kinds FROM notification_message
        WHERE patient_id = consent.patient_id
    ) AS inbox ON true
    WHERE consent.app_id = :app GROUP BY 1, 2, 3
"""


class App:
    """A listed application with many consents, and what can be seen of them."""

    def __init__(self, application_id: UUID, decider: Actor, owner: sa.Engine) -> None:
        self.id, self.decider, self.owner = application_id, decider, owner

    def fill(self, count: int) -> None:
        with transaction():
            application = get_application(self.id)
        with self.owner.begin() as connection:
            fill_consents(connection, application=application, run=uuid7(), first=0, last=count)

    def change(self, act: Act) -> None:
        with transaction():
            act(application_id=self.id, motive="Contrôle.", by=self.decider)

    def carry(self, batches: int) -> None:
        for _ in range(batches):
            tasks.carry_cascade(str(self.id))

    def carry_all(self) -> None:
        while any(one.ended_at is None and not one.replaced for one in self.cascades()):
            self.carry(1)

    def cascades(self) -> list[CascadeView]:
        with transaction():
            return queries.list_cascades(self.id)

    def seen(self) -> dict[tuple[str, str, str], int]:
        """How many consents have each status, history and messages."""
        with self.owner.connect() as connection:
            rows = connection.execute(sa.text(_HISTORIES), {"app": self.id})
            return {(row.status, " ".join(row.kinds), " ".join(row.told)): row.number for row in rows}

    def check_chains(self) -> None:
        with self.owner.connect() as connection:
            names = sa.text(
                "SELECT patient_id, id FROM consent_consent WHERE app_id = :app AND event_count > 0 LIMIT 50"
            )
            found = connection.execute(names, {"app": self.id}).all()
        for patient_id, grant_id in found:
            with transaction(patient_id=patient_id):
                assert queries.find_broken_event(patient_id, grant_id) is None


@pytest.fixture
def balance(
    app: Flask,
    applications: dict[str, UUID],
    agents: dict[str, Actor],
    owner: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> App:
    monkeypatch.setattr(cascades, "BATCH", BATCH)
    return App(applications["Balance+"], agents["omar"], owner)


def expected(count: int, history: str, told: str, status: str = "") -> dict[tuple[str, str, str], int]:
    """Seven in ten were active and one paused: they have this history; the two others were over, and have none."""
    found = Counter({("expired", "", ""): count // 10, ("revoked", "", ""): count // 10})
    found[status or "active", history, told] += count * 7 // 10
    found[status or "paused", history, told] += count // 10
    return dict(found)


def tell_a_whole_story(balance: App, count: int) -> None:
    """Suspended, reinstated, withdrawn; each run is stopped in its middle by a fault, and goes on."""
    balance.fill(count)
    balance.change(listings.suspend_listing)
    balance.carry_all()
    assert balance.seen() == expected(count, "suspended", "consent.suspended")
    balance.carry(3)
    assert balance.seen() == expected(count, "suspended", "consent.suspended"), "a message delivered again does nothing"
    balance.change(listings.reinstate_listing)
    balance.carry_all()
    both = "consent.suspended consent.reinstated"
    assert balance.seen() == expected(count, "suspended reinstated", both)
    balance.change(listings.withdraw_listing)
    balance.carry_all()
    assert balance.seen() == expected(count, "suspended reinstated ended", f"{both} consent.ended", "ended")
    live = count * 8 // 10
    assert [(one.change, one.total, one.done, one.told) for one in balance.cascades()] == [
        (change, live, live, live) for change in (Change.WITHDRAWN, Change.REINSTATED, Change.SUSPENDED)
    ]
    balance.check_chains()


def test_every_live_consent_follows_and_gets_back_the_state_it_had(balance: App) -> None:
    tell_a_whole_story(balance, 60)


@pytest.mark.slow
def test_ten_thousand_consents_follow(balance: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cascades, "BATCH", 200)
    tell_a_whole_story(balance, 10_000)


def test_a_batch_that_is_killed_leaves_nothing_and_the_next_run_takes_it_again(
    balance: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    balance.fill(COUNT)
    balance.change(listings.suspend_listing)
    balance.carry(1)
    right, left = lifecycle.follow_listing, iter(range(7))

    def killed_after_seven(**names: object) -> bool:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return right(**names)  # type: ignore[arg-type]

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(lifecycle, "follow_listing", killed_after_seven)
        balance.carry(1)
    (stopped,) = balance.cascades()
    assert (stopped.done, stopped.told, stopped.total) == (BATCH, BATCH, LIVE)
    balance.carry_all()
    assert balance.seen() == expected(COUNT, "suspended", "consent.suspended")


def test_a_reinstatement_that_overtakes_a_suspension_writes_both_and_tells_only_those_who_were_told(
    balance: App,
) -> None:
    balance.fill(COUNT)
    balance.change(listings.suspend_listing)
    balance.carry(1)
    balance.change(listings.reinstate_listing)
    assert [one.replaced for one in balance.cascades()] == [False, True]
    balance.carry_all()
    seen = Counter[tuple[str, str]]()
    for (status, history, told), number in balance.seen().items():
        if status in ("active", "paused"):
            seen[history, told] += number
    told = "consent.suspended consent.reinstated"
    assert seen == {("suspended reinstated", told): BATCH, ("suspended reinstated", ""): LIVE - BATCH}
    balance.check_chains()


def test_a_consent_that_cannot_follow_yet_holds_up_no_other_and_follows_later(
    balance: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    balance.fill(COUNT)
    balance.change(listings.suspend_listing)
    right, visited = lifecycle.follow_listing, list[object]()

    def third_is_held(**names: object) -> bool:
        visited.append(names["grant_id"])
        if names["grant_id"] == visited[:3][-1] and len(visited) >= 3:
            raise ZeroDivisionError
        return right(**names)  # type: ignore[arg-type]

    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="1 consents"):
        patched.setattr(lifecycle, "follow_listing", third_is_held)
        balance.carry(6)
    (waiting,) = balance.cascades()
    assert (waiting.done, waiting.left, waiting.ended_at) == (LIVE - 1, 1, None)
    balance.carry_all()
    assert balance.seen() == expected(COUNT, "suspended", "consent.suspended")


def test_only_those_who_consented_before_the_decision_and_still_do_are_concerned(
    balance: App, grant_consent: Callable[..., UUID], camille: UUID, people: Seeded, clock: FrozenClock
) -> None:
    paul, dominique = people.patients["paul"], people.patients["dominique"]
    names = {"app_id": balance.id, "environment": "production"}
    concerned = grant_consent(patient_id=camille, **names)
    revoked = grant_consent(patient_id=paul, **names)
    sandbox = grant_consent(patient_id=dominique, app_id=balance.id, environment="sandbox")
    clock.move(minutes=1)
    balance.change(listings.suspend_listing)
    balance.change(listings.reinstate_listing)
    with transaction(patient_id=paul):
        lifecycle.revoke_consent(patient_id=paul, grant_id=revoked, by=CAMILLE)
    clock.move(minutes=1)
    balance.carry_all()
    for patient, grant_id, kinds in (
        (camille, concerned, ["granted", "suspended", "reinstated"]),
        (paul, revoked, ["granted", "revoked"]),
        (dominique, sandbox, ["granted"]),
    ):
        with transaction(patient_id=patient):
            assert [event.kind for event in queries.list_events(patient, grant_id)] == kinds
    later = grant_consent(patient_id=paul, **names)
    clock.move(minutes=1)
    balance.change(listings.suspend_listing)
    balance.carry_all()
    with transaction(patient_id=paul):
        assert [event.kind for event in queries.list_events(paul, later)] == ["granted", "suspended"]


def test_a_withdrawal_closes_every_act_at_its_commit_before_any_batch(
    balance: App, grant_consent: Callable[..., UUID], camille: UUID
) -> None:
    grant_id = grant_consent(patient_id=camille, app_id=balance.id, environment="production")
    balance.change(listings.withdraw_listing)
    for _ in range(2):
        state = state_of(camille, grant_id)
        assert (state.status, state.stored, state.is_live) == ("ended", "ended", False)
        for act in (lifecycle.pause_consent, lifecycle.revoke_consent, lifecycle.request_presence_window):
            with pytest.raises(Conflict), transaction(patient_id=camille):
                act(patient_id=camille, grant_id=grant_id, by=CAMILLE)
        balance.carry_all()
