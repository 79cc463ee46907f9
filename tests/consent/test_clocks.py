"""The movable clock of the sandbox: forward only, for one client and one synthetic patient."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
from flask import Flask

from consent import queries, tasks
from consent.service.clocks import move_clock
from consent.workflow import Status
from identity_core.service.seeding import create_synthetic_patients
from platform_core.access import Actor, ActorKind
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.errors import Forbidden, Invalid, TooManyRequests
from platform_core.ids import uuid7
from tests.consent.builders import WEIGHT
from tests.consent.calls import call, state_of

Grant = Callable[..., UUID]
CLIENT = uuid7()
BY = Actor(ActorKind.APPLICATION, CLIENT, "Essai")


@pytest.fixture
def synthetic(app: Flask) -> UUID:
    with transaction():
        return create_synthetic_patients()[0]


def move(patient_id: UUID, **how: object) -> object:
    with transaction(patient_id=patient_id):
        return move_clock(client_pk=CLIENT, patient_id=patient_id, by=BY, **how)  # type: ignore[arg-type]


def now_of(patient_id: UUID, client_pk: UUID = CLIENT) -> object:
    with transaction(patient_id=patient_id):
        return queries.consent_time(client_pk=client_pk, patient_id=patient_id)


def test_a_new_day_may_be_reached_without_waiting(synthetic: UUID, grant_consent: Grant, clock: FrozenClock) -> None:
    grant_id = grant_consent(patient_id=synthetic, client_pk=CLIENT)
    call(synthetic, grant_id, now=now_of(synthetic))  # type: ignore[arg-type]
    move(synthetic, forward=timedelta(hours=1))
    with pytest.raises(TooManyRequests):
        call(synthetic, grant_id, now=now_of(synthetic))  # type: ignore[arg-type]
    move(synthetic, forward=timedelta(hours=23))
    assert call(synthetic, grant_id, now=now_of(synthetic)) == (WEIGHT,)  # type: ignore[arg-type]


def test_a_consent_expires_by_its_own_clock(synthetic: UUID, grant_consent: Grant, clock: FrozenClock) -> None:
    grant_id = grant_consent(patient_id=synthetic, client_pk=CLIENT, valid_until=date(2026, 12, 1))
    elsewhere = grant_consent(patient_id=synthetic, valid_until=date(2026, 12, 1))
    move(synthetic, set_to=clock() + timedelta(days=20))
    tasks.record_expiries()
    assert state_of(synthetic, grant_id).stored is Status.EXPIRED
    assert state_of(synthetic, elsewhere).stored is Status.ACTIVE


def test_it_concerns_no_other_client_and_no_other_patient(synthetic: UUID, clock: FrozenClock) -> None:
    move(synthetic, forward=timedelta(days=1))
    assert now_of(synthetic) == clock() + timedelta(days=1)
    assert now_of(synthetic, uuid7()) == clock()
    assert now_of(uuid7()) == clock()


def test_it_is_put_back_to_real_time_and_forgets_what_was_used_meanwhile(
    synthetic: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    grant_id = grant_consent(patient_id=synthetic, client_pk=CLIENT)
    move(synthetic, forward=timedelta(days=3))
    call(synthetic, grant_id, now=now_of(synthetic))  # type: ignore[arg-type]
    assert move(synthetic, reset=True) == clock()
    assert state_of(synthetic, grant_id).items[0].used == 0


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"forward": timedelta(seconds=-1)},
        {"forward": timedelta(days=2000)},
        {"forward": timedelta(1), "reset": True},
    ],
)
def test_it_goes_forward_only_and_not_for_ever(synthetic: UUID, clock: FrozenClock, how: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        move(synthetic, **how)


def test_it_never_goes_back_to_an_earlier_instant(synthetic: UUID, clock: FrozenClock) -> None:
    move(synthetic, forward=timedelta(days=1))
    with pytest.raises(Invalid):
        move(synthetic, set_to=clock() + timedelta(hours=1))


def test_the_clock_of_a_real_person_cannot_be_moved(app: Flask, camille: UUID) -> None:
    with pytest.raises(Forbidden) as refusal:
        move(camille, forward=timedelta(days=1))
    assert refusal.value.code == "sandbox-patients-only"
