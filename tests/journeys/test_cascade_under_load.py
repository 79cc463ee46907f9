"""Twenty apps call 200 times a second while consents are revoked and paused and apps suspended, on a server of several
processes: not one call that began after an act was acknowledged is served."""

import http.client
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from consent.rules.calendar import months_after
from consent.service import granting, lifecycle
from oauth import service as oauth
from oauth.models import Token
from oauth.rules.clients import Profile
from platform_core import clock, crypto
from platform_core.access import ALWAYS, Access, Actor
from platform_core.config import Config
from platform_core.database import db, transaction
from platform_core.embedded import processes
from platform_core.ids import opaque, uuid7
from platform_core.permission import CONTINUOUS, PermissionItem, Purpose
from store.service import listings
from tests.journeys import whole_platform
from tests.journeys.conftest import CALLBACK, OPERATOR, acting_as
from tests.journeys.whole_platform import Programs

pytestmark = pytest.mark.slow

APPS, GRANTS_OF_AN_APP, RATE = 20, 10, 200
REVOKED, PAUSED, SUSPENDED_APPS = 100, 40, 3
SEARCH = "/fhir/Observation?code=http://loinc.org|29463-7"


class Holder(NamedTuple):
    """A patient who consented to one of the apps, and the token that the app holds."""

    app_id: UUID
    patient_id: UUID
    grant_id: UUID
    token: str


@dataclass
class Calls:
    """Every call: whose grant, when it began, and its status; and when each act was acknowledged."""

    log: list[tuple[UUID, float, int]] = field(default_factory=list)
    acknowledged: dict[UUID, float] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)

    def make(self, port: int, holders: list[Holder]) -> None:
        """The calls of one app, at its share of the rate, over one connection, on each of its grants in turn."""
        due = time.monotonic()
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            for holder in cycle(holders):
                if self.stopped.is_set():
                    return
                due += APPS / RATE
                time.sleep(max(due - time.monotonic(), 0))
                self.call(connection, holder)

    def call(self, connection: http.client.HTTPConnection, holder: Holder) -> None:
        began = time.monotonic()
        connection.request("GET", SEARCH, headers={"Authorization": f"Bearer {holder.token}"})
        answer = connection.getresponse()
        answer.read()
        self.log.append((holder.grant_id, began, answer.status))

    def began_after(self) -> dict[UUID, Counter[int]]:
        """The statuses of the calls that began once their grant was closed."""
        found = {grant_id: Counter[int]() for grant_id in self.acknowledged}
        for grant_id, began, status in self.log:
            if began > self.acknowledged.get(grant_id, float("inf")):
                found[grant_id][status] += 1
        return found


@pytest.fixture
def apps(app: Flask, applications: dict[str, UUID], owner: sa.Engine) -> dict[UUID, UUID]:
    """Twenty listed apps, each with its production client: copies of one that went through the procedure."""
    first = applications["Balance+"]
    with transaction():
        key = oauth.public_half(oauth.generate_key(Profile.FAPI2))
        client = oauth.issue_client(application_id=first, redirect_uris=[CALLBACK], jwk=key, by=OPERATOR)
    found = {first: client.pk}
    with owner.begin() as connection:
        while len(found) < APPS:
            application_id, client_pk = uuid7(), uuid7()
            copies = {
                "store_application": ({"id": application_id, "slug": str(application_id)}, first),
                "store_listing": ({"id": uuid7(), "application_id": application_id, "number": str(client_pk)}, first),
                "oauth_client": ({"id": client_pk, "client_id": opaque(), "application_id": application_id}, client.pk),
            }
            for table, (changes, original) in copies.items():
                column = "application_id" if table == "store_listing" else "id"
                copy(connection, table, changes, f"{column} = '{original}'")
            found[application_id] = client_pk
    return found


def copy(connection: sa.Connection, table: str, changes: dict[str, object], condition: str) -> None:
    columns = sa.text(
        "SELECT attname FROM pg_attribute WHERE attrelid = CAST(:table AS regclass) AND attnum > 0"
        " AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"
    )
    names = ", ".join(f'"{name}"' for name in connection.scalars(columns, {"table": table}))
    changed = "jsonb_populate_record(t, CAST(:changes AS jsonb))"
    statement = (
        f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE"
        f" SELECT {names} FROM (SELECT ({changed}).* FROM {table} t WHERE {condition}) AS one"
    )
    text = sa.text(statement).bindparams(sa.bindparam("changes", type_=sa.JSON))
    connection.execute(text, {"changes": {name: str(value) for name, value in changes.items()}})


@pytest.fixture
def holders(apps: dict[UUID, UUID]) -> list[Holder]:
    return [give(app_id, pk) for app_id, pk in apps.items() for _ in range(GRANTS_OF_AN_APP)]


def give(app_id: UUID, client_pk: UUID) -> Holder:
    patient, token, now = uuid7(), opaque(), clock.now()
    items = [PermissionItem("measures.body-weight", Access.READ, ALWAYS, CONTINUOUS)]
    end = months_after(clock.today(), 6)
    terms = granting.Terms(
        app_id, client_pk, "production", "Balance+", "Pesée Claire", Purpose.PREVENTION, items, end, {}
    )
    with transaction(patient_id=patient):
        grant_id = granting.grant(patient_id=patient, terms=terms, by=acting_as(patient)).id
        db.session.add(
            Token(
                kind="access",
                token_hash=crypto.hash_token(token),
                client_pk=client_pk,
                patient_id=patient,
                grant_id=grant_id,
                scope="",
                family_id=uuid7(),
                assurance="",
                issued_at=now,
                expires_at=now + timedelta(hours=1),
            )
        )
    return Holder(app_id, patient, grant_id, token)


@pytest.fixture
def port(app: Flask, config: Config, addresses: dict[str, str], tmp_path: Path) -> Iterator[int]:
    """Two web processes on the servers and the database of this test."""
    chosen = processes.choose_port(None)
    own = {"ENS_ENV": "testing", "ENS_DATA_DIR": str(config.data_dir), "ENS_PORT": str(chosen)}
    servers = {f"ENS_{name.upper()}": address for name, address in addresses.items()}
    programs = Programs(tmp_path, {**whole_platform.own_environment(), **own, **servers})
    programs.keep("serve")
    try:
        assert processes.wait_until(lambda: is_ready(chosen), seconds=60)
        yield chosen
    finally:
        programs.end()


def is_ready(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False


def test_no_call_that_began_after_an_act_was_acknowledged_is_served(
    holders: list[Holder], port: int, omar: Actor, capsys: pytest.CaptureFixture[str]
) -> None:
    calls, by_app = Calls(), {}
    for holder in holders:
        by_app.setdefault(holder.app_id, []).append(holder)
    suspended = list(by_app)[-SUSPENDED_APPS:]
    started = time.monotonic()
    with ThreadPoolExecutor(APPS) as pool:
        running = [pool.submit(calls.make, port, of_app) for of_app in by_app.values()]
        try:
            assert processes.wait_until(
                lambda: len({grant_id for grant_id, *_ in calls.log}) == len(holders), seconds=60
            )
            close_one_after_the_other([one for one in holders if one.app_id not in suspended], calls)
            for app_id in suspended:
                suspend(app_id, by_app[app_id], omar, calls)
            assert processes.wait_until(
                lambda: all(each.total() > 1 for each in calls.began_after().values()), seconds=60
            )
        finally:
            calls.stopped.set()
    seconds = time.monotonic() - started
    for each in running:
        each.result()
    after = sum(calls.began_after().values(), Counter[int]())
    statuses = Counter(status for *_, status in calls.log)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(calls.log)} calls from {APPS} apps in {seconds:.0f} s ({len(calls.log) / seconds:.0f} a second):"
            f" {dict(statuses)}; {len(calls.acknowledged)} consents closed; begun afterwards: {dict(after)}\n"
        )
    assert set(statuses) == {200, 401, 403}
    assert len(calls.acknowledged) == REVOKED + PAUSED + SUSPENDED_APPS * GRANTS_OF_AN_APP
    assert after[200] == 0
    assert set(after) == {401, 403}


def close_one_after_the_other(holders: list[Holder], calls: Calls) -> None:
    acts: list[Callable[..., None]] = [lifecycle.revoke_consent] * REVOKED + [lifecycle.pause_consent] * PAUSED
    for holder, act in zip(holders, acts, strict=False):
        with transaction(patient_id=holder.patient_id):
            act(patient_id=holder.patient_id, grant_id=holder.grant_id, by=acting_as(holder.patient_id))
        calls.acknowledged[holder.grant_id] = time.monotonic()
        time.sleep(0.05)


def suspend(app_id: UUID, holders: list[Holder], by: Actor, calls: Calls) -> None:
    with transaction():
        listings.suspend_listing(application_id=app_id, motive="Contrôle.", by=by)
    acknowledged = time.monotonic()
    calls.acknowledged.update({holder.grant_id: acknowledged for holder in holders})
