"""Change of the master key, as the owner of the database."""

import click

from platform_app.database_admin import owner_engine
from platform_core import config
from platform_core.rewrapping import rewrap


@click.group()
def keys() -> None:
    """Commands of `ens keys` that concern the master key."""


@keys.command("rewrap")
def rewrap_all() -> None:
    """Seal under ENS_MASTER_KEY what ENS_PREVIOUS_MASTER_KEYS sealed. Cut short, it is simply run again."""
    engine = owner_engine(config.current())
    try:
        for column, count in rewrap(engine):
            click.echo(f"{column}: {count}")
    finally:
        engine.dispose()
    click.echo("Everything is sealed under the present master key: the former ones open nothing any more.")
