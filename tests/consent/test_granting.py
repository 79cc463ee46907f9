"""Granting and amending: one live consent for a patient and an app, counters that survive, single accesses re-armed."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from consent import queries
from consent.models import ConsentItem
from consent.rules.facts import ONCE_WINDOW
from consent.service import granting, lifecycle
from consent.workflow import Status
from platform_core.access import ALWAYS, DatePeriod
from platform_core.clock import FrozenClock
from platform_core.database import db, transaction
from platform_core.errors import Conflict, Forbidden, Invalid, NotFound, TooManyRequests
from platform_core.ids import uuid7
from platform_core.permission import ONCE, Periodicity, PermissionItem, Unit
from tests.consent.builders import DAILY, PRESSURE, READ, WEIGHT, WRITE, permission, since
from tests.consent.calls import call, in_parallel, state_of
from tests.consent.conftest import CAMILLE

Grant = Callable[..., UUID]
UNTIL = date(2027, 5, 21)


def test_a_second_authorization_amends_the_live_consent(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    app_id = uuid7()
    first = grant_consent(permission(WEIGHT), app_id=app_id)
    second = grant_consent(permission(WEIGHT, WRITE), app_id=app_id, valid_until=date(2027, 1, 1))
    state = state_of(patient_id, first)
    assert second == first
    assert (state.version, state.valid_until) == (2, date(2027, 1, 1))
    assert state.permissions == (permission(WEIGHT, WRITE),)


def test_another_app_of_the_same_patient_has_its_own_consent(
    app: Flask, patient_id: UUID, grant_consent: Grant
) -> None:
    assert grant_consent() != grant_consent()


def test_a_new_consent_follows_one_that_has_ended(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    app_id = uuid7()
    first = grant_consent(app_id=app_id)
    with transaction(patient_id=patient_id):
        lifecycle.revoke_consent(patient_id=patient_id, grant_id=first, by=CAMILLE)
    assert grant_consent(app_id=app_id) != first


def test_a_new_consent_follows_one_whose_date_has_passed_before_any_task_recorded_it(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    app_id = uuid7()
    first = grant_consent(app_id=app_id, valid_until=date(2026, 11, 30))
    clock.move(days=10)
    second = grant_consent(app_id=app_id)
    assert second != first
    assert state_of(patient_id, first).stored is Status.EXPIRED


def test_parallel_decisions_leave_one_live_consent(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    app_id = uuid7()
    grants = in_parallel(app, 8, lambda: grant_consent(app_id=app_id))
    assert len(set(grants)) == 1
    assert state_of(patient_id, grants[0]).version == 8  # type: ignore[arg-type]


def test_amending_keeps_what_was_used_even_when_the_unit_changes(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    app_id = uuid7()
    grant_id = grant_consent(permission(periodicity=Periodicity.recurring(4, Unit.DAY)), app_id=app_id)
    for _ in range(2):
        call(patient_id, grant_id, now=clock())
        clock.move(minutes=20)
    weekly = permission(periodicity=Periodicity.recurring(2, Unit.WEEK))
    assert grant_consent(weekly, app_id=app_id) == grant_id
    assert state_of(patient_id, grant_id).items[0].used == 2
    with pytest.raises(TooManyRequests):
        call(patient_id, grant_id, now=clock())


def test_an_item_dropped_and_granted_again_keeps_its_counter(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    app_id = uuid7()
    grant_id = grant_consent(permission(WEIGHT), permission(PRESSURE), app_id=app_id)
    call(patient_id, grant_id, WEIGHT, now=clock())
    clock.move(minutes=20)
    grant_consent(permission(PRESSURE), app_id=app_id)
    with pytest.raises(Forbidden):
        call(patient_id, grant_id, WEIGHT, now=clock())
    grant_consent(permission(WEIGHT), app_id=app_id)
    with pytest.raises(TooManyRequests):
        call(patient_id, grant_id, WEIGHT, now=clock())


def test_granting_again_a_single_access_that_was_used_gives_a_fresh_one(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    app_id = uuid7()
    items = permission(WEIGHT, periodicity=ONCE), permission(PRESSURE)
    grant_id = grant_consent(*items, app_id=app_id)
    call(patient_id, grant_id, WEIGHT, PRESSURE, now=clock())
    clock.move(seconds=ONCE_WINDOW.total_seconds())
    with pytest.raises(Forbidden):
        call(patient_id, grant_id, WEIGHT, now=clock())
    assert grant_consent(*items, app_id=app_id) == grant_id
    assert call(patient_id, grant_id, WEIGHT, now=clock()) == (WEIGHT,)
    with pytest.raises(TooManyRequests):
        call(patient_id, grant_id, PRESSURE, now=clock())


def test_granting_again_does_not_lengthen_a_single_access_that_is_open(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    app_id, item = uuid7(), permission(periodicity=ONCE)
    grant_id = grant_consent(item, app_id=app_id)
    call(patient_id, grant_id, now=clock())
    before = state_of(patient_id, grant_id).items[0].open_until
    clock.move(minutes=30)
    grant_consent(item, app_id=app_id)
    assert state_of(patient_id, grant_id).items[0].open_until == before


def narrow(patient_id: UUID, grant_id: UUID, *items: PermissionItem, until: date = UNTIL) -> None:
    with transaction(patient_id=patient_id):
        granting.amend_consent(patient_id=patient_id, grant_id=grant_id, items=items, valid_until=until, by=CAMILLE)


def test_the_patient_narrows_a_live_consent(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    grant_id = grant_consent(permission(WEIGHT), permission(PRESSURE))
    kept = permission(WEIGHT, data=since(2026, 1, 1), periodicity=Periodicity.recurring(1, Unit.WEEK))
    narrow(patient_id, grant_id, kept, until=date(2026, 12, 31))
    state = state_of(patient_id, grant_id)
    assert (state.permissions, state.valid_until, state.version) == ((kept,), date(2026, 12, 31), 2)


def test_narrowing_does_not_bring_back_a_single_access(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    items = permission(WEIGHT, periodicity=ONCE), permission(PRESSURE)
    grant_id = grant_consent(*items)
    call(patient_id, grant_id, WEIGHT, now=clock())
    clock.move(minutes=61)
    narrow(patient_id, grant_id, items[0])
    with pytest.raises(Forbidden) as refusal:
        call(patient_id, grant_id, WEIGHT, now=clock())
    assert refusal.value.code == "consent-exhausted"


@pytest.mark.parametrize(
    ("items", "until", "code"),
    [
        ([], UNTIL, "nothing-chosen"),
        ([permission(PRESSURE)], UNTIL, "wider-than-asked"),
        ([permission(data=ALWAYS)], UNTIL, "wider-than-asked"),
        (
            [permission(data=since(2026, 1, 1), periodicity=Periodicity.recurring(2, Unit.DAY))],
            UNTIL,
            "wider-than-asked",
        ),
        ([permission(data=since(2026, 1, 1))], date(2027, 5, 22), "wider-than-asked"),
        ([permission(data=since(2026, 1, 1))], date(2026, 11, 20), "already-over"),
    ],
)
def test_a_modification_never_widens(
    app: Flask,
    patient_id: UUID,
    grant_consent: Grant,
    clock: FrozenClock,
    items: list[PermissionItem],
    until: date,
    code: str,
) -> None:
    grant_id = grant_consent(permission(data=since(2026, 1, 1)), valid_until=UNTIL)
    with pytest.raises(Invalid) as refusal:
        narrow(patient_id, grant_id, *items, until=until)
    assert refusal.value.code == code
    assert state_of(patient_id, grant_id).version == 1


def test_an_app_amends_only_the_live_consent_that_it_names(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    terms = granting.Terms(
        uuid7(), uuid7(), "sandbox", "Balance+", "Pesée Claire", granting.Purpose.PREVENTION, [permission()], UNTIL, {}
    )
    with pytest.raises(Conflict) as refusal, transaction(patient_id=patient_id):
        granting.grant(patient_id=patient_id, terms=terms, by=CAMILLE, amended=uuid7())
    assert refusal.value.code == "not-live"


def test_a_version_keeps_what_was_shown_and_its_hash(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    grant_id = grant_consent(permission(WEIGHT, data=DatePeriod(date(2026, 1, 1)), periodicity=DAILY))
    with transaction(patient_id=patient_id):
        (version,) = queries.list_versions(patient_id, grant_id)
    assert version.decider_name == CAMILLE.name and version.assurance == "eidas2"
    assert version.text_version == "fr-2" and len(version.text_hash) == 64
    assert version.snapshot["items"][0]["frequency"] == "1 fois par jour"
    assert version.snapshot["valid_until"] == "2027-05-21"


class TestIsolation:
    def test_a_consent_is_invisible_without_its_patient(
        self, app: Flask, patient_id: UUID, grant_consent: Grant
    ) -> None:
        grant_id = grant_consent()
        with pytest.raises(NotFound):
            state_of(uuid7(), grant_id)
        with transaction() as session:
            for table in ("consent", "item", "usage", "version", "event"):
                assert session.scalar(sa.text(f"SELECT count(*) FROM consent_{table}")) == 0

    def test_nobody_else_can_be_written_for(self, app: Flask, patient_id: UUID) -> None:
        row = {"patient_id": patient_id, "consent_id": uuid7(), "category": WEIGHT, "access": READ}
        with pytest.raises(sa.exc.ProgrammingError, match="row-level security"), transaction(patient_id=uuid7()):
            db.session.execute(sa.insert(ConsentItem).values(**row, periodicity_kind="continuous"))

    @pytest.mark.parametrize("table", ["consent_version", "consent_event"])
    @pytest.mark.parametrize("verb", ["DELETE FROM {}", "UPDATE {} SET patient_id = patient_id"])
    def test_what_was_decided_cannot_be_rewritten(
        self, app: Flask, patient_id: UUID, grant_consent: Grant, table: str, verb: str
    ) -> None:
        grant_consent()
        with pytest.raises(sa.exc.ProgrammingError), transaction(patient_id=patient_id) as session:
            session.execute(sa.text(verb.format(table)))

    def test_an_app_finds_the_patient_of_its_own_grant_only(
        self, app: Flask, patient_id: UUID, grant_consent: Grant
    ) -> None:
        app_id = uuid7()
        grant_id = grant_consent(app_id=app_id)
        with transaction():
            assert queries.find_patient_of_grant(grant_id=grant_id, app_id=app_id) == patient_id
            assert queries.find_patient_of_grant(grant_id=grant_id, app_id=uuid7()) is None


def test_the_day_after_the_last_day_is_too_late(
    app: Flask, patient_id: UUID, grant_consent: Grant, clock: FrozenClock
) -> None:
    with pytest.raises(Invalid):
        grant_consent(valid_until=(clock() - timedelta(days=1)).date())
