"""Measures inside this process: the bare SQL that each call stands on, and the consent decision alone."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from flask import current_app

from benchmarks import partner
from benchmarks.stage import Bench
from platform_app import guard
from platform_app.factory import create_app
from platform_core import clock, crypto
from platform_core.access import Access
from platform_core.database import run, transaction
from platform_core.ids import uuid7

_SEARCH = """
SELECT m.id::text, m.kind, m.effective_at, m.version, m.updated_at, m.author_id::text, m.source, m.meta::text,
       m.body::text, m.device_id, m.device_details::text
  FROM dmp_measure m WHERE patient_id = %(patient)s AND kind = 'body-weight'
 ORDER BY effective_at DESC, id DESC LIMIT 50"""
_COLUMNS = """
SELECT string_agg(attname, ', ' ORDER BY attnum) AS names FROM pg_attribute
 WHERE attrelid = 'dmp_measure'::regclass AND attnum > 0 AND NOT attisdropped"""


@dataclass(frozen=True, slots=True)
class BareSql:
    """Seconds of the statements without anything around them, their commit included for the inserts."""

    search: float
    insert: float
    insert_thousand: float


@dataclass(frozen=True, slots=True)
class Decision:
    """Seconds of a decision alone and of the whole guarded search, one after the other in one process."""

    alone: float
    search: float


@contextmanager
def application(bench: Bench) -> Iterator[None]:
    """The application in this process, for what needs no HTTP."""
    with create_app(bench.config).app_context():
        yield


def time_bare_sql(bench: Bench) -> BareSql:
    """Time the select of a page and the multi-row INSERT of the rows that a create or a batch stores."""
    patient = _patient(bench)
    with transaction(patient_id=patient):
        search = _median(lambda: run(_SEARCH, {"patient": patient}), 300)
    return BareSql(search, _median(_inserting(patient, 1), 60), _median(_inserting(patient, 1000), 10))


def time_decision(bench: Bench) -> Decision:
    """Time the row that authorises and the rules on it; then the guarded search around them, by the test client."""
    client = current_app.test_client()
    path = partner.SEARCH.partition("?")[0]
    headers = iter([partner.headers_of(bench, "GET", path) for _ in range(120)])
    parameters = _token(bench)

    def search() -> None:
        answer = client.get(partner.SEARCH, headers=next(headers), base_url=bench.config.base_url)
        if answer.status_code != 200:
            raise SystemExit(f"The search was refused: {answer.text}")

    whole = _median(search, 120)
    with transaction(bind=False):
        alone = _median(lambda: _decide(parameters), 400)
    return Decision(alone, whole)


def _decide(parameters: dict[str, object]) -> None:
    (row,) = run(guard._AUTHORIZE, parameters)
    guard._check_listing(row, clock.now())
    guard.decide(guard._facts(row), ["measures.body-weight"], Access.READ, now=clock.now())


def _inserting(patient: UUID, count: int) -> Callable[[], None]:
    """Insert `count` rows copied from stored ones, in one statement with one VALUES list, and commit."""
    with transaction(patient_id=patient):
        names = run(_COLUMNS, {})[0].names.split(", ")
        copied = ", ".join(f"{name}::text" if name in {"meta", "body", "device_details"} else name for name in names)
        stored = run(f"SELECT {copied} FROM dmp_measure LIMIT {count}", {})
    rows = [list(stored[number % len(stored)]) for number in range(count)]
    places = ", ".join(f"({', '.join(f'%(v{row}_{column})s' for column in range(len(names)))})" for row in range(count))
    statement = f"INSERT INTO dmp_measure ({', '.join(names)}) VALUES {places}"
    at = names.index("id")

    def insert() -> None:
        values = {f"v{row}_{column}": value for row, line in enumerate(rows) for column, value in enumerate(line)}
        values |= {f"v{row}_{at}": uuid7() for row in range(count)}
        with transaction(patient_id=patient):
            run(statement, values)

    return insert


def _patient(bench: Bench) -> UUID:
    with transaction():
        patient: UUID = run(guard._AUTHORIZE, _token(bench))[0].patient_id
        return patient


def _token(bench: Bench) -> dict[str, object]:
    return {"token_hash": crypto.hash_token(bench.grants[0].access_token), "now": clock.now()}


def _median(act: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)
