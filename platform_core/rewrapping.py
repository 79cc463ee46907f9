"""Change of the master key: every value sealed under a former one is sealed again under the present one.

A sealed column says in its `info` under which context its values are sealed, primary key included:
`mapped_column(info={"sealed": "identity:ins:{id}"})`. Values are done in batches, each its own transaction; what is
done already is left as it is, so that the work may be cut at any point and taken up again.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from platform_core import crypto
from platform_core.database import Base

BATCH = 500


def sealed_columns() -> list[sa.Column[bytes]]:
    """The sealed columns of every package that is loaded, by table."""
    return [column for table in Base.metadata.sorted_tables for column in table.columns if "sealed" in column.info]


def rewrap(owner: sa.Engine) -> Iterator[tuple[str, int]]:
    """Seal again what a former master key sealed: how many values, column by column.

    `owner` speaks as the owner of the tables, whom no row-level security binds. Raises `ValueError` on a value that no
    key opens.
    """
    for column in sealed_columns():
        yield f"{column.table.name}.{column.name}", sum(_batches(owner, column))


def _batches(owner: sa.Engine, column: sa.Column[bytes]) -> Iterator[int]:
    (key,) = column.table.primary_key.columns
    page = sa.select(key, column).where(column.is_not(None)).order_by(key).limit(BATCH).with_for_update()
    last: Any = None
    while True:
        with owner.begin() as connection:
            rows = connection.execute(page if last is None else page.where(key > last)).all()
            changed = [(row[0], _resealed(column, key, row)) for row in rows]
            for key_value, value in changed:
                if value is not None:
                    connection.execute(sa.update(column.table).where(key == key_value).values({column.name: value}))
        yield sum(value is not None for _, value in changed)
        if len(rows) < BATCH:
            return
        last = rows[-1][0]


def _resealed(column: sa.Column[bytes], key: sa.Column[Any], row: Any) -> bytes | None:
    """The value under the present key; None when it is already."""
    context = column.info["sealed"].format(**{key.name: row[0]})
    if crypto.is_sealed_now(row[1], context):
        return None
    return crypto.seal(crypto.unseal(row[1], context), context)
