"""Commands of the operator: verification of what proves a consent; consents in numbers, for measures at scale."""

from typing import TextIO

import click
import sqlalchemy as sa

from consent import queries
from consent.queries import proofs
from consent.rules.receipts import Verdict
from consent.service.demonstration import fill_consents
from platform_core import config
from platform_core.database import DatabaseRole, transaction
from platform_core.errors import NotFound
from platform_core.ids import uuid7
from store.queries.applications import find_application_id, get_application

_CHUNK = 100_000


@click.group()
def consent() -> None:
    """What proves the consents."""


@consent.command("verify")
def verify() -> None:
    """Check that no event, version, item or receipt of a consent was changed, removed, inserted, moved or cut."""
    count = 0
    with transaction(role=DatabaseRole.BATCH):
        for found in proofs.verify():
            count += 1
            click.echo(f"consent {found.consent}, {found.table} {found.row}: {found.fault}")
    if count:
        raise SystemExit(1)
    click.echo("The consents are whole: every chain, version, item, receipt and exported head agrees.")


@consent.command("verify-receipt")
@click.argument("file", type=click.File(encoding="utf-8", errors="replace"))
def verify_receipt(file: TextIO) -> None:
    """Judge a signed receipt, downloaded by a patient: `valid`, `older`, `altered`, `unknown-key` or `unreadable`."""
    with transaction():
        found = queries.verify_receipt(file.read())
    newest = f": the newest is number {found.newest}" if found.verdict is Verdict.OLDER else ""
    click.echo(f"{found.verdict}{newest}")
    if found.told is None:
        raise SystemExit(1)


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
