"""`ens store`: fill the store at scale, and empty it of what was made up."""

import click
import sqlalchemy as sa

from platform_core import config
from platform_core.database import transaction
from platform_core.errors import ConfigurationError
from store.service import seeding


@click.group()
def store() -> None:
    """Commands of `ens store`."""


@store.command("seed")
@click.option("--submissions", default=1000, show_default=True, help="How many files, drafts included.")
@click.option("--listed", default=200, show_default=True, help="How many of them are in the catalogue.")
def seed(submissions: int, listed: int) -> None:
    """Write made-up files of synthetic publishers, always the same ones; refused in production."""
    if config.current().is_production:
        raise ConfigurationError("ENS_ENV is production: made-up files have no place here.")
    with transaction():
        count = seeding.seed_store(submissions=submissions, listed=listed)
    click.echo(f"{count} made-up files are in the store, {listed} of them listed.")


@store.command("unseed")
def unseed() -> None:
    """Delete the synthetic publishers and all their files."""
    url = sa.make_url(config.current().owner_database_url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        count = seeding.remove_synthetic(connection)
    click.echo(f"{count} made-up files are gone.")
