"""The schema of the database: bring it to a revision, tell which one it has. Works as the owner role."""

from collections.abc import Callable
from pathlib import Path

import alembic.command
import alembic.config
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from platform_core.config import Config
from platform_core.errors import ConfigurationError

VERSION_TABLE = "core_alembic_version"


def upgrade(config: Config, revision: str = "head") -> None:
    """Apply the migrations up to a revision."""
    _migrate(alembic.command.upgrade, config, revision)


def downgrade(config: Config, revision: str) -> None:
    """Undo the migrations down to a revision (`base` undoes all)."""
    _migrate(alembic.command.downgrade, config, revision)


def head() -> str | None:
    """The newest revision that this code knows."""
    return ScriptDirectory(str(_SCRIPTS)).get_current_head()


def current(connection: sa.Connection) -> str | None:
    """The revision that a database has; None when it has none."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def owner_engine(config: Config) -> sa.Engine:
    """An engine that speaks as the owner of the database.

    Raises `ConfigurationError` when no address is known for it.
    """
    return sa.create_engine(_owner_url(config), poolclass=sa.NullPool)


_SCRIPTS = Path(__file__).parent / "migrations"


def _migrate(command: Callable[[alembic.config.Config, str], None], config: Config, revision: str) -> None:
    try:
        command(_settings(config), revision)
    except CommandError as error:
        raise ConfigurationError(
            f"The schema cannot be moved ({error}): run the code that made it, or start anew with `make reset`."
        ) from error


def _settings(config: Config) -> alembic.config.Config:
    settings = alembic.config.Config()
    settings.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    settings.attributes["url"] = _owner_url(config)
    return settings


def _owner_url(config: Config) -> sa.URL:
    if not config.owner_database_url:
        raise ConfigurationError(
            "The address of the database's owner is not known: run `ens services start` or set ENS_OWNER_DATABASE_URL."
        )
    return sa.make_url(config.owner_database_url).set(drivername="postgresql+psycopg")
