"""Writing the rows of many spaces, a batch of spaces in each transaction, and weighing the tables that hold them.

Works as the owner of the tables: COPY is refused under row-level security, and the application writes one patient at a
time. Run again after it was cut, it goes on with the first batch that is not there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from platform_app.scale.rules import Shape
from platform_app.scale.tables import SHAPES, statement_of, values_of

BATCH = 100

_KNOWN = sa.text("SELECT EXISTS (SELECT FROM identity_patient WHERE id = md5('ens-scale:' || :n)::uuid)")
_SIZE = sa.text(
    "SELECT sum(pg_table_size(relid)) AS heap, sum(pg_indexes_size(relid)) AS indexes"
    " FROM (SELECT relid FROM pg_partition_tree(:table) WHERE isleaf UNION SELECT CAST(:table AS regclass)) AS parts"
)


@dataclass(frozen=True, slots=True)
class Weight:
    """What a table holds: rows, and bytes of a row in the heap and in the indexes."""

    table: str
    rows: int
    heap: int
    indexes: int


def generate(
    owner: sa.Engine, *, spaces: int, now: datetime, shapes: Sequence[Shape] = SHAPES
) -> Iterator[tuple[int, int]]:
    """Write the rows of the spaces 1 to `spaces`; yields, after each batch, the last space and the rows written."""
    for first in range(1, spaces + 1, BATCH):
        last = min(first + BATCH - 1, spaces)
        with owner.begin() as connection:
            yield last, 0 if _is_there(connection, last) else _write(connection, first, last, now, shapes)


def _is_there(connection: sa.Connection, last: int) -> bool:
    return bool(connection.execute(_KNOWN, {"n": str(last)}).scalar())


def _write(connection: sa.Connection, first: int, last: int, now: datetime, shapes: Sequence[Shape]) -> int:
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    batch = {"first": first, "last": last, "now": now}
    return sum(
        connection.exec_driver_sql(statement_of(shape.table), {**values_of(shape), **batch}).rowcount
        for shape in shapes
    )


def weigh(owner: sa.Engine) -> list[Weight]:
    """What each table takes today, whoever its rows are of; empty ones are left out."""
    with owner.connect() as connection:
        return [found for shape in SHAPES if (found := _weigh(connection, shape.table)).rows]


def _weigh(connection: sa.Connection, table: str) -> Weight:
    rows = connection.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one()
    size = connection.execute(_SIZE, {"table": table}).one()
    return Weight(table, rows, int(size.heap) // max(rows, 1), int(size.indexes) // max(rows, 1))
