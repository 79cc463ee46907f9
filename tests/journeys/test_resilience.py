"""What happens when a part is away, within this process: refused clearly, kept, done later, never twice."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from celery import Celery
from celery.contrib.testing.worker import start_worker
from flask import Flask
from flask.testing import FlaskClient
from psycopg.errors import LockNotAvailable
from werkzeug.routing import AnyConverter, BaseConverter, IntegerConverter, UUIDConverter

from consent import queries as consents
from consent import tasks as consent_tasks
from consent.service import lifecycle
from identity_core.service.seeding import Seeded
from notification_core.service import emails
from notification_core.tasks import send_email
from partner_sdk import Measure
from partner_sdk.errors import ApplicationSuspended, ConsentEnded, ConsentPaused, ServerError
from platform_app import celery_app
from platform_core import outbox
from platform_core.access import Actor
from platform_core.database import DatabaseRole, db, transaction
from platform_core.embedded.processes import wait_until
from platform_core.ids import uuid7
from platform_core.journal import queries as journal
from platform_core.journal import service as sealer
from store.service import listings
from tests.journeys.conftest import Grants, Sandbox, acting_as, new_partner
from tests.signing_in import sign_in_citizen

NOW = datetime.now(UTC).replace(microsecond=0)


def weights(count: int) -> list[Measure]:
    return [Measure(kind="body-weight", value="72.4", unit="kg", at=NOW - timedelta(minutes=n)) for n in range(count)]


def sever(connection: psycopg.Connection) -> None:
    """Cut a connection to PostgreSQL under the feet of those who hold it, as the death of the server does."""
    with socket.socket(fileno=socket.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def live_connections(app: Flask) -> Iterator[set[psycopg.Connection]]:
    """Every connection that the application opens from now on."""
    found: set[psycopg.Connection] = set()

    def note(connection: psycopg.Connection, _: object) -> None:
        found.add(connection)

    for engine in db.engines.values():
        engine.dispose()
        sa.event.listen(engine, "connect", note)
    yield found
    for engine in db.engines.values():
        sa.event.remove(engine, "connect", note)


@contextmanager
def database_away(app: Flask) -> Iterator[None]:
    """PostgreSQL refuses connections and has dropped those it had."""
    port = closed_port()

    def elsewhere(dialect: object, record: object, args: object, parameters: dict[str, object]) -> None:
        parameters["port"] = port

    for engine in db.engines.values():
        engine.dispose()
        sa.event.listen(engine, "do_connect", elsewhere)
    try:
        yield
    finally:
        for engine in db.engines.values():
            sa.event.remove(engine, "do_connect", elsewhere)
            engine.dispose()


@contextmanager
def cut_at_the_next_commit() -> Iterator[None]:
    """The connection dies under the first transaction that is about to be committed."""

    whole = True

    def cut(connection: sa.Connection) -> None:
        nonlocal whole
        if whole:
            whole = False
            sever(connection.connection.dbapi_connection)  # type: ignore[arg-type]

    sa.event.listen(db.engine, "commit", cut)
    try:
        yield
    finally:
        sa.event.remove(db.engine, "commit", cut)


@pytest.fixture
def hurried(sandbox: Sandbox, live_server: str) -> Iterator[Sandbox]:
    """A partner who never tries twice."""
    with new_partner(live_server, max_retries=0) as client:
        yield Sandbox(client, sandbox.patients)


def pause(patient: UUID, grant_id: UUID) -> None:
    with transaction(patient_id=patient):
        lifecycle.pause_consent(patient_id=patient, grant_id=grant_id, by=acting_as(patient))


def suspend(application_id: UUID, by: Actor) -> None:
    with transaction():
        listings.suspend_listing(application_id=application_id, motive="Contrôle.", by=by)


def history(patient: UUID, grant_id: UUID) -> list[str]:
    with transaction(patient_id=patient):
        return [event.kind for event in consents.list_events(patient, grant_id)]


def told(patient: UUID, kind: str) -> int:
    """How many messages of a kind the patient has."""
    with transaction(patient_id=patient):
        found = sa.text("SELECT count(*) FROM notification_message WHERE kind = :kind")
        return int(db.session.scalar(found, {"kind": kind}) or 0)


def waiting() -> list[str]:
    """The tasks of the outbox that are not done."""
    with transaction():
        return list(db.session.scalars(sa.select(outbox.OutboxMessage.task).filter_by(done_at=None)))


def seal_and_verify() -> list[journal.Finding]:
    with transaction(role=DatabaseRole.BATCH):
        assert sealer.seal_batch() > 0
    with transaction(role=DatabaseRole.BATCH):
        return list(journal.verify())


def addresses(app: Flask) -> Iterator[tuple[str, str]]:
    """Each method and path that the application routes, with made-up parts."""
    with app.test_request_context():
        adapter = app.url_map.bind("127.0.0.1")
        for rule in app.url_map.iter_rules():
            path = adapter.build(rule.endpoint, {name: _part(name, one) for name, one in rule._converters.items()})
            for method in sorted((rule.methods or set()) & {"GET", "POST", "PUT", "DELETE"}):
                yield method, path


def _part(name: str, converter: BaseConverter) -> object:
    """Something that this part of an address may hold."""
    if isinstance(converter, UUIDConverter):
        return uuid7()
    if isinstance(converter, AnyConverter):
        return min(converter.items)
    if isinstance(converter, IntegerConverter):
        return 1
    return "Observation" if name == "type_" else "x"


MEDIA = {"/fhir": "application/fhir+json", "/api/": "application/problem+json", "/oauth/": "application/json"}


def expected_media(path: str) -> str:
    if path.startswith(("/oauth/authorize", "/oauth/end_session")):
        return "text/html"
    return next((media for prefix, media in MEDIA.items() if path.startswith(prefix)), "text/html")


def test_without_postgresql_no_route_fails_otherwise_than_by_saying_so(app: Flask, client: FlaskClient) -> None:
    said: dict[str, int] = {}
    routes = list(addresses(app))
    client.set_cookie("ens", "a-browser-that-had-signed-in")
    with database_away(app):
        for method, path in routes:
            if path.startswith("/health"):
                continue
            answer = client.open(path, method=method, headers={"Authorization": "Bearer somebody"})
            assert answer.status_code < 500 or answer.status_code == 503, f"{method} {path}: {answer.status_code}"
            if answer.status_code == 503:
                assert (method, path, answer.headers.get("Retry-After")) == (method, path, "5")
                assert (method, path, answer.mimetype) == (method, path, expected_media(path))
                said[answer.mimetype] = said.get(answer.mimetype, 0) + 1
    assert said.keys() == {*MEDIA.values(), "text/html"}


def test_the_partner_is_told_to_come_back_and_is_served_once_postgresql_is_there(hurried: Sandbox, app: Flask) -> None:
    space = hurried.open(periodicity={"continuous": True})
    with database_away(app), pytest.raises(ServerError) as refusal:
        space.measures.add_many(weights(10))
    assert (refusal.value.status, refusal.value.code) == (503, "unavailable")
    assert refusal.value.retry_at is not None
    assert len(space.measures.add_many(weights(10)).accepted) == 10


def test_connections_that_died_while_pooled_cost_no_call(
    hurried: Sandbox, client: FlaskClient, people: Seeded, live_connections: set[psycopg.Connection]
) -> None:
    space = hurried.open(periodicity={"continuous": True})
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=people.patients["camille"])
    for _ in range(2):
        for connection in live_connections:
            sever(connection)
        live_connections.clear()
        assert client.get("/espace").status_code == 200
        for connection in live_connections:
            sever(connection)
        live_connections.clear()
        assert list(space.measures.list()) == []


def test_a_batch_cut_at_its_commit_is_wholly_absent_and_doubled_by_no_repetition(hurried: Sandbox) -> None:
    space = hurried.open(periodicity={"continuous": True})
    with cut_at_the_next_commit(), pytest.raises(ServerError) as refusal:
        space.measures.add_many(weights(200))
    assert refusal.value.code == "unavailable"
    assert list(space.measures.list()) == []
    first, second = (space.measures.add_many(weights(200)) for _ in range(2))
    assert len(first.accepted) == 200
    assert second.accepted == first.accepted
    assert {measure.id for measure in space.measures.list()} == {each.id for each in first.accepted}


def test_without_the_broker_everything_goes_on_and_what_waits_is_done_once_it_is_back(
    app: Flask, hurried: Sandbox, client: FlaskClient, applications: dict[str, UUID], omar: Actor, monkeypatch
) -> None:
    celery = app.extensions["celery"]
    queues = celery_app.queues(celery)
    lost = Celery(broker=f"redis://127.0.0.1:{closed_port()}", set_as_current=False)
    lost.conf.update(celery_app._SETTINGS)
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "current_app", lost)
        patched.setattr(outbox, "_broker_silent_until", 0.0)
        patched.setattr(outbox, "GRACE", timedelta())
        suspend(applications["Balance+"], omar)
        assert len(hurried.open().measures.add_many(weights(10)).accepted) == 10
        assert client.get("/catalogue").status_code == 200
    assert waiting()
    with start_worker(celery, pool="threads", concurrency=2, queues=queues, perform_ping_check=False):
        celery.send_task("core.redispatch_outbox")
        assert wait_until(lambda: not waiting(), seconds=30)
    with transaction():
        assert db.session.scalar(sa.text("SELECT count(*) FROM notification_email WHERE sent_at IS NULL")) == 0


def test_an_email_is_not_taken_for_sent_while_the_run_that_holds_it_may_still_die(
    app: Flask, owner: sa.Engine, applications: dict[str, UUID]
) -> None:
    with transaction():
        email_id = db.session.scalar(sa.text("SELECT id FROM notification_email LIMIT 1"))
    with owner.connect() as dying:
        dying.execute(sa.text("UPDATE notification_email SET sent_at = now() WHERE id = :id"), {"id": email_id})
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"), transaction():
            db.session.execute(sa.text("SET LOCAL lock_timeout = '100ms'"))
            emails.take_email(email_id=email_id)
    send_email(str(email_id))
    with transaction():
        found = sa.text("SELECT sent_at IS NOT NULL FROM notification_email WHERE id = :id")
        assert db.session.scalar(found, {"id": email_id})


def test_a_task_that_stops_half_way_is_finished_by_its_next_run_without_telling_anybody_twice(
    app: Flask, applications: dict[str, UUID], omar: Actor, people: Seeded, grant_production: Grants, monkeypatch
) -> None:
    patients = [people.patients[name] for name in ("camille", "dominique", "paul")]
    grants = {patient: UUID(grant_production(patient).grant().grant_id) for patient in patients}
    suspend(applications["Balance+"], omar)
    right = lifecycle.follow_listing

    def fail_for_one(*, patient_id: UUID, grant_id: UUID, decided: object) -> bool:
        if patient_id == patients[1]:
            raise sa.exc.OperationalError("the row is held", None, LockNotAvailable())
        return right(patient_id=patient_id, grant_id=grant_id, decided=decided)

    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="1 consents"):
        patched.setattr(lifecycle, "follow_listing", fail_for_one)
        for _ in range(2):
            consent_tasks.carry_cascade(str(applications["Balance+"]))
    for _ in range(2):
        consent_tasks.carry_cascade(str(applications["Balance+"]))
    for patient, grant_id in grants.items():
        assert history(patient, grant_id) == ["granted", "suspended"]
        assert told(patient, "consent.suspended") == 1


def test_a_pause_survives_a_suspension_and_a_withdrawal_ends_everything(
    app: Flask, applications: dict[str, UUID], omar: Actor, people: Seeded, grant_production: Grants
) -> None:
    camille, balance = people.patients["camille"], applications["Balance+"]
    space = grant_production(camille)
    grant_id = UUID(space.grant().grant_id)
    write = {"kind": "body-weight", "value": "72.4", "unit": "kg", "at": NOW}
    space.measures.add(**write)
    pause(camille, grant_id)
    with pytest.raises(ConsentPaused):
        space.measures.add(**write)

    suspend(balance, omar)
    with pytest.raises(ApplicationSuspended) as refusal:
        space.measures.add(**write)
    assert (refusal.value.status, refusal.value.code) == (403, "application-suspended")

    with transaction():
        listings.reinstate_listing(application_id=balance, motive="Corrigé.", by=omar)
    with pytest.raises(ConsentPaused):
        space.measures.add(**write)
    with transaction(patient_id=camille):
        lifecycle.resume_consent(patient_id=camille, grant_id=grant_id, by=acting_as(camille))
    space.measures.add(**write)

    with transaction():
        listings.withdraw_listing(application_id=balance, motive="Fin.", by=omar)
    with pytest.raises(ConsentEnded) as refusal:
        space.measures.add(**write)
    assert refusal.value.status == 401
    consent_tasks.carry_cascade(str(balance))
    assert history(camille, grant_id) == ["granted", "paused", "resumed", "suspended", "reinstated", "ended"]
    assert (told(camille, "consent.suspended"), told(camille, "consent.ended")) == (0, 1)
    assert seal_and_verify() == []


def test_a_sealer_killed_in_the_middle_of_a_line_or_before_its_commit_is_made_up_for(hurried: Sandbox) -> None:
    sealer.export_path().unlink(missing_ok=True)
    space = hurried.open(periodicity={"continuous": True})
    list(space.measures.list())
    with pytest.raises(ZeroDivisionError), transaction(role=DatabaseRole.BATCH):
        assert sealer.seal_batch() > 0
        raise ZeroDivisionError
    with sealer.export_path().open("a") as file:
        file.write('{"number": 1, "sealed_at": "2026-')
    assert seal_and_verify() == []
    list(space.measures.list())
    assert seal_and_verify() == []
