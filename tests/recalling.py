"""Rows that a long procedure writes, played once in each worker, then put back in the same circumstances."""

import atexit
import copy
import hashlib
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa

from identity_core.gateway import openid
from identity_core.service.seeding import Seeded, seed_people
from platform_app import database_admin
from platform_app.simulated.people import load_people
from platform_core import clock, config
from platform_core.database import transaction

Rows = dict[str, list[str]]
T = TypeVar("T")

_TABLES = sa.text(
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    " AND pg_relation_size(oid) > 0 AND pg_get_userbyid(relowner) = current_user ORDER BY relname"
)
_COLUMNS = sa.text(
    "SELECT attname FROM pg_attribute WHERE attrelid = CAST(:table AS regclass) AND attnum > 0"
    " AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"
)
# What no play depends on: a browser signed in before or after it changes nothing to what it writes.
_BESIDE = frozenset({"identity_session"})
_SEQUENCES = sa.text("SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL")
_ADVANCE = sa.text("SELECT setval(CAST(:name AS regclass), :value)")


@dataclass(frozen=True)
class _Memory:
    added: Rows
    drawn: dict[str, int]
    result: Any


_known: dict[Hashable, _Memory] = {}


def recalled(what: Hashable, play: Callable[[], T]) -> T:
    """What `play` returns, once it has committed its rows; they are copied when all that it depends on is as it was.

    That is `what` (its arguments), every row of the database, and the clock: its instant when it is frozen, else its
    day. A play that changes rows which were there before is played each time. What it leaves elsewhere than in the
    database is not put back.
    """
    with _owner(config.current()).begin() as connection:
        before = _read(connection)
        key = (what, _moment(), _digest(before))
        if memory := _known.get(key):
            _put_back(connection, memory)
            return copy.deepcopy(memory.result)
        drawn = _drawn(connection)
    result = play()
    with _owner(config.current()).begin() as connection:
        after, then = _read(connection), _drawn(connection)
    if all(not Counter(rows) - Counter(after.get(table, ())) for table, rows in before.items()):
        added = {
            table: list((Counter(rows) - Counter(before.get(table, ()))).elements()) for table, rows in after.items()
        }
        _known[key] = _Memory(
            {table: rows for table, rows in added.items() if rows},
            {name: value for name, value in then.items() if drawn.get(name) != value},
            copy.deepcopy(result),
        )
    return result


def recall_people() -> Seeded:
    """Everybody of the demonstration, enrolled as `ens demo seed` does."""
    return recalled("everybody", _enrol)


def _enrol() -> Seeded:
    with transaction():
        return seed_people(load_people(), issuer=openid.provider("citizen").issuer_key)


@cache
def _owner(settings: config.Config) -> sa.Engine:
    address = database_admin.owner_engine(settings).url
    engine = sa.create_engine(address, pool_size=1, pool_pre_ping=True)
    atexit.register(engine.dispose)
    return engine


def _moment() -> object:
    return clock.now() if isinstance(clock._source, clock.FrozenClock) else clock.today()


def _read(connection: sa.Connection) -> Rows:
    """Every row of every table, as PostgreSQL writes it, in the order in which it lies."""
    tables = list(connection.execute(_TABLES).scalars())
    each = [f"SELECT '{table}', CAST(one AS text) FROM \"{table}\" AS one" for table in tables]
    found: Rows = {}
    for table, row in connection.execute(sa.text(" UNION ALL ".join(each))):
        found.setdefault(table, []).append(row)
    return found


def _digest(found: Rows) -> bytes:
    rows = [(table, *sorted(lines)) for table, lines in sorted(found.items()) if table not in _BESIDE]
    return hashlib.sha256(repr(rows).encode()).digest()


def _drawn(connection: sa.Connection) -> dict[str, int]:
    return {name: value for name, value in connection.execute(_SEQUENCES)}


def _put_back(connection: sa.Connection, memory: _Memory) -> None:
    """Insert the rows with one statement: foreign keys are checked once all are there."""
    inserts = ", ".join(f"filled_{n} AS ({_insert(connection, table, n)})" for n, table in enumerate(memory.added))
    values = {f"rows_{n}": rows for n, rows in enumerate(memory.added.values())}
    connection.execute(sa.text(f"WITH {inserts} SELECT 1"), values)
    drawn = _drawn(connection)
    for name, value in memory.drawn.items():
        # A sequence never goes back: what was drawn since stays drawn.
        if value > drawn.get(name, 0):
            connection.execute(_ADVANCE, {"name": name, "value": value})


def _insert(connection: sa.Connection, table: str, number: int) -> str:
    columns = [f'"{name}"' for name in connection.execute(_COLUMNS, {"table": table}).scalars()]
    names, values = ", ".join(columns), ", ".join(f"(r).{column}" for column in columns)
    return (
        f'INSERT INTO "{table}" ({names}) OVERRIDING SYSTEM VALUE SELECT {values} FROM'
        f' (SELECT CAST(line AS "{table}") AS r FROM unnest(CAST(:rows_{number} AS text[])) AS line OFFSET 0) AS read'
    )
