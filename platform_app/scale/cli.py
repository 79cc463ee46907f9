"""`ens scale`: as many rows as so many spaces would hold, in a database made for it, and what they weigh."""

import click

from platform_app.database_admin import owner_engine
from platform_app.scale import service
from platform_app.scale.rules import count_spaces
from platform_app.scale.tables import SHAPES
from platform_core import clock, config
from platform_core.errors import ConfigurationError

_GIGABYTE = 1e9


@click.group()
def scale() -> None:
    """Commands of `ens scale`."""


@scale.command("generate")
@click.option("--spaces", default=1_000_000, show_default=True, help="How many spaces the rows stand for.")
@click.option("--fraction", default=0.001, show_default=True, help="The part of them that is written.")
@click.option("--dry-run", is_flag=True, help="Only say how many rows and bytes that makes.")
@click.option("--force", is_flag=True, help="In production too.")
def generate(spaces: int, fraction: float, dry_run: bool, force: bool) -> None:
    """Write made-up spaces, always the same ones, and their rows; run again after it was cut, it goes on.

    For a database of its own: nothing takes these rows away one by one.
    """
    if config.current().is_production and not (force or dry_run):
        raise ConfigurationError("ENS_ENV is production: made-up spaces have no place here (--force writes them).")
    count = count_spaces(spaces, fraction)
    _print_arithmetic(spaces, count)
    if dry_run:
        return
    owner = owner_engine(config.current())
    written = 0
    for last, rows in service.generate(owner, spaces=count, now=clock.now()):
        written += rows
        click.echo(f"{last} of {count} spaces, {written} rows")
    _print_weights()


@scale.command("weigh")
def weigh() -> None:
    """Say how many bytes a row of each table takes here."""
    _print_weights()


def _print_arithmetic(spaces: int, count: int) -> None:
    _print_line("table", "median", "p99", f"{count} spaces", "GB", f"{spaces} spaces", "GB")
    for shape in SHAPES:
        few, all_ = shape.rows(count), shape.rows(spaces)
        small, large = (f"{rows * shape.bytes_a_row / _GIGABYTE:.2f}" for rows in (few, all_))
        _print_line(shape.table, shape.law.quantile(0.5), shape.law.quantile(0.99), few, small, all_, large)


def _print_weights() -> None:
    _print_line("table", "rows", "heap", "indexes", "bytes a row")
    for one in service.weigh(owner_engine(config.current())):
        _print_line(one.table, one.rows, one.heap, one.indexes, one.heap + one.indexes)


def _print_line(first: str, *cells: object) -> None:
    click.echo(f"{first:<24}" + "".join(f"{cell!s:>16}" for cell in cells))
