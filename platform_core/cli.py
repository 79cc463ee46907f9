"""Commands of the kernel: verification of the journal."""

import click

from platform_core.database import DatabaseRole, transaction
from platform_core.journal import queries, service


@click.group("journal")
def journal() -> None:
    """The sealed journal of accesses."""


@journal.command("verify")
def verify() -> None:
    """Check that no sealed row was changed, removed, inserted or cut."""
    with transaction(role=DatabaseRole.BATCH):
        findings = list(queries.verify())
    for finding in findings:
        row = f", row {finding.row}" if finding.row else ""
        click.echo(f"batch {finding.batch}{row}: {finding.fault}")
    if findings:
        raise SystemExit(1)
    click.echo("The journal is whole: every seal, row and exported root agrees.")


@journal.command("seal")
def seal() -> None:
    """Seal now what waits."""
    with transaction(role=DatabaseRole.BATCH):
        count = service.seal_batch()
    click.echo(f"{count} rows sealed.")
