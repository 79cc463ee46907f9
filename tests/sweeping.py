"""Take away every row that a test committed, and put back those of the migrations."""

from functools import cached_property
from graphlib import CycleError, TopologicalSorter

import sqlalchemy as sa

from platform_app import database_admin

Rows = list[dict[str, object]]

# Deleting a few rows is many times cheaper than giving each table new files, but leaves dead rows behind.
_DELETIONS_BETWEEN_TRUNCATIONS = 40

_FILLED = sa.text(
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    " AND pg_relation_size(oid) > 0 AND relname <> :version AND pg_get_userbyid(relowner) = current_user"
)
_REFERENCES = sa.text(
    "SELECT child.relname, parent.relname FROM pg_constraint"
    " JOIN pg_class AS child ON child.oid = conrelid JOIN pg_class AS parent ON parent.oid = confrelid"
    " WHERE contype = 'f' AND conrelid <> confrelid"
)
_REWIND = sa.text(
    "SELECT setval(CAST(quote_ident(sequencename) AS regclass), start_value, false)"
    " FROM pg_sequences WHERE last_value IS NOT NULL"
)


class Sweeper:
    """Sweeps the database of one worker. It waits for those who still write, and says who keeps it waiting too long."""

    def __init__(self, owner: sa.Engine) -> None:
        self._engine = sa.create_engine(owner.url, pool_size=1, pool_pre_ping=True)
        self._seeded = self._read_seeded()
        self._deletions = 0

    def sweep(self) -> None:
        """Empty every table, rewind every sequence, and put back the rows that migrations insert."""
        with self._engine.begin() as connection:
            connection.execute(sa.text("SET LOCAL lock_timeout = '10s'"))
            if filled := self._filled(connection):
                connection.exec_driver_sql(self._emptying(filled))
                connection.execute(_REWIND)
            for table, rows in self._seeded:
                connection.execute(table.insert(), rows)

    def dispose(self) -> None:
        self._engine.dispose()

    def _emptying(self, filled: set[str]) -> str:
        names = ", ".join(f'"{name}"' for name in sorted(filled))
        if self._deletions == _DELETIONS_BETWEEN_TRUNCATIONS or self._order is None:
            self._deletions = 0
            return f"TRUNCATE {names} CASCADE"
        self._deletions += 1
        deletions = (f'DELETE FROM "{name}"' for name in self._order if name in filled)
        return f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE; {'; '.join(deletions)}"

    @cached_property
    def _order(self) -> list[str] | None:
        """Every table, those that refer before those they refer to; None when some refer to one another."""
        sorter: TopologicalSorter[str] = TopologicalSorter()
        with self._engine.begin() as connection:
            for table in connection.execute(sa.text("SELECT relname FROM pg_class WHERE relkind = 'r'")).scalars():
                sorter.add(table)
            for child, parent in connection.execute(_REFERENCES):
                sorter.add(parent, child)
        try:
            return list(sorter.static_order())
        except CycleError:
            return None

    def _filled(self, connection: sa.Connection) -> set[str]:
        """Tables that hold rows, or held some since they were last truncated. Row-level security does not count."""
        return set(connection.execute(_FILLED, {"version": database_admin.VERSION_TABLE}).scalars())

    def _read_seeded(self) -> list[tuple[sa.Table, Rows]]:
        with self._engine.connect() as connection:
            tables = [sa.Table(name, sa.MetaData(), autoload_with=connection) for name in self._filled(connection)]
            found = [
                (table, [dict(row) for row in connection.execute(sa.select(table)).mappings()]) for table in tables
            ]
        return [(table, rows) for table, rows in found if rows]
