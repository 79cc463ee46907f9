"""Usage of an application: counted from the sealed journal, each batch once, without a patient."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from data_sync import queries, rules, tasks
from data_sync.queries import DayUsage
from oauth import queries as oauth
from platform_core import clock as platform_clock
from platform_core.access import Actor, ActorKind
from platform_core.clock import FrozenClock
from platform_core.database import DatabaseRole, transaction
from platform_core.ids import uuid7
from platform_core.journal import service as journal
from tests.oauth.conftest import insert_patient
from tests.signing_in import sign_in_agent
from tests.store.conftest import People, bring_to

TODAY = date(2026, 11, 21)


@pytest.fixture
def patients(app: Flask, owner: sa.Engine) -> list[UUID]:
    return [insert_patient(owner, name, synthetic=False) for name in ("Une", "Deux")]


def call(app_id: UUID, patient_id: UUID, grant_id: UUID, code: str = "", access: str = "read", count: int = 0) -> None:
    """One line of the journal, as the guard of data calls writes it."""
    entry = journal.Entry(
        patient_id=patient_id,
        actor=Actor(ActorKind.APPLICATION, app_id, "Balance+"),
        interaction="search",
        resource="Observation",
        access=access,
        outcome=journal.REFUSED if code else journal.SERVED,
        request_id="essai-0001",
        categories=["measures.body-weight"],
        count=count,
        code=code,
        app_id=app_id,
        grant_id=grant_id,
    )
    with transaction(patient_id=patient_id):
        journal.record(entry)


def seal() -> None:
    with transaction(role=DatabaseRole.BATCH):
        journal.seal_batch()


def days_of(app_id: UUID, first: date = TODAY, last: date = TODAY) -> list[DayUsage]:
    with transaction():
        return list(queries.list_days(app_id, first=first, last=last))


def test_calls_are_counted_by_app_day_and_code_each_once(clock: FrozenClock, patients: list[UUID]) -> None:
    ours, theirs, grant = uuid7(), uuid7(), uuid7()
    for code in ("", "", "consent-paused"):
        call(ours, patients[0], grant, code)
    call(theirs, patients[1], uuid7())
    seal()
    tasks.count_calls()
    tasks.count_calls()
    assert days_of(ours) == [DayUsage(TODAY, {"": 2, "consent-paused": 1}, synchronisations=1)]
    call(ours, patients[1], uuid7())
    tasks.count_calls()
    assert days_of(ours)[0].served == 2, "what is not sealed is not counted yet"
    seal()
    tasks.count_calls()
    assert days_of(ours)[0].served == 3
    assert (days_of(theirs)[0].served, days_of(theirs)[0].refused) == (1, 0)


def test_a_day_is_one_of_paris(clock: FrozenClock, patients: list[UUID]) -> None:
    app_id = uuid7()
    clock.instant = datetime(2026, 11, 21, 22, 59, tzinfo=UTC)
    call(app_id, patients[0], uuid7())
    clock.move(minutes=1)
    call(app_id, patients[0], uuid7())
    seal()
    tasks.count_calls()
    found = days_of(app_id, TODAY, TODAY + timedelta(days=1))
    assert [(day.day, day.served) for day in found] == [(TODAY, 1), (TODAY + timedelta(days=1), 1)]


def test_a_synchronisation_follows_fifteen_minutes_of_silence(clock: FrozenClock, patients: list[UUID]) -> None:
    app_id, grant = uuid7(), uuid7()
    for minutes in (0, 5, 14, 15, 16):
        clock.move(minutes=minutes)
        call(app_id, patients[0], grant)
    call(app_id, patients[0], grant, access="write")
    call(app_id, patients[0], grant, code="consent-paused")
    seal()
    tasks.count_calls()
    assert days_of(app_id)[0].synchronisations == 3, "the first, the one after 16 minutes, the first write"


def test_days_without_a_call_are_there_too(app: Flask) -> None:
    found = days_of(uuid7(), TODAY - timedelta(days=6), TODAY)
    assert [day.served for day in found] == [0] * 7
    assert found[0].day == TODAY - timedelta(days=6)


CONSENT = """
INSERT INTO consent_consent (patient_id, id, app_id, client_pk, environment, app_name, publisher_name, status, version,
    purpose, valid_from, valid_until, closed_at, event_count, event_head)
VALUES (:patient, gen_random_uuid(), :app, :app, 'production', 'Balance+', 'Balance+ SAS', :status, 1, 'prevention',
    :begun, :begun + interval '1 year', :closed, 0, '')
"""


def consent(owner: sa.Engine, app_id: UUID, status: str, begun: datetime, closed: datetime | None = None) -> None:
    values = {"patient": uuid7(), "app": app_id, "status": status, "begun": begun, "closed": closed}
    with owner.begin() as connection:
        connection.execute(sa.text(CONSENT), values)


def test_consents_are_counted_as_they_stand_and_yesterday_is_settled(
    app: Flask, owner: sa.Engine, clock: FrozenClock
) -> None:
    app_id, now = uuid7(), clock.instant
    yesterday = now - timedelta(days=1)
    for status, begun, closed in (
        ("active", now, None),
        ("active", yesterday, None),
        ("paused", yesterday - timedelta(days=30), None),
        ("revoked", yesterday, now),
        ("revoked", yesterday, yesterday),
        ("expired", yesterday - timedelta(days=30), yesterday),
        ("ended", yesterday - timedelta(days=30), now),
    ):
        consent(owner, app_id, status, begun, closed)
    tasks.count_consents()
    tasks.count_consents()
    before, today = days_of(app_id, yesterday.date(), now.date())
    assert (before.granted, before.revoked, before.ended) == (3, 1, 1)
    assert (today.granted, today.revoked, today.ended) == (1, 1, 1)
    with transaction():
        assert queries.find_stock(app_id) == queries.ConsentStock(active=2, paused=1)


def test_the_application_may_not_write_the_counts(app: Flask) -> None:
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), transaction() as session:
        session.execute(sa.text("INSERT INTO data_sync_cursor VALUES ('x', 1, now())"))


@pytest.mark.parametrize(("people", "said"), [(0, 0), (1, None), (4, None), (5, 5), (12_000, 12_000)])
def test_fewer_than_five_people_are_not_told(people: int, said: int | None) -> None:
    assert rules.told(people) == said


def test_weeks_begin_on_monday_the_newest_first() -> None:
    days = [DayUsage(TODAY - timedelta(days=back), {}, granted=3) for back in range(7)]
    assert [(week.monday, week.granted) for week in rules.by_week(days)] == [
        (date(2026, 11, 16), 18),
        (date(2026, 11, 9), None),
    ]


def test_codes_are_sorted_by_how_often_they_come() -> None:
    days = [DayUsage(TODAY, {"": 9, "b": 1, "a": 1}), DayUsage(TODAY, {"c": 4, "b": 1})]
    assert rules.by_code(days) == [("c", 4), ("b", 2), ("a", 1)]


@pytest.fixture
def listed(people: People) -> UUID:
    return bring_to("listed", people)[0]


def path_of(application_id: UUID, rest: str = "") -> str:
    return f"/editeur/applications/{application_id}/utilisation{rest}"


def test_the_page_shows_calls_refusals_and_hides_small_numbers(
    client: FlaskClient, people: People, listed: UUID, patients: list[UUID], owner: sa.Engine
) -> None:
    grant = uuid7()
    for code in ("", "", "consent-frequency-exceeded"):
        call(listed, patients[0], grant, code)
    for _ in range(3):
        consent(owner, listed, "active", platform_clock.now())
    seal()
    tasks.count_calls()
    tasks.count_consents()
    sign_in_agent(client, agent_id=people.alice.id)
    page = client.get(path_of(listed)).text
    assert "2 servis, 1 refusés" in page
    assert "Plus souvent que la fréquence" in page
    assert "moins de 5" in page
    assert "<svg" in page
    assert str(grant) not in page and str(patients[0]) not in page
    lines = client.get(path_of(listed, "/jours.csv?jours=7")).text.splitlines()
    assert len(lines) == 8
    assert lines[-1].endswith(",2,1,1,1")
    assert "Utilisation" in client.get(f"/editeur/applications/{listed}").text


def test_the_usage_of_another_organisation_is_not_found(client: FlaskClient, people: People, listed: UUID) -> None:
    sign_in_agent(client, agent_id=people.bruno.id)
    for rest in ("", "/jours.csv", "?client=inconnu"):
        assert client.get(path_of(listed, rest)).status_code == 404
    sign_in_agent(client, agent_id=people.alice.id)
    assert client.get(path_of(listed, "?client=inconnu")).status_code == 404
    with transaction():
        assert oauth.list_clients(listed) == []
    assert client.get(path_of(listed, "?jours=12")).status_code == 200
