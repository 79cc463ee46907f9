"""Alembic's environment: migrations run as the owner of the database, one runner at a time.

They are written by hand and import no model: a test compares them with the models.
"""

import sqlalchemy as sa
from alembic import context

from platform_app.database_admin import VERSION_TABLE
from platform_core.database import Base, DatabaseRole

_ONE_RUNNER = 4542035  # key of the advisory lock; any constant does
_OPTIONS = "-c timezone=UTC -c idle_in_transaction_session_timeout=0"


def run_migrations() -> None:
    """Bring the database to the revision asked. A table that is in use stops a migration after 10 seconds."""
    engine = sa.create_engine(
        context.config.attributes["url"], poolclass=sa.NullPool, connect_args={"options": _OPTIONS}
    )
    with engine.connect() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_lock(_ONE_RUNNER)))
        connection.execute(sa.text("SET lock_timeout = '10s'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,  # for its naming convention
            version_table=VERSION_TABLE,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        _let_the_application_read_the_revision(connection)
        connection.commit()


def _let_the_application_read_the_revision(connection: sa.Connection) -> None:
    readers = f"{DatabaseRole.APP}, {DatabaseRole.BATCH}"
    connection.execute(sa.text(f"GRANT SELECT ON {VERSION_TABLE} TO {readers}"))


run_migrations()
