"""Pausing, resuming, revoking, ending, synchronising now: who hears of it and what stays of it."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from consent import queries, tasks
from consent.events import ConsentAmended, ConsentChanged, ConsentGranted, ConsentPaused, ConsentRevoked, SyncRequested
from consent.models import Consent
from consent.service import lifecycle
from consent.workflow import Status
from identity_core.service.seeding import Seeded
from notification_core import queries as inbox
from platform_core import events
from platform_core.access import SYSTEM, Actor, ActorKind
from platform_core.clock import FrozenClock
from platform_core.database import db, transaction
from platform_core.errors import Conflict, DomainError, Forbidden, NotFound, Unauthenticated
from platform_core.ids import uuid7
from platform_core.permission import CONTINUOUS, ON_DEMAND, ONCE
from store.service import listings
from tests.consent.builders import PRESSURE, WEIGHT, permission
from tests.consent.calls import call, state_of
from tests.consent.conftest import CAMILLE

Grant = Callable[..., UUID]
Act = Callable[..., None]


def act(verb: Act, patient_id: UUID, grant_id: UUID, **more: object) -> None:
    with transaction(patient_id=patient_id):
        verb(patient_id=patient_id, grant_id=grant_id, by=CAMILLE, **more)


@pytest.fixture
def heard() -> list[ConsentChanged]:
    """Every consent event published from now on."""
    found: list[ConsentChanged] = []
    for kind in (ConsentGranted, ConsentAmended, ConsentPaused, ConsentRevoked, SyncRequested):
        events.subscribe(kind, found.append)
    return found


def test_a_pause_closes_every_access_and_resuming_opens_it_again(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    grant_id = grant_consent(permission(periodicity=CONTINUOUS))
    act(lifecycle.pause_consent, patient_id, grant_id)
    with pytest.raises(Forbidden) as refusal:
        call(patient_id, grant_id, now=clock())
    assert refusal.value.code == "consent-paused"
    act(lifecycle.resume_consent, patient_id, grant_id)
    assert call(patient_id, grant_id, now=clock()) == ()


@pytest.mark.parametrize("end", [lifecycle.revoke_consent, lifecycle.end_consent])
@pytest.mark.parametrize("paused", [False, True])
def test_an_end_closes_the_consent_for_good(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock, end: Act, paused: bool
) -> None:
    grant_id = grant_consent()
    if paused:
        act(lifecycle.pause_consent, patient_id, grant_id)
    act(end, patient_id, grant_id)
    with pytest.raises(Unauthenticated):
        call(patient_id, grant_id, now=clock())
    for verb in (lifecycle.pause_consent, lifecycle.resume_consent, lifecycle.revoke_consent):
        with pytest.raises(Conflict):
            act(verb, patient_id, grant_id)


def test_an_app_may_end_its_grant_twice(app: Flask, patient_id: UUID, grant_consent: Grant) -> None:
    grant_id = grant_consent()
    act(lifecycle.end_consent, patient_id, grant_id)
    act(lifecycle.end_consent, patient_id, grant_id)
    assert state_of(patient_id, grant_id).stored is Status.ENDED


@pytest.mark.parametrize("verb", [lifecycle.pause_consent, lifecycle.revoke_consent, lifecycle.request_presence_window])
def test_nobody_acts_on_the_consent_of_another_patient(
    app: Flask, patient_id: UUID, grant_consent: Grant, verb: Act
) -> None:
    grant_id = grant_consent()
    with pytest.raises(NotFound):
        act(verb, uuid7(), grant_id)


class TestPresence:
    def test_it_opens_a_window_that_does_not_count_and_tells_the_app(
        self,
        app: Flask,
        patient_id: UUID,
        grant_consent: Grant,
        clock: FrozenClock,
        heard: list[ConsentChanged],
    ) -> None:
        grant_id = grant_consent(permission(WEIGHT, periodicity=ON_DEMAND), permission(PRESSURE))
        with pytest.raises(DomainError):
            call(patient_id, grant_id, WEIGHT, now=clock())
        act(lifecycle.request_presence_window, patient_id, grant_id)
        assert isinstance(heard[-1], SyncRequested)
        assert call(patient_id, grant_id, WEIGHT, PRESSURE, now=clock()) == ()
        assert [item.used for item in state_of(patient_id, grant_id).items] == [0, 0]
        clock.move(minutes=15)
        with pytest.raises(DomainError):
            call(patient_id, grant_id, WEIGHT, now=clock())

    def test_it_is_refused_while_paused(self, app: Flask, patient_id: UUID, grant_consent: Grant) -> None:
        grant_id = grant_consent()
        act(lifecycle.pause_consent, patient_id, grant_id)
        with pytest.raises(Conflict):
            act(lifecycle.request_presence_window, patient_id, grant_id)

    def test_a_pause_ends_it(self, app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock) -> None:
        grant_id = grant_consent(permission(periodicity=ON_DEMAND))
        act(lifecycle.request_presence_window, patient_id, grant_id)
        act(lifecycle.pause_consent, patient_id, grant_id)
        act(lifecycle.resume_consent, patient_id, grant_id)
        with pytest.raises(DomainError):
            call(patient_id, grant_id, now=clock())


class TestHistory:
    def test_every_act_is_chained_told_and_published(
        self,
        app: Flask,
        patient_id: UUID,
        grant_consent: Grant,
        heard: list[ConsentChanged],
        clock: FrozenClock,
    ) -> None:
        grant_id = grant_consent()
        act(lifecycle.pause_consent, patient_id, grant_id)
        act(lifecycle.resume_consent, patient_id, grant_id)
        act(lifecycle.revoke_consent, patient_id, grant_id)
        with transaction(patient_id=patient_id):
            kinds = [event.kind for event in queries.list_events(patient_id, grant_id)]
            assert queries.find_broken_event(patient_id, grant_id) is None
            titles = [message.title for message in inbox.list_messages(patient_id=patient_id, page=1).items]
        assert kinds == ["granted", "paused", "resumed", "revoked"]
        assert [type(event) for event in heard] == [ConsentGranted, ConsentPaused, ConsentRevoked]
        assert all(event.grant_id == grant_id and event.patient_id == patient_id for event in heard)
        assert len(titles) == 4 and all("Balance+" in title for title in titles)

    @pytest.mark.parametrize(
        ("tampering", "broken"),
        [
            ("UPDATE consent_event SET kind = 'resumed' WHERE sequence = 2", 2),
            ("UPDATE consent_event SET actor_name = 'Autre' WHERE sequence = 1", 1),
            ("DELETE FROM consent_event WHERE sequence = 2", 2),
            ("DELETE FROM consent_event WHERE sequence = 3", 3),
        ],
    )
    def test_a_history_that_was_tampered_with_is_found_out(
        self,
        app: Flask,
        owner: sa.Engine,
        patient_id: UUID,
        grant_consent: Grant,
        tampering: str,
        broken: int,
    ) -> None:
        grant_id = grant_consent()
        act(lifecycle.pause_consent, patient_id, grant_id)
        act(lifecycle.resume_consent, patient_id, grant_id)
        with owner.begin() as connection:
            connection.execute(sa.text(tampering))
        with transaction(patient_id=patient_id):
            assert queries.find_broken_event(patient_id, grant_id) == broken

    def test_a_representative_is_named_with_the_person_they_act_for(
        self, app: Flask, patient_id: UUID, grant_consent: Grant
    ) -> None:
        parent = Actor(ActorKind.REPRESENTATIVE, uuid7(), "Camille Démo", on_behalf_of=patient_id)
        grant_id = grant_consent(by=parent)
        with transaction(patient_id=patient_id):
            (event,) = queries.list_events(patient_id, grant_id)
        assert (event.actor_kind, event.on_behalf_of) == ("representative", patient_id)


class TestExpiry:
    def test_a_task_records_a_date_that_has_passed(
        self, app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
    ) -> None:
        over = grant_consent(valid_until=date(2026, 11, 30))
        going_on = grant_consent()
        clock.move(days=10)
        tasks.record_expiries()
        with transaction(patient_id=patient_id):
            kinds = [event.kind for event in queries.list_events(patient_id, over)]
        assert kinds == ["granted", "expired"]
        assert state_of(patient_id, going_on).stored is Status.ACTIVE

    def test_a_task_records_that_every_item_is_exhausted(
        self, app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
    ) -> None:
        spent = grant_consent(permission(periodicity=ONCE))
        half = grant_consent(permission(WEIGHT, periodicity=ONCE), permission(PRESSURE, periodicity=ONCE))
        for grant_id in (spent, half):
            call(patient_id, grant_id, WEIGHT, now=clock())
        clock.move(minutes=61)
        assert state_of(patient_id, spent).stored is Status.EXPIRED
        tasks.record_expiries()
        with transaction(patient_id=patient_id):
            assert db.session.get(Consent, (patient_id, spent)).status == Status.EXPIRED  # type: ignore[union-attr]
            assert db.session.get(Consent, (patient_id, half)).status == Status.ACTIVE  # type: ignore[union-attr]
        with pytest.raises(Forbidden) as refusal:
            call(patient_id, spent, now=clock())
        assert refusal.value.code == "consent-exhausted"


class TestListing:
    @pytest.fixture
    def grant_id(self, applications: dict[str, UUID], camille: UUID, grant_consent: Grant) -> UUID:
        return grant_consent(patient_id=camille, app_id=applications["Balance+"], environment="production")

    def test_a_suspension_freezes_at_once_and_a_pause_survives_it(
        self, app: Flask, camille: UUID, applications: dict[str, UUID], agents: dict[str, Actor], grant_id: UUID
    ) -> None:
        act(lifecycle.pause_consent, camille, grant_id)
        motive = {"application_id": applications["Balance+"], "motive": "Contrôle", "by": agents["omar"]}
        with transaction():
            listings.suspend_listing(**motive)
        state = state_of(camille, grant_id)
        assert (state.status, state.stored) == ("frozen", Status.PAUSED)
        with transaction():
            listings.reinstate_listing(**motive)
        assert state_of(camille, grant_id).status == Status.PAUSED

    def test_a_suspension_is_written_in_the_history_once_however_often_it_is_said(
        self, app: Flask, camille: UUID, applications: dict[str, UUID], agents: dict[str, Actor], grant_id: UUID
    ) -> None:
        motive = {"application_id": applications["Balance+"], "motive": "Contrôle", "by": agents["omar"]}
        for change in (listings.suspend_listing, listings.reinstate_listing):
            with transaction():
                change(**motive)
            for _ in range(2):
                tasks.carry_cascade(str(applications["Balance+"]))
        with transaction(patient_id=camille):
            kinds = [event.kind for event in queries.list_events(camille, grant_id)]
        assert kinds == ["granted", "suspended", "reinstated"]

    def test_a_withdrawal_ends_every_consent_of_the_app_and_no_other(
        self,
        app: Flask,
        people: Seeded,
        camille: UUID,
        applications: dict[str, UUID],
        agents: dict[str, Actor],
        grant_consent: Grant,
        grant_id: UUID,
    ) -> None:
        other_patient = people.patients["paul"]
        balance, chu = applications["Balance+"], applications["Portail CHU"]
        other = grant_consent(patient_id=other_patient, app_id=balance, environment="production")
        kept = grant_consent(patient_id=camille, app_id=chu, environment="production")
        with transaction():
            listings.withdraw_listing(application_id=balance, motive="Fin", by=agents["omar"])
        tasks.carry_cascade(str(balance))
        assert state_of(camille, grant_id).stored is Status.ENDED
        assert state_of(other_patient, other).stored is Status.ENDED
        assert state_of(camille, kept).stored is Status.ACTIVE

    def test_the_consents_of_a_suspended_app_cannot_be_synchronised_now(
        self, app: Flask, camille: UUID, applications: dict[str, UUID], agents: dict[str, Actor], grant_id: UUID
    ) -> None:
        with transaction():
            listings.suspend_listing(application_id=applications["Balance+"], motive="Contrôle", by=agents["omar"])
        with pytest.raises(Conflict) as refusal:
            act(lifecycle.request_presence_window, camille, grant_id)
        assert refusal.value.code == "application-suspended"


def test_the_end_is_the_end_of_the_last_day_in_paris(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    grant_id = grant_consent(permission(periodicity=CONTINUOUS), valid_until=date(2026, 11, 21))
    end = clock().replace(hour=23)
    assert call(patient_id, grant_id, now=end - timedelta(seconds=1)) == ()
    with pytest.raises(Unauthenticated):
        call(patient_id, grant_id, now=end)


def test_recording_an_expiry_twice_writes_it_once(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    grant_id = grant_consent(valid_until=date(2026, 11, 21))
    clock.move(days=2)
    for _ in range(2):
        with transaction(patient_id=patient_id):
            lifecycle.record_expiry(patient_id=patient_id, grant_id=grant_id, reason="date")
    with transaction(patient_id=patient_id):
        written = queries.list_events(patient_id, grant_id)
    assert [(event.kind, event.actor_name) for event in written][1:] == [("expired", SYSTEM.name)]
