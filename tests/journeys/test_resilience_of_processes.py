"""Killing what the platform is made of, in the middle of work: nothing acknowledged is lost, nothing is done twice."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from uuid import UUID

import pytest
import requests
import sqlalchemy as sa
from flask import Flask

from identity_core.service.seeding import Seeded
from partner_sdk import Measure, Space
from partner_sdk.errors import ApiError, PartnerError
from platform_core.access import Actor
from platform_core.config import Config
from platform_core.embedded import processes
from tests.journeys import whole_platform
from tests.journeys.conftest import Grants
from tests.journeys.test_resilience import history, suspend, told, waiting
from tests.journeys.whole_platform import Platform, Programs, grant_measures

pytestmark = pytest.mark.slow

SIZE = 200
LATEST = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)


def batch(number: int) -> list[Measure]:
    """The measures of one hour, so that those of a batch are found again by their dates."""
    instants = (LATEST - timedelta(hours=number, seconds=10 * n) for n in range(SIZE))
    return [Measure(kind="body-weight", value="72.4", unit="kg", at=instant) for instant in instants]


def stored(space: Space) -> dict[int, list[str]]:
    """The ids in the record, by the number of their batch."""
    found: dict[int, list[str]] = {}
    for measure in space.measures.list(kind="body-weight"):
        found.setdefault((LATEST - measure.at) // timedelta(hours=1), []).append(measure.id)
    return found


@dataclass
class Pusher:
    """A partner that writes batch after batch to one space from several threads. `sent` holds the ids acknowledged."""

    space: Space
    numbers: Iterator[int] = field(default_factory=count)
    sent: dict[int, list[str] | None] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)

    def push(self) -> PartnerError | None:
        """Write until told to stop, or until a batch gets no acknowledgement: the error is returned."""
        while not self.stopped.is_set():
            number = next(self.numbers)
            self.sent[number] = None
            try:
                self.sent[number] = self._write(number)
            except PartnerError as error:
                return error
        return None

    def acknowledged(self) -> int:
        return sum(ids is not None for ids in [*self.sent.values()])

    def check(self) -> None:
        """Acknowledged batches are whole, the others whole or absent; repeating everything doubles nothing."""
        before = stored(self.space)
        for number, ids in self.sent.items():
            if ids is None:
                assert len(before.get(number, [])) in (0, SIZE)
            else:
                assert sorted(before[number]) == sorted(ids)
        again = {number: self._write(number) for number in self.sent}
        assert [number for number, ids in self.sent.items() if ids not in (None, again[number])] == []
        after = stored(self.space)
        assert {number: sorted(ids) for number, ids in after.items()} == {n: sorted(ids) for n, ids in again.items()}

    def _write(self, number: int) -> list[str]:
        report = self.space.measures.add_many(batch(number))
        assert not report.failed
        return [each.id for each in report.accepted]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with whole_platform.started(tmp_path_factory.mktemp("platform")) as started:
        yield started


@pytest.fixture
def pushers(platform: Platform) -> Iterator[list[Pusher]]:
    """One partner who never tries twice by itself, and two records that nobody has written to."""
    with platform.partner(max_retries=0) as partner:
        opened = (partner.open(grant_measures(partner, number)) for number in count())
        empty = (space for space in opened if not stored(space))
        yield [Pusher(space) for space in islice(empty, 2)]


@contextmanager
def pushing(pushers: list[Pusher]) -> Iterator[list[Future[PartnerError | None]]]:
    """Two threads a pusher, from the moment that some more batches were acknowledged to the end of the block."""
    enough = total(pushers) + 4
    for pusher in pushers:
        pusher.stopped.clear()
    with ThreadPoolExecutor(2 * len(pushers)) as pool:
        try:
            futures = [pool.submit(pusher.push) for pusher in pushers * 2]
            assert processes.wait_until(lambda: total(pushers) >= enough, seconds=120)
            yield futures
        finally:
            for pusher in pushers:
                pusher.stopped.set()


def total(pushers: list[Pusher]) -> int:
    return sum(pusher.acknowledged() for pusher in pushers)


AWAY = {
    ("GET", "/fhir/Observation"): "application/fhir+json",
    ("GET", "/api/v1/consent"): "application/problem+json",
    ("POST", "/oauth/token"): "application/json",
    ("GET", "/catalogue"): "text/html",
}
ASSERTION = {
    "grant_type": "client_credentials",
    "scope": "ens:app",
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "client_assertion": "e30.e30.e30",
    "client_id": "somebody",
}


def test_postgresql_killed_in_the_middle_of_batches(platform: Platform, pushers: list[Pusher]) -> None:
    for _ in range(3):
        with pushing(pushers) as futures:
            platform.kill_service("PostgreSQL")
            for future in futures:
                error = future.result(timeout=60)
                assert isinstance(error, ApiError)
                assert (error.status, error.code) == (503, "unavailable")
                assert error.retry_at is not None
        assert_everything_says_so(platform.site)
        platform.restart_services()
    for pusher in pushers:
        pusher.check()
    platform.verify_journal()


def assert_everything_says_so(site: str) -> None:
    for (method, path), media in AWAY.items():
        headers = {"Authorization": "Bearer somebody"}
        answer = requests.request(method, site + path, data=ASSERTION, headers=headers, timeout=30)
        assert (path, answer.status_code) == (path, 503)
        assert answer.headers["Content-Type"].partition(";")[0] == media
        assert int(answer.headers["Retry-After"]) > 0
    assert requests.get(f"{site}/health/live", timeout=30).ok


def test_a_web_process_killed_in_the_middle_of_batches(platform: Platform, pushers: list[Pusher]) -> None:
    with pushing(pushers):
        victim, other = web_processes(platform)
        whole_platform.kill(victim)
        assert processes.wait_until(lambda: len(web_processes(platform) - {victim}) == 2, seconds=60)
        assert other in web_processes(platform)
    assert processes.wait_until(platform.is_ready, seconds=60)
    for pusher in pushers:
        pusher.check()
    platform.verify_journal()


SUSPEND = """
from identity_core.gateway import openid
from identity_core.service.seeding import seed_people
from platform_app import demo
from platform_app.simulated.people import load_people
from platform_core.database import transaction
from store.queries.applications import find_application_id
from store.service import listings

with transaction():
    people = seed_people(load_people(), issuer=openid.provider("citizen").issuer_key)
    rdv = find_application_id("rdv-facile")
    listings.suspend_listing(application_id=rdv, motive="Contrôle.", by=demo.agents(people)["omar"])
"""
UNDONE = "SELECT id FROM core_outbox WHERE done_at IS NULL"


def test_valkey_killed_while_everything_runs(platform: Platform, pushers: list[Pusher]) -> None:
    worker, beat = platform.keep("worker"), platform.keep("beat")
    assert processes.wait_until(lambda: not platform.query(UNDONE), seconds=120)
    platform.kill_service("Valkey")
    platform.python(SUSPEND)
    with platform.partner(max_retries=0) as partner:
        assert grant_measures(partner)
    for pusher in pushers:
        assert len(pusher.space.measures.add_many(batch(0)).accepted) == SIZE
        assert len(stored(pusher.space)[0]) == SIZE
    assert requests.get(f"{platform.site}/catalogue", timeout=30).ok
    assert len(platform.query(UNDONE)) >= 2
    platform.restart_services()
    assert processes.wait_until(lambda: not platform.query(UNDONE), seconds=180)
    assert platform.query("SELECT id FROM notification_email WHERE sent_at IS NULL") == []
    for process in (worker, beat):
        assert process.poll() is None, "neither died of it"
        whole_platform.end(process)
        platform.running.remove(process)
    platform.verify_journal()


def web_processes(platform: Platform) -> set[int]:
    """The processes that serve, as their server tells of them, while they live."""
    told = re.findall(r"worker-\d+ with PID: (\d+)", (platform.directory / "serve.log").read_text())
    return {int(pid) for pid in told if processes.arguments(int(pid))}


@pytest.fixture
def programs(app: Flask, config: Config, addresses: dict[str, str], tmp_path: Path) -> Iterator[Programs]:
    """Commands on the servers and the database of this test."""
    own = {"ENS_ENV": "testing", "ENS_DATA_DIR": str(config.data_dir), "ENS_PORT": str(config.port)}
    servers = {f"ENS_{name.upper()}": address for name, address in addresses.items()}
    found = Programs(tmp_path, {**whole_platform.own_environment(), **own, **servers})
    yield found
    found.end()


@pytest.mark.parametrize("killed", ["the worker", "the process that runs the task"])
def test_a_worker_killed_in_the_middle_of_a_task(
    app: Flask,
    owner: sa.Engine,
    programs: Programs,
    people: Seeded,
    applications: dict[str, UUID],
    omar: Actor,
    grant_production: Grants,
    killed: str,
) -> None:
    patients = [people.patients[name] for name in ("camille", "dominique", "paul")]
    grants = sorted((UUID(grant_production(patient).grant().grant_id), patient) for patient in patients)
    worker = programs.keep("worker")
    assert processes.wait_until(lambda: not waiting(), seconds=60)
    (first, of_first), (second, _), _ = grants
    with owner.connect() as holder:
        holder.execute(sa.text("SELECT 1 FROM consent_consent WHERE id = :id FOR UPDATE"), {"id": second})
        suspend(applications["Balance+"], omar)
        assert processes.wait_until(lambda: somebody_waits(owner), seconds=30)
        assert history(of_first, first) == ["granted"], "a batch is written whole"
        if killed == "the worker":
            whole_platform.kill_group(worker)
        else:
            for pid in whole_platform.children(worker.pid):
                whole_platform.kill(pid)
    if killed == "the worker":
        programs.keep("worker")
        with owner.begin() as later:
            later.execute(sa.text("UPDATE core_outbox SET due_at = now() WHERE done_at IS NULL"))
        app.extensions["celery"].send_task("core.redispatch_outbox")
    assert processes.wait_until(lambda: not waiting(), seconds=60)
    for grant_id, patient in grants:
        assert history(patient, grant_id) == ["granted", "suspended"]
        assert told(patient, "consent.suspended") == 1


def somebody_waits(owner: sa.Engine) -> bool:
    """Whether a transaction waits for a row that another holds."""
    with owner.connect() as connection:
        return bool(connection.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")))
