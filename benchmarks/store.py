"""The store at 100, 1 000 and 10 000 files: what its pages cost, in time and in statements."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import sqlalchemy as sa
from flask import current_app
from flask.testing import FlaskClient

from benchmarks.stage import Bench
from identity_core import queries as identity
from identity_core.sessions import SignIn, Slot
from platform_core import clock
from platform_core.database import db, transaction
from store.service import seeding

SIZES = (100, 1000, 10_000)
LISTED_SHARE = 5
PAGES = {
    "review queue": "/instruction/dossiers",
    "review queue, one state": "/instruction/dossiers?etat=in_evaluation",
    "catalogue": "/catalogue",
    "catalogue, a word": "/catalogue?q=tension",
    "catalogue, a word and two facets": "/catalogue?q=tension&public=adults&cout=free",
    "catalogue by the API": "/api/v1/catalogue?q=tension",
}
_TIMES = 40


@dataclass(frozen=True, slots=True)
class Cost:
    """The least seconds of a page in one process, the measure that other work troubles least, and its statements."""

    seconds: float
    statements: int


def measure(bench: Bench) -> Iterator[tuple[int, dict[str, Cost]]]:
    """The cost of each page at each size; the store is emptied of the made-up files after the last."""
    owner = sa.create_engine(
        sa.make_url(bench.config.owner_database_url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool
    )
    client = _reviewer()
    for size in SIZES:
        with transaction():
            seeding.seed_store(submissions=size, listed=size // LISTED_SHARE)
        with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))
        yield size, {name: _cost(client, path) for name, path in PAGES.items()}
        with owner.begin() as connection:
            seeding.remove_synthetic(connection)


def _reviewer() -> FlaskClient:
    """A client signed in as the first reviewer of the demonstration."""
    client = current_app.test_client()
    with transaction():
        (agent_id,) = islice(identity.list_agent_ids("reviewer"), 1)
    with client.session_transaction() as session:
        session[f"sign_in.{Slot.AGENT}"] = SignIn(agent_id, "Inès", "eidas1", clock.now()).to_json()
    return client


def _cost(client: FlaskClient, path: str) -> Cost:
    with _counted() as statements:
        _get(client, path)
    taken = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        _get(client, path)
        taken.append(time.perf_counter() - started)
    return Cost(min(taken), len(statements))


def _get(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status_code}.")


@contextmanager
def _counted() -> Iterator[list[str]]:
    """The statements that SQLAlchemy sends meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
