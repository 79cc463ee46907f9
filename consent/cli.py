"""Commands of the operator: consents in numbers, for measures at scale."""

import click
import sqlalchemy as sa

from consent.service.demonstration import fill_consents
from platform_core import config
from platform_core.database import transaction
from platform_core.errors import NotFound
from platform_core.ids import uuid7
from store.queries.applications import find_application_id, get_application

_CHUNK = 100_000


@click.group()
def demo() -> None:
    """Commands of `ens demo` that concern consents."""


@demo.command("consents")
@click.option("--count", type=click.IntRange(min=1), required=True, help="How many people consent.")
@click.option("--application", default="balance", show_default=True, help="Slug of the application.")
def make_consents(count: int, application: str) -> None:
    """Have so many made-up people consent to an application: seven in ten active, the others paused, revoked, expired.

    Only rows of the consent are written, as the owner of the database: nobody can sign in as these people.
    """
    if config.current().is_production:
        raise click.ClickException("Made-up consents have no place in production.")
    with transaction():
        application_id = find_application_id(application)
        if application_id is None:
            raise NotFound(f"No application has the slug {application}.")
        found = get_application(application_id)
    run = uuid7()
    engine = sa.create_engine(config.current().owner_database_url.replace("postgresql://", "postgresql+psycopg://", 1))
    for first in range(0, count, _CHUNK):
        with engine.begin() as connection:
            fill_consents(connection, application=found, run=run, first=first, last=min(count, first + _CHUNK))
    engine.dispose()
    click.echo(f"{count} people have consented to {application}.")
