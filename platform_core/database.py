"""The database: one dialect (PostgreSQL), one transaction per act, three roles, row-level security.

Only entry points (`api`, `pages`, `tasks`, `cli`) open `transaction()`; nothing below them commits.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

import flask_sqlalchemy.session
import orjson
import psycopg
import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from psycopg.rows import namedtuple_row
from sqlalchemy import orm

from platform_core.config import Config
from platform_core.errors import Unavailable
from platform_core.ids import uuid7

_log = logging.getLogger(__name__)
# At INFO it writes every statement, at DEBUG each row that it reads: hashes of tokens, and people’s data.
logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)


class DatabaseRole(StrEnum):
    """Who speaks to PostgreSQL. `APP` serves people and tasks; `BATCH` only the named cross-patient tasks."""

    APP = "ens_app"
    BATCH = "ens_batch"
    OWNER = "ens_owner"


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """`timestamptz` that refuses naive values and always gives UTC back."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("A naive datetime cannot be stored: use platform_core.clock.now().")
        return value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None


class Base(orm.DeclarativeBase):
    """Base of every model: named constraints, UTC times, UUID keys."""

    registry = orm.registry(
        metadata=sa.MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={datetime: UtcDateTime, UUID: sa.Uuid, str: sa.Text},
    )


def uuid_key() -> orm.Mapped[UUID]:
    """A primary key column filled with a sortable UUID."""
    return orm.mapped_column(primary_key=True, default=uuid7)


def one_of(name: str, column: str, values: type[StrEnum]) -> sa.CheckConstraint:
    """A CHECK that keeps a text column within an enumeration."""
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=name)


class RoleSession(flask_sqlalchemy.session.Session):
    """A session that talks to the engine of the role its transaction was opened with, on the connection that `run`
    took if it came first."""

    def get_bind(self, *args: Any, **kwargs: Any) -> Any:
        if "link" in self.info:
            return self.info["link"].connection
        role = self.info.get("role", DatabaseRole.APP)
        if role is DatabaseRole.BATCH:
            return self._db.engines["batch"]
        return super().get_bind(*args, **kwargs)


db = SQLAlchemy(
    model_class=Base,
    session_options={"class_": RoleSession, "expire_on_commit": False},
    disable_autonaming=True,
)


def flask_settings(config: Config, *, pool_size: int) -> dict[str, Any]:
    """The Flask-SQLAlchemy settings for these roles; `pool_size` is at least the number of server threads."""
    options = {
        "pool_size": pool_size,
        "max_overflow": pool_size,
        "pool_timeout": 5,
        "pool_recycle": 1800,
        "hide_parameters": True,
        "json_serializer": lambda value: orjson.dumps(value).decode(),
        "json_deserializer": orjson.loads,
        "connect_args": {
            "connect_timeout": 3,
            "options": "-c statement_timeout=30000 -c lock_timeout=5000"
            " -c idle_in_transaction_session_timeout=60000 -c timezone=UTC",
        },
    }
    batch = {"url": _driver(config.batch_database_url), **options, "pool_size": 1}
    return {
        "SQLALCHEMY_DATABASE_URI": _driver(config.database_url),
        "SQLALCHEMY_ENGINE_OPTIONS": options,
        "SQLALCHEMY_BINDS": {"batch": batch},
    }


def _driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def transaction(
    *, patient_id: UUID | None = None, role: DatabaseRole = DatabaseRole.APP, bind: bool = True
) -> Iterator[orm.Session]:
    """One act, one transaction: committed when the block ends, rolled back when it raises.

    `patient_id` binds row-level security to that patient from the first statement; without `bind`, the first
    statement is the caller's, sent by `run_first`. Functions given to `after_commit` run once the commit is
    acknowledged.

    Raises `Unavailable` when PostgreSQL is away: nothing was written.
    """
    session = db.session()
    if session.info.get("open"):
        raise RuntimeError("A transaction is already open: only entry points open one.")
    session.rollback()
    session.info.update(open=True, role=role, after_commit=[])
    try:
        if bind:
            run_first(_BIND, {"patient": _setting(patient_id)})
        yield session
        _commit(session)
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
        session.rollback()
        if is_outage(error):
            raise Unavailable("The database is away. Try again in a few seconds.") from error
        raise
    except BaseException:
        session.rollback()
        raise
    finally:
        hooks = session.info.pop("after_commit", [])
        session.close()
        _hang_up(session)
        session.info.update(open=False, role=DatabaseRole.APP)
        db.session.remove()
    for hook in hooks:
        try:
            hook()
        except Exception:
            _log.exception("A function that runs after commit failed; the outbox sweep will make up for it.")


_BIND = "SELECT set_config('ens.patient', %(patient)s, true)"


class _Link:
    """A connection of the pool, and the cursor that sends the statements of `run` on it."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        self.cursor = self.driver.cursor(row_factory=namedtuple_row)

    @contextmanager
    def explaining(self, statement: str) -> Iterator[None]:
        """Raise what SQLAlchemy would of an error of the driver."""
        try:
            yield
        except psycopg.Error as error:
            if self.driver.closed or self.driver.broken:
                self.connection.invalidate(error)
            raise sa.exc.DBAPIError.instance(
                statement,
                None,
                error,
                psycopg.Error,
                hide_parameters=True,
                connection_invalidated=self.connection.invalidated,
                dialect=self.connection.dialect,
            ) from error


def _link(session: orm.Session) -> _Link:
    """The connection of the present transaction. One that no mapped object has used yet is spared what a session does
    around a connection, which costs more than a statement."""
    found: _Link | None = session.info.get("link")
    if found is not None and not found.connection.closed:
        return found
    if session.in_transaction() or not session.info.get("open"):
        return _Link(session.connection())
    engine = cast("sa.Engine", session.get_bind())
    link = session.info["link"] = _Link(engine.connect())
    return link


def _commit(session: orm.Session) -> None:
    link: _Link | None = session.info.get("link")
    if session.in_transaction() or link is None:
        session.commit()
    else:
        with link.explaining("COMMIT"):
            link.driver.commit()


def _hang_up(session: orm.Session) -> None:
    """Give the connection that `run` took back to the pool, which rolls back what is not committed."""
    link: _Link | None = session.info.pop("link", None)
    if link is not None:
        link.connection.close()


def run(statement: str, parameters: Mapping[str, Any]) -> list[Any]:
    """Send one statement to the driver as it is written (`%(name)s` parameters); its rows, as named tuples.

    For the paths of every data call: the cursor of SQLAlchemy would cost as much again as the statement. Errors are
    those that SQLAlchemy raises.
    """
    link = _link(db.session())
    with link.explaining(statement):
        cursor = link.cursor.execute(statement, parameters)
        answered = cursor.pgresult is not None and cursor.pgresult.nfields > 0
        return cursor.fetchall() if answered else []


def run_first(statement: str, parameters: Mapping[str, Any]) -> list[Any]:
    """Send the first statement of a transaction; a connection that died while pooled is replaced once."""
    try:
        return run(statement, parameters)
    except sa.exc.DBAPIError as error:
        if not error.connection_invalidated:
            raise
        db.session.rollback()
        _hang_up(db.session())
        return run(statement, parameters)


def bind_patient(patient_id: UUID | None) -> None:
    """Bind row-level security of the present transaction to one patient (None: to nobody).

    The setting is local to the transaction: a pooled connection never carries it over.
    """
    run(_BIND, {"patient": _setting(patient_id)})


def _setting(patient_id: UUID | None) -> str:
    return str(patient_id) if patient_id else ""


def after_commit(hook: Callable[[], None]) -> None:
    """Run `hook` once the present transaction is committed; never when it is rolled back."""
    db.session.info["after_commit"].append(hook)


def is_outage(error: sa.exc.SQLAlchemyError) -> bool:
    """Whether PostgreSQL cannot be reached or is stopping, rather than a statement being wrong."""
    if isinstance(error, sa.exc.TimeoutError):
        return True
    if not isinstance(error, sa.exc.DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state is None or state[:2] in {"08", "57", "53"}
